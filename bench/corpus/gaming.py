"""A feed of complexes: signed batches of 500 true events, each complex in the order of its own series."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from bench.requests import interleaved, message, write_requests
from gateway.client.gaming import Action
from gateway.local.simulation.houses import enrol_owners, make_houses, make_owners
from gateway.local.simulation.model import Course, House, Owner
from gateway.local.simulation.scribe import Scribe

COMPLEXES = 10
EVENTS = 500
RATE = 50.0
"""Events a second of a complex; the play began so early that all of it has happened."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The owners, and in the order of each complex's series its registration and its batches."""

    directory: Path
    owners: Sequence[Owner]
    lanes: Sequence[Sequence[bytes]]

    async def enrol(self, dsn: str, now: datetime) -> None:
        """Makes a gateway know the owners."""
        await enrol_owners(dsn, self.directory, self.owners, now)

    def requests(self, start: int, stop: int) -> Path:
        """The messages `start` to `stop` of each complex as requests, a lane a complex; 0 is the registration."""
        path = self.directory / f"gaming-{start}.requests"
        write_requests(path, interleaved([message(body) for body in lane[start:stop]] for lane in self.lanes))
        return path


def make_feed(directory: Path, batches: int, now: datetime) -> Feed:
    """`batches` batches of EVENTS events from each of COMPLEXES houses of all kinds."""
    random = Random(8)  # noqa: S311 - made-up play, no secret
    owners = make_owners(directory, random, now)
    return Feed(directory, owners, [_lane(house, batches, now) for house in make_houses(owners, COMPLEXES, random)])


def _lane(house: House, batches: int, now: datetime) -> list[bytes]:
    course = Course(now - timedelta(seconds=1.2 * batches * EVENTS / RATE), now, RATE, EVENTS)
    scribe = Scribe(house, course, 8)
    bodies = [scribe.series.registration(Action.REGISTER, house.state)]
    events = (event for turn in scribe.play.turns(course.end) for event in turn)
    for _ in range(batches):
        batch = [next(events) for _ in range(EVENTS)]
        scribe.series.number(batch)
        bodies.append(scribe.write(batch).body)
    return bodies
