"""A group of new codes as an entry of the log: its bytes, its receipt and its records on the topic of luxury goods."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from gateway.journal.luxury_rows import CodeRow, Unlogged
from gateway.model import Draft, Receipt, Record, Verdict
from gateway.oversight.dealers import LUXURY_TOPIC
from gateway.sealing.batches import Unsealed, seal_records
from gateway.sealing.cloudevents import CloudEvent
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import ISSUER, moment_text, seal_receipt
from validators.luxury.items import FAMILY, luxury_tables
from validators.values import local

CODE_ISSUED = "kz.fma.luxury.code-issued.v1"
MESSAGE_TYPE = "codes-issued"


def group_body(batch: UUID, at: datetime, codes: Sequence[CodeRow]) -> bytes:
    """The bytes that stand for a group in the log: JSON with its members in a fixed order."""
    return orjson.dumps({"batch": str(batch), "issued_at": moment_text(at), "codes": [_facts(row) for row in codes]})


async def draft_of(group: Unlogged, keys: KeyHolder) -> Draft:
    """The entry of a group: the gateway itself is its sender, its receipt and records are sealed."""
    edition = luxury_tables(local(group.at).date()).edition
    receipt = Receipt(
        id=uuid7(),
        verdict=Verdict.ACCEPTED,
        document=str(group.batch).upper(),
        version=None,
        sender=ISSUER,
        sha256=hashlib.sha256(group.body).hexdigest(),
        received_at=group.at,
        family=FAMILY,
        message_type=MESSAGE_TYPE,
        edition=edition.name,
        codes_digest=edition.digest,
        findings=(),
    )
    sealed = await seal_receipt(receipt, keys)
    return Draft(sealed, group.body, await _records(orjson.loads(group.body)["codes"], sealed, keys))


async def _records(codes: Sequence[Mapping[str, Any]], receipt: Receipt, keys: KeyHolder) -> tuple[Record, ...]:
    shared = {
        "receipt": str(receipt.id),
        "sha256": receipt.sha256,
        "received_at": moment_text(receipt.received_at),
        "edition": receipt.edition,
        "codes_digest": receipt.codes_digest,
    }
    unsealed = []
    for number, code in enumerate(codes, 1):
        key = code["item"] or code["code"]
        value = orjson.dumps({**shared, "sender": code["owner"], "issued": code})
        event = CloudEvent(f"{receipt.id}/{number}", CODE_ISSUED, receipt.received_at, code["code"])
        unsealed.append(Unsealed(LUXURY_TOPIC, key, value, event))
    return await seal_records(unsealed, keys)


def _facts(row: CodeRow) -> dict[str, Any]:
    return {
        "code": row.code,
        "class": row.item_class,
        "identifiers": orjson.loads(row.identifiers) if row.identifiers else {},
        "item": row.item,
        "operation": str(row.operation).upper() if row.operation else None,
        "owner": row.owner,
    }
