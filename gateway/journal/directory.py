"""Who may file: the enrolled entities, their certificates, and the trust anchors; with the history of changes."""

import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import asyncpg
import orjson

from gateway.errors import Unavailable
from gateway.journal.connections import SERVING, AnyConnection, Pool, close, open_pool, postgres_needed
from gateway.journal.errors import EnrolmentRefused, EntityUnknown
from gateway.journal.queries import sql
from gateway.model import Entity, EntityState, IdentifierKind

_CONNECTIONS = 2
_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"
_DER_SEQUENCE = b"\x30"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trust anchor: the lower-case hex SHA-256 of its DER, its PEM, and when it was added (UTC)."""

    fingerprint: str
    pem: bytes
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who is to be enrolled; `certificates` are PEM texts of one certificate each, `kind` a code."""

    identifier: str
    identifier_kind: IdentifierKind
    kind: str
    name: str
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The directory, or what changed in it since a version; mappings go from identifier and from fingerprint."""

    version: int
    entities: Mapping[str, Entity]
    certificates: Mapping[str, bytes]
    anchors: tuple[bytes, ...]

    def with_changes(self, changes: "Snapshot") -> "Snapshot":
        """This snapshot brought to the version of the changes."""
        return Snapshot(
            version=changes.version,
            entities={**self.entities, **changes.entities},
            certificates={**self.certificates, **changes.certificates},
            anchors=(*self.anchors, *(pem for pem in changes.anchors if pem not in self.anchors)),
        )


NOBODY = Snapshot(version=0, entities={}, certificates={}, anchors=())


class Directory:
    """The directory in one PostgreSQL database; an async context manager. It connects when first needed.

    Identifiers are taken as they are: whoever enrols has checked their digits. Every change takes the moment it is
    made (UTC) and raises `version`; nothing is ever deleted. Every method raises Unavailable while PostgreSQL is
    away.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, SERVING, _CONNECTIONS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        closing, self._pool = self._pool, None
        if closing is not None:
            await close(closing)

    async def add_anchor(self, pem: bytes, at: datetime) -> Anchor:
        """Trusts one more certificate as an anchor; again is harmless.

        Raises EnrolmentRefused with `not-one-certificate`.
        """
        anchor = Anchor(fingerprint_of(pem), pem, at)
        async with self._changing() as connection:
            if not await connection.fetchval(sql("anchor_known"), anchor.fingerprint):
                version = await _recorded(connection, at, "anchor added", anchor.fingerprint, {})
                await connection.execute(sql("add_anchor"), anchor.fingerprint, pem.decode(), at, version)
        return anchor

    async def anchors(self) -> tuple[Anchor, ...]:
        """The trust anchors in the order they were added."""
        async with self._connection() as connection:
            return tuple(
                Anchor(row["fingerprint"], row["pem"].encode(), row["added_at"])
                for row in await connection.fetch(sql("anchors_since"), 0)
            )

    async def enrol(self, enrolment: Enrolment, at: datetime) -> Entity:
        """Enrols an entity, or adds certificates to it and brings its kind and name up to date; its state stays.

        Raises EnrolmentRefused with `no-certificate`, `not-one-certificate`, `certificate-of-another` or
        `identifier-kind` (the same digits were enrolled as the other kind of identifier).
        """
        certificates = {fingerprint_of(pem): pem.decode() for pem in enrolment.certificates}
        if not certificates:
            raise EnrolmentRefused("no-certificate", "an entity is enrolled with one certificate or more")
        identifier = enrolment.identifier
        async with self._changing() as connection:
            detail = {"kind": enrolment.kind, "name": enrolment.name, "certificates": sorted(certificates)}
            version = await _recorded(connection, at, "entity enrolled", identifier, detail)
            await _refuse_foreign(connection, enrolment, list(certificates))
            await connection.execute(
                sql("put_entity"),
                identifier,
                enrolment.identifier_kind.value,
                enrolment.kind,
                enrolment.name,
                at,
                version,
            )
            await connection.executemany(
                sql("add_certificate"),
                [(fingerprint, identifier, pem, at, version) for fingerprint, pem in certificates.items()],
            )
            return await _entity(connection, identifier)

    async def suspend(self, identifier: str, at: datetime) -> Entity:
        """Lets the entity file no more. Raises EntityUnknown."""
        return await self._set_state(identifier, EntityState.SUSPENDED, at)

    async def resume(self, identifier: str, at: datetime) -> Entity:
        """Lets a suspended entity file again. Raises EntityUnknown."""
        return await self._set_state(identifier, EntityState.ACTIVE, at)

    async def entities(self) -> tuple[Entity, ...]:
        """All enrolled entities by identifier."""
        async with self._connection() as connection:
            found = [_entity_of(row) for row in await connection.fetch(sql("entities_since"), 0)]
        return tuple(sorted(found, key=lambda entity: entity.identifier))

    async def version(self) -> int:
        """The number of the last change."""
        async with self._connection() as connection:
            return int(await connection.fetchval(sql("directory_version")))

    async def snapshot(self, since: int = 0) -> Snapshot:
        """The directory as it stands at one version; only what changed after `since`."""
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            version = await connection.fetchval(sql("directory_version"))
            entities = await connection.fetch(sql("entities_since"), since)
            certificates = await connection.fetch(sql("certificates_since"), since)
            anchors = await connection.fetch(sql("anchors_since"), since)
        return Snapshot(
            version=version,
            entities={row["identifier"]: _entity_of(row) for row in entities},
            certificates={row["fingerprint"]: row["pem"].encode() for row in certificates},
            anchors=tuple(row["pem"].encode() for row in anchors),
        )

    async def _set_state(self, identifier: str, state: EntityState, at: datetime) -> Entity:
        async with self._changing() as connection:
            version = await _recorded(connection, at, f"entity {state.value}", identifier, {})
            entity = await _entity(connection, identifier)
            await connection.execute(sql("set_entity_state"), identifier, state.value, version)
        return replace(entity, state=state)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AnyConnection]:
        if self._pool is None:
            raise Unavailable("the directory is not open")
        with postgres_needed():
            async with self._pool.acquire() as connection:
                yield connection

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AnyConnection]:
        async with self._connection() as connection, connection.transaction():
            yield connection


