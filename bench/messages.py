"""Signed FM-1s of about 14 KB and the entities that file them, the same for every measure."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from lxml import etree

from gateway.journal import Directory, Enrolment
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.messages import Reporter, Scenario, build_fm1
from gateway.local.people import make_bin
from gateway.model import IdentifierKind
from gateway.sealing.generation import Subject
from gateway.sealing.xmldsig import sign_xml

ENTITIES = 16
TARGET_BYTES = 14_000
FILLER = "Қаражат көзі: жеке жинақ. "


@dataclass(frozen=True)
class Corpus:
    """The anchor, who files, and what."""

    anchor: bytes
    enrolments: tuple[Enrolment, ...]
    bodies: tuple[bytes, ...]

    async def enrol(self, dsn: str, now: datetime) -> None:
        async with Directory(dsn) as directory:
            await directory.add_anchor(self.anchor, now)
            for enrolment in self.enrolments:
                await directory.enrol(enrolment, now)


def make_corpus(place: Path, count: int, now: datetime) -> Corpus:
    """`count` different messages of ENTITIES casinos, ECDSA P-256, UTF-16, of TARGET_BYTES or a little more."""
    random = Random(6)  # noqa: S311 - made-up data, no secret
    place.mkdir(parents=True, exist_ok=True)
    authority = ThrowAwayAuthority(place)
    anchor = authority.make(now).certificate.read_bytes()
    actors = []
    for number in range(ENTITIES):
        identifier = make_bin(random, now.date())
        subject = Subject(common_name=f"Casino {number}", bin=identifier, organisation=f"Casino {number}")
        actors.append(
            (Reporter(identifier, "093", f"Casino {number}"), authority.enrol(f"casino-{number}", subject, now))
        )
    keys = [(reporter, own.key.read_bytes(), own.certificate.read_bytes()) for reporter, own in actors]
    bodies = []
    for number in range(count):
        reporter, key, certificate = keys[number % ENTITIES]
        message = build_fm1(Scenario.CASINO_WINNINGS, reporter, now=now, random=random)
        bodies.append(sign_xml(_padded(message, key, certificate), key, [certificate]))
    enrolments = tuple(
        Enrolment(reporter.identifier, IdentifierKind.BIN, reporter.kind, reporter.name, (certificate,))
        for reporter, _, certificate in keys
    )
    return Corpus(anchor, enrolments, tuple(bodies))


def _padded(message: etree._Element, key: bytes, certificate: bytes) -> etree._Element:
    short = TARGET_BYTES - len(sign_xml(message, key, [certificate]))
    for tag in ("AdditionalInformation", "MoreInformation"):
        element = next(message.iter(tag))
        if short > 0:
            text = (element.text or "") + FILLER * (short // (2 * len(FILLER)) + 1)
            element.text = text[:990]
            short -= 2 * 990
    return message
