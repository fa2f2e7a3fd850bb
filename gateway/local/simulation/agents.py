"""Houses whose events go through `gateway agent`: one agent a complex, fed by files in its folder."""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random

from gateway.errors import GatewayError
from gateway.local.simulation.model import Course, House, SimulatedEvent
from gateway.local.simulation.play import Play

EVENTS_A_FILE = 500


class AgentFailed(GatewayError):
    """An agent ended with another exit status than 0; the text has the end of what it said."""

    code = "simulated-agent-failed"


class AgentFeed:
    """The agent of one house in a directory of its own: configuration, key, certificate, spool, and the folder."""

    def __init__(self, house: House, directory: Path, url: str) -> None:
        self.house = house
        self.config = directory / "agent.toml"
        self._folder = directory / "events"
        self._url = url
        self._count = 0

    def prepare(self) -> None:
        """Writes the configuration, the key and the certificate."""
        self._folder.mkdir(parents=True, exist_ok=True)
        owner = self.house.owner
        for name, pem in (("key", owner.credentials.key), ("certificate", owner.credentials.certificate)):
            path = self.config.with_name(f"agent.{name}.pem")
            path.write_bytes(pem)
            path.chmod(0o600)
        text = files("gateway.client.agent").joinpath("agent.toml").read_text(encoding="utf-8")
        head, _, log = text.partition("[inputs]")
        values = {
            "complex": self.house.id,
            "owner": owner.identifier,
            "kind": owner.kind,
            "unit": self.house.units("SERVER")[0].id,
            "url": self._url,
            "language": "en",
        }
        inputs = '[inputs]\nfolder = "events"\n\n[log]' + log.partition("[log]")[2]
        self.config.write_text((head + inputs).format(**values), encoding="utf-8")

    def put(self, events: Sequence[SimulatedEvent]) -> None:
        """Puts a file of events before the agent, whole or not at all."""
        self._count += 1
        path = self._folder / f"{self._count:06d}.jsonl"
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events), "utf-8")
        unfinished.rename(path)

    async def start(self) -> asyncio.subprocess.Process:
        """Starts the agent; it ends by itself when everything has a receipt."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "agent", "run", "--config", str(self.config), "--until-sent"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self) -> None:
        """Runs the agent until everything has a receipt; raises AgentFailed when it ends otherwise."""
        process = await self.start()
        _said, errors = await process.communicate()
        if process.returncode != 0:
            raise AgentFailed(f"the agent of {self.house.id} ended with {process.returncode}: {errors.decode()[-500:]}")


def plain_events(house: House, course: Course, seed: int) -> Iterator[SimulatedEvent]:
    """The play of a house without corrections, which name numbers that only the agent gives."""
    random = Random(f"{seed}/{house.id}")  # noqa: S311 - made-up play, no secret
    turns = Play(house, random, course.start, course.rate).turns(course.end)
    return (event for turn in turns for event in turn if "original" not in event)


def feed(one: AgentFeed, events: Iterable[SimulatedEvent]) -> int:
    """Puts all events before the agent, some hundred a file; returns how many there were."""
    source, count = iter(events), 0
    while part := list(islice(source, EVENTS_A_FILE)):
        one.put(part)
        count += len(part)
    return count
