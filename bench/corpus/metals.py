"""Reports of jewellers: signed, of 200 lines each, each dealer in the order of its own series."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bench.requests import interleaved, message, write_requests
from gateway.client.envelopes import Envelope, new_guid
from gateway.client.metals import metals_report_xml
from gateway.client.operations import Period, ReportHeader
from gateway.journal import Directory, Enrolment
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.people import make_bin, make_person
from gateway.model import IdentifierKind
from gateway.sealing.generation import Subject
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.xmldsig import sign_now

DEALERS = 10
LINES = 200
KIND = "150"


@dataclass(frozen=True, slots=True)
class Dealer:
    """Who reports, and by which key."""

    identifier: str
    keys: LocalKeyHolder
    certificate: bytes


class MetalsCorpus:
    """The next reports of every dealer, as often as they are asked for."""

    def __init__(self, directory: Path, dealers: Sequence[Dealer], anchor: bytes, now: datetime) -> None:
        self._directory = directory
        self._dealers = dealers
        self._anchor = anchor
        self._now = now
        self._reports = 0

    @classmethod
    def make(cls, directory: Path, now: datetime) -> "MetalsCorpus":
        """DEALERS jewellers under a throw-away authority in `directory`."""
        random = Random(10)  # noqa: S311 - made-up data, no secret
        directory.mkdir(parents=True, exist_ok=True)
        authority = ThrowAwayAuthority(directory)
        anchor = authority.make(now).read().certificate
        return cls(directory, [_dealer(authority, number, random, now) for number in range(DEALERS)], anchor, now)

    async def enrol(self, dsn: str, now: datetime) -> None:
        """Makes a gateway trust the authority and know the dealers."""
        async with Directory(dsn) as directory:
            await directory.add_anchor(self._anchor, now)
            for one in self._dealers:
                name = f"Jeweller {one.identifier}"
                await directory.enrol(
                    Enrolment(one.identifier, IdentifierKind.BIN, KIND, name, (one.certificate,)), now
                )

    def requests(self, reports: int) -> Path:
        """The next `reports` reports of each dealer as a file of requests, a lane a dealer."""
        path = self._directory / f"metals-{self._reports}.requests"
        first, self._reports = self._reports + 1, self._reports + reports
        numbers = range(first, first + reports)
        write_requests(path, interleaved(self._lane(one, numbers) for one in self._dealers))
        return path

    def _lane(self, dealer: Dealer, numbers: range) -> Iterator[bytes]:
        random = Random(f"{dealer.identifier}/{numbers.start}")  # noqa: S311 - made-up data, no secret
        today = (self._now - timedelta(days=1)).date()
        for number in numbers:
            lines = [_line((number - 1) * LINES + place, today.isoformat(), random) for place in range(1, LINES + 1)]
            header = ReportHeader(number, Period(today, today), "750000000")
            tree = metals_report_xml(Envelope(dealer.identifier, KIND, self._now), header, lines)
            yield message(sign_now(tree, dealer.keys))


def _dealer(authority: ThrowAwayAuthority, number: int, random: Random, now: datetime) -> Dealer:
    identifier = make_bin(random, now.date())
    own = authority.enrol(f"dealer-{number}", Subject(common_name=f"Jeweller {number}", bin=identifier), now).read()
    return Dealer(identifier, LocalKeyHolder.from_pem(own.key, own.certificate), own.certificate)


def _line(sequence: int, day: str, random: Random) -> Mapping[str, Any]:
    price = str(random.randint(20, 190) * 1_000)
    party = make_person(random, datetime.fromisoformat(day).date()).iin
    known = {"party_kind": "IIN", "party": party} if sequence % 4 == 0 else {"party_kind": "WALK-IN"}
    return {
        "sequence": sequence,
        "id": new_guid(),
        "kind": "SOLD",
        "date": day,
        "article": "JEWELLERY",
        "metal": "AU",
        "fineness": "585",
        "grams": f"{random.randint(100, 900) / 100:.2f}",
        "count": 1,
        "description": f"Кольцо {sequence}",
        "price": price,
        "cash": price,
        **known,
    }
