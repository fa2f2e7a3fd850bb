"""The shapes of what the FMA's people read, for the OpenAPI document, and the same facts as the routes tell them."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from gateway.intake.documentation import Shape, TimestampFacts
from gateway.journal import AuditEntry
from gateway.model import Entity


class EntityFacts(Shape):
    """One enrolled entity."""

    identifier: str = Field(description="BIN or IIN")
    identifier_kind: str = Field(description="bin or iin")
    kind: str = Field(description="a code of the table reporting_entity_kinds")
    name: str
    state: str = Field(description="active or suspended")
    certificates: list[str] = Field(description="SHA-256 of the DER of each that stands, lower-case hex")


class EntityList(Shape):
    """Entities by identifier, and the way to the next page."""

    entities: list[EntityFacts]
    next: str | None


class AuditFacts(Shape):
    """One entry of the audit log."""

    seq: int
    at: datetime
    actor: str
    role: str
    channel: str = Field(description="http or command")
    action: str
    subject: str
    purpose: str
    detail: dict[str, Any]
    leaf: str = Field(description="SHA-256, lower-case hex")
    chain: str = Field(description="SHA-256, lower-case hex")


class AuditPage(Shape):
    """Entries in their order, and the compact JWS of the newest checkpoint, which is of the ledger -1."""

    entries: list[AuditFacts]
    checkpoint: str | None
    cosignatures: list[str] = Field(description="of each witness the newest co-signature, compact JWS; maybe older")
    timestamp: TimestampFacts | None = Field(description="the newest one; maybe of an older checkpoint")


def entity_facts(entity: Entity) -> dict[str, Any]:
    """An entity as it is told."""
    return {
        "identifier": entity.identifier,
        "identifier_kind": entity.identifier_kind.value,
        "kind": entity.kind,
        "name": entity.name,
        "state": entity.state.value,
        "certificates": sorted(entity.certificates),
    }


def audit_facts(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is told."""
    return {
        "seq": entry.seq,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "role": entry.role,
        "channel": entry.channel,
        "action": entry.action,
        "subject": entry.subject,
        "purpose": entry.purpose,
        "detail": orjson.loads(entry.detail),
        "leaf": entry.leaf.hex(),
        "chain": entry.chain.hex(),
    }
