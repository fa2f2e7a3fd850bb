"""Drafts, and a stand-in for sealing that checks what it sealed."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from gateway.model import Checkpoint, Draft, Receipt, Record, Series, Verdict

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
BANK, CASINO = "990440000385", "050740001239"


def dsn_of(dsn: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def run(dsn: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """One statement on a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


def _token(facts: dict[str, object]) -> str:
    payload = json.dumps(facts, sort_keys=True).encode()
    seal = hashlib.sha256(b"key" + payload).digest()
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (payload, seal))


def _facts(token: str) -> dict[str, object]:
    payload, seal = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    facts: dict[str, object] = json.loads(payload)
    if hashlib.sha256(b"key" + payload).digest() != seal or _token(facts) != token:
        raise ValueError("the seal is wrong")
    return facts


def sealed(receipt: Receipt) -> Receipt:
    """The receipt with a seal that `read_receipt` checks."""
    facts: dict[str, object] = {
        "id": str(receipt.id),
        "verdict": receipt.verdict.value,
        "document": receipt.document,
        "version": receipt.version,
        "sender": receipt.sender,
        "sha256": receipt.sha256,
        "received_at": receipt.received_at.isoformat(),
        "edition": receipt.edition,
        "series": receipt.place[0],
        "number": receipt.place[1],
    }
    return replace(receipt, jws=_token(facts))


def read_receipt(token: str) -> Receipt:
    facts = {name: None if value is None else str(value) for name, value in _facts(token).items()}
    return Receipt(
        id=uuid.UUID(facts["id"]),
        verdict=Verdict(str(facts["verdict"])),
        document=facts["document"],
        version=facts["version"],
        sender=str(facts["sender"]),
        sha256=str(facts["sha256"]),
        received_at=datetime.fromisoformat(str(facts["received_at"])),
        family="fm1",
        message_type="doc",
        edition=str(facts["edition"]),
        codes_digest="00" * 32,
        findings=(),
        jws=token,
        series=Series(facts["series"], int(facts["number"] or 0), {}) if facts["series"] else None,
    )


async def seal_checkpoint(checkpoint: Checkpoint) -> Checkpoint:
    facts: dict[str, object] = {
        "ledger": checkpoint.ledger,
        "seq": checkpoint.seq,
        "chain": checkpoint.chain.hex(),
        "made_at": checkpoint.made_at.isoformat(),
    }
    return replace(checkpoint, jws=_token(facts))


def read_checkpoint(token: str) -> Checkpoint:
    facts = _facts(token)
    return Checkpoint(
        ledger=int(str(facts["ledger"])),
        seq=int(str(facts["seq"])),
        chain=bytes.fromhex(str(facts["chain"])),
        made_at=datetime.fromisoformat(str(facts["made_at"])),
        jws=token,
    )


@dataclass
class Drafts:
    """Makes drafts that differ unless told otherwise."""

    made: int = 0

    def __call__(
        self,
        body: bytes | None = None,
        *,
        sender: str = BANK,
        document: str | None = None,
        version: str = "B" * 8,
        verdict: Verdict = Verdict.ACCEPTED,
        series: Series | None = None,
    ) -> Draft:
        self.made += 1
        number = self.made
        content = body if body is not None else f"<message>{number}</message>".encode("utf-16")
        receipt = Receipt(
            id=uuid.UUID(int=uuid.uuid4().int),
            verdict=verdict,
            document=document or f"DOCUMENT-{number:08}",
            version=version,
            sender=sender,
            sha256=hashlib.sha256(content).hexdigest(),
            received_at=NOON + timedelta(seconds=number),
            family="fm1",
            message_type="doc",
            edition="2025-07-10",
            codes_digest="00" * 32,
            findings=(),
            series=series,
        )
        record = Record("fma.fm1.other.v1", sender, b'{"n":%d}' % number, (("ce_id", str(receipt.id).encode()),))
        return Draft(sealed(receipt), content, (record,))
