"""Entities, messages and a whole intake for tests: real PostgreSQL, throw-away certificates, real signatures."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from lxml import etree

from gateway.intake.settings import Bounds, IntakeSettings
from gateway.journal import Directory, Enrolment, migrate
from gateway.local.messages import Reporter, Scenario, build_fm1
from gateway.local.people import make_firm, make_person
from gateway.model import IdentifierKind
from gateway.sealing.generation import Issued, Subject, generate_gateway_key, issue, make_authority
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from gateway.sealing.xmldsig import sign_xml

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=400)
URL = "https://gateway.example.kz"
XML = {"Content-Type": "application/xml"}
NOTHING: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True)
class Party:
    """One entity with its key."""

    identifier: str
    identifier_kind: IdentifierKind
    kind: str
    credentials: Issued

    @property
    def keys(self) -> LocalKeyHolder:
        return LocalKeyHolder.from_pem(self.credentials.key, self.credentials.certificate)

    async def bearer(self, audience: str = URL, at: datetime | None = None) -> dict[str, str]:
        token = await make_bearer(self.identifier, audience, at or datetime.now(UTC), self.keys)
        return {"Authorization": f"Bearer {token}"}

    def sign(self, root: etree._Element) -> bytes:
        return sign_xml(root, self.credentials.key, [self.credentials.certificate])


@dataclass
class World:
    """An authority, its entities, a migrated database in which they are enrolled, and messages from a seed."""

    settings: IntakeSettings
    authority: Issued
    parties: dict[str, Party] = field(default_factory=dict)
    seeds: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __getitem__(self, label: str) -> Party:
        return self.parties[label]

    def tree(self, label: str, changes: Mapping[str, str | None] = NOTHING) -> etree._Element:
        party = self[label]
        reporter = Reporter(party.identifier, party.kind, f"ТОО {label}")
        return build_fm1(
            Scenario.CASINO_WINNINGS,
            reporter,
            now=datetime.now(UTC) - timedelta(minutes=5),
            random=Random(next(self.seeds)),
            changes=changes,
        )

    def message(self, label: str = "casino", changes: Mapping[str, str | None] = NOTHING) -> bytes:
        return self[label].sign(self.tree(label, changes))

    def refused_message(self, label: str = "casino") -> bytes:
        return self.message(label, {"MessageInformation/ViewOperationId": "9999"})

    def with_bounds(self, **bounds: Any) -> IntakeSettings:
        return replace(self.settings, bounds=replace(self.settings.bounds, **bounds))

    async def enrol(self, label: str, *, suspend: bool = False) -> None:
        party = self[label]
        enrolment = Enrolment(
            party.identifier, party.identifier_kind, party.kind, label, (party.credentials.certificate,)
        )
        async with Directory(self.settings.database_url) as directory:
            await directory.enrol(enrolment, NOW)
            if suspend:
                await directory.suspend(party.identifier, NOW)

    async def newcomer(self, label: str, kind: str = "011") -> Party:
        """An entity that is enrolled when it is first asked for, so that no other test counts its messages."""
        if label not in self.parties:
            self.add(label, kind)
            await self.enrol(label)
        return self[label]

    def add(self, label: str, kind: str = "093", *, natural: bool = False) -> Party:
        random = Random(label)
        if natural:
            identifier, which = make_person(random, NOW.date()).iin, IdentifierKind.IIN
            subject = Subject(label.upper(), iin=identifier)
        else:
            identifier, which = make_firm(random, NOW.date()).bin, IdentifierKind.BIN
            subject = Subject(label.upper(), iin=make_person(random, NOW.date()).iin, bin=identifier)
        self.parties[label] = Party(
            identifier, which, kind, issue(self.authority, subject, SINCE, 2 * timedelta(days=400))
        )
        return self.parties[label]


async def make_world(dsn: str, directory: Path) -> World:
    """A world of its own in an empty database: casino, jeweller, bank and notary enrolled, `halted` suspended."""
    await migrate(dsn)
    key, certificate = generate_gateway_key(directory, "Test gateway", SINCE)
    settings = IntakeSettings(
        database_url=dsn,
        key_file=key,
        certificate_file=certificate,
        public_urls=(URL,),
        port=0,
        bounds=Bounds(),
    )
    world = World(settings, make_authority("TEST CA", SINCE))
    async with Directory(dsn) as enrolled:
        await enrolled.add_anchor(world.authority.certificate, NOW)
    for label, kind in (("casino", "093"), ("jeweller", "150"), ("bank", "011"), ("halted", "093")):
        world.add(label, kind)
        await world.enrol(label, suspend=label == "halted")
    world.add("notary", "140", natural=True)
    await world.enrol("notary")
    world.add("stranger")
    return world


def utf8(body: bytes) -> bytes:
    """The same message in UTF-8, signature and all."""
    return etree.tostring(etree.fromstring(body), encoding="UTF-8", xml_declaration=True)
