"""Who may file: the enrolled entities, their certificates, and the trust anchors; with the history of changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from gateway.journal.audit import UNNAMED, Actor, Deed
from gateway.journal.changes import fingerprint_of, recorded, refuse_foreign
from gateway.journal.connections import AnyConnection
from gateway.journal.errors import EnrolmentRefused, EntityUnknown
from gateway.journal.pooled import Pooled
from gateway.journal.queries import sql
from gateway.model import Entity, EntityState, IdentifierKind

__all__ = ["NOBODY", "Anchor", "Directory", "EnrolledCertificate", "Enrolment", "Snapshot", "fingerprint_of"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trust anchor: the lower-case hex SHA-256 of its DER, its PEM, and when it was added (UTC)."""

    fingerprint: str
    pem: bytes
    added_at: datetime


@dataclass(frozen=True, slots=True)
class EnrolledCertificate:
    """A certificate of an entity: its fingerprint, its PEM, when it was enrolled and revoked (UTC; None: it stands)."""

    fingerprint: str
    pem: bytes
    enrolled_at: datetime
    revoked_at: datetime | None


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


class Directory(Pooled):
    """The directory in one PostgreSQL database; an async context manager. It connects when first needed.

    Identifiers are taken as they are: whoever enrols has checked their digits. Every change takes the moment it is
    made (UTC), raises `version` and is written down in the audit log, as done by `actor`, in the same transaction;
    nothing is ever deleted. Every method raises Unavailable while PostgreSQL is away.
    """

    def __init__(self, dsn: str, actor: Actor = UNNAMED) -> None:
        super().__init__(dsn)
        self._actor = actor

    async def add_anchor(self, pem: bytes, at: datetime) -> Anchor:
        """Trusts one more certificate as an anchor; again is harmless.

        Raises EnrolmentRefused with `not-one-certificate`.
        """
        anchor = Anchor(fingerprint_of(pem), pem, at)
        async with self._changing() as connection:
            if not await connection.fetchval(sql("anchor_known"), anchor.fingerprint):
                version = await recorded(connection, Deed(self._actor, "anchor added", anchor.fingerprint, at))
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

        Raises EnrolmentRefused with `no-certificate`, `not-one-certificate`, `certificate-of-another`,
        `identifier-kind` (the same digits were enrolled as the other kind of identifier), or `certificate-revoked`.
        """
        certificates = {fingerprint_of(pem): pem.decode() for pem in enrolment.certificates}
        if not certificates:
            raise EnrolmentRefused("no-certificate", "an entity is enrolled with one certificate or more")
        identifier = enrolment.identifier
        async with self._changing() as connection:
            detail = {"kind": enrolment.kind, "name": enrolment.name, "certificates": sorted(certificates)}
            version = await recorded(connection, Deed(self._actor, "entity enrolled", identifier, at, detail=detail))
            await _refuse_conflict(connection, enrolment, list(certificates))
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

    async def add_certificate(self, identifier: str, pem: bytes, at: datetime) -> Entity:
        """Lets the entity sign with one more certificate beside those it has, as when one is about to run out.

        Raises EntityUnknown, EnrolmentRefused as `enrol` does.
        """
        fingerprint = fingerprint_of(pem)
        deed = Deed(self._actor, "certificate added", identifier, at, detail={"certificate": fingerprint})
        async with self._changing() as connection:
            version = await recorded(connection, deed)
            await _entity(connection, identifier)
            await refuse_foreign(connection, identifier, [fingerprint], "entity")
            await connection.execute(sql("add_certificate"), fingerprint, identifier, pem.decode(), at, version)
            await connection.execute(sql("touch_entity"), identifier, version)
            return await _entity(connection, identifier)

    async def revoke_certificate(self, identifier: str, fingerprint: str, at: datetime) -> Entity:
        """Takes a certificate (lower-case hex SHA-256) from the entity for ever; what it signed before stands.

        Raises EntityUnknown, EnrolmentRefused with `no-certificate`.
        """
        async with self._changing() as connection:
            detail = {"certificate": fingerprint}
            version = await recorded(
                connection, Deed(self._actor, "certificate revoked", identifier, at, detail=detail)
            )
            await _entity(connection, identifier)
            if not await connection.fetchval(sql("revoke_certificate"), identifier, fingerprint, at, version):
                raise EnrolmentRefused("no-certificate", "the entity has no such certificate that stands")
            await connection.execute(sql("touch_entity"), identifier, version)
            return await _entity(connection, identifier)

    async def certificates(self, identifier: str) -> tuple[EnrolledCertificate, ...]:
        """Every certificate that the entity was enrolled with, the revoked too. Raises EntityUnknown."""
        async with self._connection() as connection:
            await _entity(connection, identifier)
            rows = await connection.fetch(sql("certificates_of"), identifier)
        return tuple(
            EnrolledCertificate(row["fingerprint"], row["pem"].encode(), row["enrolled_at"], row["revoked_at"])
            for row in rows
        )

    async def entities(self) -> tuple[Entity, ...]:
        """All enrolled entities by identifier."""
        async with self._connection() as connection:
            found = [_entity_of(row) for row in await connection.fetch(sql("entities_since"), 0)]
        return tuple(sorted(found, key=lambda entity: entity.identifier))

    async def page(self, after: str, limit: int) -> tuple[Entity, ...]:
        """The entities that follow this identifier, by identifier; those from the first where it is empty."""
        async with self._connection() as connection:
            return tuple(_entity_of(row) for row in await connection.fetch(sql("page_of_entities"), after, limit))

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
            version = await recorded(connection, Deed(self._actor, f"entity {state.value}", identifier, at))
            entity = await _entity(connection, identifier)
            await connection.execute(sql("set_entity_state"), identifier, state.value, version)
        return replace(entity, state=state)


async def _refuse_conflict(connection: AnyConnection, enrolment: Enrolment, fingerprints: list[str]) -> None:
    await refuse_foreign(connection, enrolment.identifier, fingerprints, "entity")
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
