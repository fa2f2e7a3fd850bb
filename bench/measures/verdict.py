"""The verdict on one message alone: parse, signature, XSD, codes and rules, against bare lxml and against xmlschema."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import xmlschema

from bench.ceiling.judging import SCHEMAS, make_judge
from bench.corpus.fm1 import Fm1Corpus
from bench.model import Figure, Outcome
from bench.workshop import Workshop
from gateway.model import Circumstances
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import verify_message
from validators.judge import judge
from validators.parsing import parse
from validators.profiles import ProfileBook

WARM = 50
SLOW = 20
"""How many messages xmlschema validates a run: it is slow."""

Step = Callable[[bytes], object]


def measure(workshop: Workshop) -> Outcome:
    """In one process, by turns, so that the machine's moods hit all of them."""
    workshop.tell("verdict: judging FM-1s")
    now = datetime.now(UTC)
    corpus = Fm1Corpus.make(workshop.directory / "verdict", now)
    bodies = list(corpus.bodies(workshop.plan.verdicts))
    ours, bare, slow = verdict_of(corpus.anchor, now), make_judge("fm1"), _xmlschema()
    rates: dict[str, list[float]] = {"ours": [], "bare": [], "slow": []}
    for step in (ours, bare):
        rate_of(step, bodies[:WARM])
    for _ in range(workshop.plan.repeats):
        rates["ours"].append(rate_of(ours, bodies))
        rates["bare"].append(rate_of(bare, bodies))
        rates["slow"].append(rate_of(slow, bodies[:SLOW]))
    mine = tuple(rates["ours"])
    return Outcome(
        (
            Figure("verdict", "messages/s", mine, tuple(rates["bare"])),
            Figure("verdict.xmlschema", "messages/s", mine, tuple(rates["slow"]), against="XSD alone by xmlschema"),
        ),
        {"documents": len(bodies), "bytes": sum(map(len, bodies)) / len(bodies)},
    )


def verdict_of(anchor: bytes, at: datetime) -> Step:
    """The gateway's whole verdict, signature included; raises where it is not an acceptance."""
    trust, profiles, circumstances = TrustStore([anchor]), ProfileBook.load(), Circumstances(at, "093")

    def ours(body: bytes) -> None:
        message = parse(body)
        verify_message(message, trust, at)
        if not judge(message, circumstances, profiles).verdict.stands:
            raise AssertionError("a message of the corpus is refused")

    return ours


def rate_of(step: Step, bodies: Sequence[bytes], clock: Callable[[], float] = time.perf_counter) -> float:
    """Bodies a second of the clock."""
    started = clock()
    for body in bodies:
        step(body)
    return len(bodies) / (clock() - started)


def _xmlschema() -> Step:
    """XSD alone, by xmlschema, and nothing else."""
    schema = xmlschema.XMLSchema(str(SCHEMAS["fm1"]))

    def validate(body: bytes) -> None:
        schema.validate(body)

    return validate
