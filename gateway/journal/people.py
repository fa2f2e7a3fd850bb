"""The FMA's people: who may ask for what, by the role and the certificates they were enrolled with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import asyncpg

from gateway.journal.audit import UNNAMED, Actor, Deed
from gateway.journal.changes import fingerprint_of, recorded, refuse_foreign
from gateway.journal.connections import AnyConnection
from gateway.journal.copies import FollowingCopy
from gateway.journal.errors import EnrolmentRefused, PersonUnknown
from gateway.journal.pooled import Pooled
from gateway.journal.queries import sql


class Role(StrEnum):
    """What somebody works as; one role a person, since who administers is not to audit himself."""

    OFFICER = "officer"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the FMA; `certificates` are lower-case hex SHA-256 of the DER of those that stand."""

    id: str
    name: str
    role: Role
    active: bool
    certificates: frozenset[str]


@dataclass(frozen=True, slots=True)
class PeopleSnapshot:
    """Everybody by id, and the holders of certificates that stand: from fingerprint to id and PEM."""

    version: int
    people: Mapping[str, Person]
    certificates: Mapping[str, tuple[str, bytes]]


NOBODY = PeopleSnapshot(0, {}, {})


class People(Pooled):
    """The FMA's people in one PostgreSQL database; an async context manager.

    Every change is written down in the audit log in the same transaction, as done by `actor`; nothing is deleted.
    """

    def __init__(self, dsn: str, actor: Actor = UNNAMED) -> None:
        super().__init__(dsn)
        self._actor = actor

    async def enrol(self, person: Person, certificates: tuple[bytes, ...], at: datetime) -> Person:
        """Enrols somebody, or brings name and role up to date and adds certificates (one PEM each); the state stays.

        Raises EnrolmentRefused with `no-certificate`, `not-one-certificate`, `certificate-of-another` or
        `certificate-revoked`.
        """
        pems = {fingerprint_of(pem): pem.decode() for pem in certificates}
        if not pems:
            raise EnrolmentRefused("no-certificate", "a person is enrolled with one certificate or more")
        detail = {"role": person.role.value, "name": person.name, "certificates": sorted(pems)}
        async with self._changing() as connection:
            version = await recorded(connection, Deed(self._actor, "person enrolled", person.id, at, detail=detail))
            await refuse_foreign(connection, person.id, list(pems), "person")
            await connection.execute(sql("put_person"), person.id, person.name, person.role.value, at, version)
            rows = [(fingerprint, person.id, pem, at, version) for fingerprint, pem in pems.items()]
            await connection.executemany(sql("add_person_certificate"), rows)
            return await _person(connection, person.id)

    async def set_active(self, person_id: str, at: datetime, *, active: bool) -> Person:
        """Suspends somebody, who is then refused everything, or lets them in again. Raises PersonUnknown."""
        state = "active" if active else "suspended"
        async with self._changing() as connection:
            version = await recorded(connection, Deed(self._actor, f"person {state}", person_id, at))
            person = await _person(connection, person_id)
            await connection.execute(sql("set_person_state"), person_id, state, version)
        return replace(person, active=active)

    async def revoke(self, person_id: str, fingerprint: str, at: datetime) -> Person:
        """Takes a certificate from somebody for ever. Raises PersonUnknown, EnrolmentRefused (`no-certificate`)."""
        detail = {"certificate": fingerprint}
        async with self._changing() as connection:
            version = await recorded(
                connection, Deed(self._actor, "person certificate revoked", person_id, at, detail=detail)
            )
            await _person(connection, person_id)
            if not await connection.fetchval(sql("revoke_person_certificate"), person_id, fingerprint, at, version):
                raise EnrolmentRefused("no-certificate", "the person has no such certificate that stands")
            return await _person(connection, person_id)

    async def everybody(self) -> tuple[Person, ...]:
        """All people by id, the suspended too."""
        async with self._connection() as connection:
            return tuple(_person_of(row) for row in await connection.fetch(sql("people")))

    async def version(self) -> int:
        """The number of the last change of the directory or of people."""
        async with self._connection() as connection:
            return int(await connection.fetchval(sql("directory_version")))

    async def snapshot(self) -> PeopleSnapshot:
        """Everybody as they stand at one version."""
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            version = await connection.fetchval(sql("directory_version"))
            people = [_person_of(row) for row in await connection.fetch(sql("people"))]
            certificates = await connection.fetch(sql("person_certificates"))
        return PeopleSnapshot(
            version,
            {person.id: person for person in people},
            {row["fingerprint"]: (row["person"], row["pem"].encode()) for row in certificates},
        )


class PeopleCache(FollowingCopy):
    """A copy of the people that are there, no older than a moment; those who are suspended hold no certificate."""

    name = "people"

    def __init__(self, people: People, seconds: float = 0.25) -> None:
        super().__init__(seconds)
        self._people = people
        self._snapshot = NOBODY

    def certificate(self, fingerprint: str) -> tuple[str, bytes] | None:
        """The id and the PEM of the person for whom this certificate (lower-case hex SHA-256) stands."""
        return self._snapshot.certificates.get(fingerprint)

    def by_id(self, person_id: str) -> Person | None:
        """The person of that id."""
        return self._snapshot.people.get(person_id)

    async def refresh(self) -> None:
        """Takes up what changed. Raises Unavailable."""
        if await self._people.version() != self._snapshot.version:
            self._snapshot = await self._people.snapshot()


async def _person(connection: AnyConnection, person_id: str) -> Person:
    row = await connection.fetchrow(sql("person"), person_id)
    if row is None:
        raise PersonUnknown("nobody is enrolled under this id")
    return _person_of(row)


def _person_of(row: asyncpg.Record) -> Person:
    return Person(row["id"], row["name"], Role(row["role"]), row["state"] == "active", frozenset(row["certificates"]))
