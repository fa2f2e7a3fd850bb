"""The verdict on batches of a complex's events against bare lxml: parse and XSD of the same batches in the same run."""

import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import cycle, islice
from pathlib import Path
from random import Random

from lxml import etree

from gateway.client.envelopes import Envelope, new_guid
from gateway.client.gaming import BatchHeader, EventContent, batch_xml, rfc3339
from gateway.local.people import make_person
from gateway.model import Circumstances
from validators.gaming.model import Complex, ComplexState
from validators.judge import judge
from validators.model import Verdict
from validators.parsing import parse
from validators.profiles import ProfileBook

EVENTS = 500
BATCHES = 8
OWNER = "050140000011"
NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
UNITS = {"DESK-1": "DESK", "SLOT-1": "MACHINE", "TERM-1": "TERMINAL", "SERVER-1": "SERVER"}
HOME = Complex("BENCH-1", OWNER, ComplexState.ACTIVE, "093", "Bench", "750000000", 60, None, UNITS, frozenset())
METERS = ("coin_in", "coin_out", "jackpots", "hand_pays", "drop", "games")


@dataclass(frozen=True)
class GamingFigures:
    """Events a second, medians of `repeats` runs; the most that Python holds while it judges one batch."""

    events_per_second: float
    bare_events_per_second: float
    ratio: float
    microseconds_an_event: float
    kib_a_batch: float
    events_a_batch: int
    repeats: int

    def facts(self) -> dict[str, float]:
        return asdict(self)


def measure(repeats: int) -> GamingFigures:
    """The two are run by turns, so that the machine's moods hit both."""
    random = Random(4)  # noqa: S311 - made-up data, no secret
    bodies = [_batch(number, random) for number in range(1, BATCHES + 1)]
    profiles = ProfileBook.load()
    circumstances = Circumstances(NOW, "093", HOME, register_known=True)

    def ours(body: bytes) -> None:
        assert judge(parse(body), circumstances, profiles).verdict is Verdict.ACCEPTED

    bare = _bare()
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 1):
        for step, seen in zip((ours, bare), rates, strict=True):
            seen.append(_rate(step, bodies))
    gateway, floor = (statistics.median(seen[1:]) for seen in rates)
    kib = _memory(lambda: ours(bodies[0]))
    return GamingFigures(gateway, floor, gateway / floor, 1_000_000 / gateway, kib, EVENTS, repeats)


def _rate(step: Callable[[bytes], None], bodies: Sequence[bytes]) -> float:
    started = time.perf_counter()
    for body in bodies:
        step(body)
    return len(bodies) * EVENTS / (time.perf_counter() - started)


def _memory(step: Callable[[], None]) -> float:
    tracemalloc.start()
    step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1_024


def _bare() -> Callable[[bytes], None]:
    """Parse and XSD with lxml alone: no limits, no codes, no rules, no content."""
    place = Path(str(files("schemas") / "xsd" / "gaming" / "2026-01-01" / "GamingBatch.xsd"))
    schema = etree.XMLSchema(etree.parse(str(place)))

    def check(body: bytes) -> None:
        assert schema.validate(etree.fromstring(body))

    return check


def _batch(number: int, random: Random) -> bytes:
    """A batch of EVENTS events as a casino has them, in UTF-16, with a signature that is none."""
    players = [make_person(random, NOW.date()).iin for _ in range(50)]
    first = (number - 1) * EVENTS + 1
    kinds = islice(cycle(_details("", "", random)), EVENTS)
    events = [_event(first + place, kind, random.choice(players), random) for place, kind in enumerate(kinds)]
    root = batch_xml(Envelope(OWNER, "093", NOW), BatchHeader(HOME.id, number), events)
    signature = root.find("SignedData/Signature")
    assert signature is not None
    signature.text = "PGRzOlNpZ25hdHVyZS8+"
    written = etree.tostring(root, encoding="UTF-16", xml_declaration=True)
    assert isinstance(written, bytes)
    return written


def _event(sequence: int, kind: str, player: str, random: Random) -> EventContent:
    moment = NOW - timedelta(seconds=600) + timedelta(milliseconds=sequence)
    details = _details(player, f"R-{sequence}", random)[kind]
    return {"sequence": sequence, "id": new_guid(), "kind": kind, "time": rfc3339(moment), **details}


def _details(player: str, reference: str, random: Random) -> Mapping[str, EventContent]:
    """What an event of each kind has beside the common attributes."""
    amount = f"{random.randint(500, 900_000)}.{random.randint(0, 99):02}"
    known = {"amount": amount, "player": player, "player_kind": "IIN", "session": f"S-{random.randint(1, 9_999)}"}
    bet = {"unit": "TERM-1", "reference": reference, "odds": "1.85", **known}
    return {
        "BUY-IN": {"unit": "DESK-1", "means": "CASH", **known},
        "BET-PLACED": bet,
        "METERS": {"unit": "SLOT-1", **dict.fromkeys(METERS, random.randint(0, 10**9))},
        "TICKET-OUT": {"unit": "SLOT-1", "amount": amount, "reference": reference, "player_kind": "ANONYMOUS"},
        "CASH-OUT": {"unit": "DESK-1", "means": "CARD", **known},
        "BET-SETTLED": {**bet, "outcome": "WON", "stake": "1000"},
        "HEARTBEAT": {"unit": "SERVER-1"},
    }
