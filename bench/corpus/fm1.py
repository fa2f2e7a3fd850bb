"""Signed FM-1s of about 14 KB, each another one, and the entities that file them."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from lxml import etree

from bench.requests import ANY, message, write_requests
from gateway.journal import Directory, Enrolment
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.messages import Reporter, Scenario, build_fm1
from gateway.local.people import make_bin
from gateway.model import IdentifierKind
from gateway.sealing.generation import Subject
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.xmldsig import sign_now

ENTITIES = 16
TARGET_BYTES = 14_000
FILLER = "Қаражат көзі: жеке жинақ. "
PROCESSES = 2
PIECE = 500
FIELD_LETTERS = 990
"""The texts that are filled up take a thousand letters."""


@dataclass(frozen=True, slots=True)
class Filer:
    """An entity with the key and the certificate by which it signs (PEM)."""

    reporter: Reporter
    key: bytes
    certificate: bytes


class Fm1Corpus:
    """Makes as many messages as are asked for, never the same one twice; ECDSA P-256, UTF-16."""

    def __init__(self, directory: Path, filers: Sequence[Filer], anchor: bytes, now: datetime, salt: str = "") -> None:
        self.anchor = anchor
        self._directory = directory
        self.filers = filers
        self._now = now
        self._salt = salt
        self._made = 0

    @classmethod
    def make(cls, directory: Path, now: datetime, salt: str = "") -> "Fm1Corpus":
        """ENTITIES casinos with keys of their own under a throw-away authority in `directory`.

        The messages of one salt are always the same ones, those of another are others.
        """
        random = Random(6)  # noqa: S311 - made-up data, no secret
        directory.mkdir(parents=True, exist_ok=True)
        authority = ThrowAwayAuthority(directory)
        anchor = authority.make(now).read().certificate
        filers = [_filer(authority, number, random, now) for number in range(ENTITIES)]
        return cls(directory, filers, anchor, now, salt)

    async def enrol(self, dsn: str, now: datetime) -> None:
        """Makes a gateway trust the authority and know the entities."""
        async with Directory(dsn) as directory:
            await directory.add_anchor(self.anchor, now)
            for filer in self.filers:
                own = filer.reporter
                await directory.enrol(
                    Enrolment(own.identifier, IdentifierKind.BIN, own.kind, own.name, (filer.certificate,)), now
                )

    def bodies(self, count: int) -> Iterator[bytes]:
        """The next messages."""
        starts = range(self._made, self._made + count, PIECE)
        self._made += len(starts) * PIECE
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
            pieces = [pool.submit(make_piece, self.filers, start, self._now, self._salt) for start in starts]
            left = count
            for piece in pieces:
                yield from piece.result()[:left]
                left -= PIECE

    def requests(self, count: int) -> Path:
        """The next messages as a file of requests."""
        path = self._directory / f"fm1-{self._made}.requests"
        write_requests(path, ((ANY, message(body)) for body in self.bodies(count)))
        return path


def make_piece(filers: Sequence[Filer], start: int, now: datetime, salt: str = "") -> list[bytes]:
    """PIECE messages that no other start or salt gives."""
    random = Random(f"fm1/{salt}/{start}")  # noqa: S311 - made-up data, no secret
    keys = [LocalKeyHolder.from_pem(filer.key, filer.certificate) for filer in filers]
    bodies = []
    for number in range(start, start + PIECE):
        filer, own = filers[number % len(filers)], keys[number % len(filers)]
        tree = build_fm1(Scenario.CASINO_WINNINGS, filer.reporter, now=now, random=random)
        bodies.append(sign_now(_padded(tree, own), own))
    return bodies


def _filer(authority: ThrowAwayAuthority, number: int, random: Random, now: datetime) -> Filer:
    identifier = make_bin(random, now.date())
    subject = Subject(common_name=f"Casino {number}", bin=identifier, organisation=f"Casino {number}")
    own = authority.enrol(f"casino-{number}", subject, now).read()
    return Filer(Reporter(identifier, "093", f"Casino {number}"), own.key, own.certificate)


def _padded(tree: etree._Element, own: LocalKeyHolder) -> etree._Element:
    short = TARGET_BYTES - len(sign_now(tree, own))
    for tag in ("AdditionalInformation", "MoreInformation"):
        element = next(tree.iter(tag))
        if short > 0:
            text = (element.text or "") + FILLER * (short // (2 * len(FILLER)) + 1)
            element.text = text[:FIELD_LETTERS]
            short -= 2 * FIELD_LETTERS
    return tree
