"""The verdict on batches of a complex's events alone, against bare lxml: parse and XSD of the same batches."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Any

from lxml import etree

from bench.ceiling.judging import make_parser
from bench.measures.verdict import Step, rate_of
from bench.model import Figure, Outcome
from bench.workshop import Workshop
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


def measure(workshop: Workshop) -> Outcome:
    """In one process, by turns; and the most that Python holds while it judges one batch."""
    workshop.tell("gaming-verdict: judging batches")
    bodies, ours, bare = made_batches(), verdict_of_batches(), make_parser("gaming")
    mine, theirs = [], []
    for repeat in range(workshop.plan.repeats + 1):
        rates = [rate_of(step, bodies) * EVENTS for step in (ours, bare)]
        if repeat:
            mine.append(rates[0])
            theirs.append(rates[1])
    figure = Figure("gaming-verdict", "events/s", tuple(mine), tuple(theirs))
    return Outcome((figure,), {"kib_a_batch": _memory(lambda: ours(bodies[0])), "events_a_batch": EVENTS})


def made_batches() -> list[bytes]:
    """BATCHES batches of EVENTS events as a casino has them, in UTF-16, each with a signature that is none."""
    random = Random(4)  # noqa: S311 - made-up data, no secret
    return [_batch(number, random) for number in range(1, BATCHES + 1)]


def verdict_of_batches() -> Step:
    """The gateway's verdict, without the signature; raises where it is not an acceptance."""
    profiles, circumstances = ProfileBook.load(), Circumstances(NOW, "093", HOME, register_known=True)

    def ours(body: bytes) -> None:
        if judge(parse(body), circumstances, profiles).verdict is not Verdict.ACCEPTED:
            raise AssertionError("a batch of the corpus is refused")

    return ours


def _memory(step: Callable[[], object]) -> float:
    tracemalloc.start()
    step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1_024


def _batch(number: int, random: Random) -> bytes:
    players = [make_person(random, NOW.date()).iin for _ in range(50)]
    first = (number - 1) * EVENTS + 1
    kinds = islice(cycle(_details("", "", random)), EVENTS)
    events = [_event(first + place, kind, random.choice(players), random) for place, kind in enumerate(kinds)]
    root = batch_xml(Envelope(OWNER, "093", NOW), BatchHeader(HOME.id, number), events)
    signature = root.find("SignedData/Signature")
    if signature is None:
        raise AssertionError("an envelope has a place for its signature")
    signature.text = "PGRzOlNpZ25hdHVyZS8+"
    written: Any = etree.tostring(root, encoding="UTF-16", xml_declaration=True)
    return bytes(written)


def _event(sequence: int, kind: str, player: str, random: Random) -> EventContent:
    moment = NOW - timedelta(seconds=600) + timedelta(milliseconds=sequence)
    details = _details(player, f"R-{sequence}", random)[kind]
    return {"sequence": sequence, "id": new_guid(), "kind": kind, "time": rfc3339(moment), **details}


def _details(player: str, reference: str, random: Random) -> dict[str, EventContent]:
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
