"""Owners and their complexes, made up from a seed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random

from gateway.client.gaming import State, Unit
from gateway.journal import Actor, Directory, Enrolment
from gateway.local.authority import ThrowAwayAuthority
from gateway.local.people import make_bin
from gateway.local.simulation.halls import software_digest
from gateway.local.simulation.model import House, Owner
from gateway.model import IdentifierKind
from gateway.sealing.generation import Subject

KINDS = {
    "092": ("Лотерея", {"SERVER": 1, "TERMINAL": 6}),
    "093": ("Казино", {"SERVER": 1, "DESK": 2, "TABLE": 4, "MACHINE": 6}),
    "094": ("Зал автоматов", {"SERVER": 1, "DESK": 1, "MACHINE": 10}),
    "095": ("Букмекер", {"SERVER": 1, "DESK": 1, "TERMINAL": 6}),
    "096": ("Тотализатор", {"SERVER": 1, "DESK": 1, "TERMINAL": 4}),
}
"""By code of `reporting_entity_kinds`: what such a house is called, and how many units of each kind it has."""
PREMISES = ("750000000", "710000000", "790000000", "351010000")
HEARTBEAT_SECONDS = 3600
"""Registered for all houses, so that none falls silent by itself between two runs or after one."""


def make_owners(directory: Path, random: Random, now: datetime, kinds: Sequence[str] = tuple(KINDS)) -> list[Owner]:
    """One owner of each kind with a certificate of the throw-away authority that lies in `directory`."""
    authority = ThrowAwayAuthority(directory)
    directory.mkdir(parents=True, exist_ok=True)
    authority.make(now)
    owners = []
    for kind in kinds:
        identifier = make_bin(random, now.date())
        name = f"{KINDS[kind][0]} {identifier}"
        subject = Subject(common_name=name, bin=identifier, organisation=name)
        owners.append(Owner(identifier, kind, name, authority.enrol(f"owner-{identifier}", subject, now).read()))
    return owners


async def enrol_owners(dsn: str, directory: Path, owners: Sequence[Owner], now: datetime) -> None:
    """Makes a gateway trust the authority of `directory` and know the owners that it certified."""
    async with Directory(dsn, Actor("gateway simulate")) as enrolled:
        await enrolled.add_anchor(ThrowAwayAuthority(directory).own.read().certificate, now)
        for owner in owners:
            pems = (owner.credentials.certificate,)
            await enrolled.enrol(Enrolment(owner.identifier, IdentifierKind.BIN, owner.kind, owner.name, pems), now)


def make_houses(owners: Sequence[Owner], count: int, random: Random) -> Iterator[House]:
    """Complexes of the owners by turns; their identifiers come from the random source and are new for each seed."""
    for number in range(count):
        owner = owners[number % len(owners)]
        mark = f"{random.getrandbits(40):010X}"
        yield House(f"SIM-{owner.kind}-{mark}", owner, _state(owner.kind, number, random))


def _state(kind: str, number: int, random: Random) -> State:
    name, counts = KINDS[kind]
    units = [
        Unit(f"{unit_kind}-{place:02d}", unit_kind, f"{name} {place}")
        for unit_kind, count in counts.items()
        for place in range(1, count + 1)
    ]
    versions = random.sample(range(1, 40), 3)
    return State(
        kind=kind,
        name=f"{name} № {number + 1}",
        premises=random.choice(PREMISES),
        heartbeat_seconds=HEARTBEAT_SECONDS,
        units=units,
        software=[software_digest(f"{kind} build {version}") for version in versions],
    )