def fingerprint_of(pem: bytes) -> str:
    """The lower-case hex SHA-256 of the certificate's DER.

    Raises EnrolmentRefused with `not-one-certificate`.
    """
    try:
        der = ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    except ValueError as error:
        raise EnrolmentRefused("not-one-certificate", "the text is not a certificate in PEM") from error
    if pem.count(_PEM_BEGIN) != 1 or der[:1] != _DER_SEQUENCE:
        raise EnrolmentRefused("not-one-certificate", "exactly one certificate in PEM is needed")
    return hashlib.sha256(der).hexdigest()


async def _recorded(
    connection: AnyConnection, at: datetime, action: str, subject: str, detail: Mapping[str, Any]
) -> int:
    """The version of this change, which is written down; takes the lock that orders changes."""
    version = await connection.fetchval(sql("next_directory_version"))
    await connection.execute(
        sql("record_directory_change"), version, at, action, subject, orjson.dumps(detail).decode()
    )
    return int(version)


async def _refuse_foreign(connection: AnyConnection, enrolment: Enrolment, fingerprints: list[str]) -> None:
    for row in await connection.fetch(sql("owners_of_certificates"), fingerprints):
        if row["identifier"] != enrolment.identifier:
            raise EnrolmentRefused(
                "certificate-of-another", f"the certificate {row['fingerprint']} is enrolled for another entity"
            )
    known = await connection.fetchrow(sql("entity"), enrolment.identifier)
    if known is not None and known["identifier_kind"] != enrolment.identifier_kind.value:
        raise EnrolmentRefused("identifier-kind", "these digits are enrolled as the other kind of identifier")


async def _entity(connection: AnyConnection, identifier: str) -> Entity:
    row = await connection.fetchrow(sql("entity"), identifier)
    if row is None:
        raise EntityUnknown("no entity is enrolled under this identifier")
    return _entity_of(row)


def _entity_of(row: asyncpg.Record) -> Entity:
    return Entity(
        identifier=row["identifier"],
        identifier_kind=IdentifierKind(row["identifier_kind"]),
        kind=row["kind"],
        name=row["name"],
        state=EntityState(row["state"]),
        certificates=frozenset(row["certificates"]),
    )
