"""An intake with a witness: its log, its audit log, and somebody who owns the database and the gateway's key."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest

from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.intake.services import Services
from gateway.journal import (
    Actor,
    AuditLog,
    AuditReport,
    Channel,
    Checkpointer,
    Deed,
    Report,
    Witnesses,
    verify_audit,
    verify_journal,
)
from gateway.journal.audit import AUDIT_LEDGER
from gateway.journal.encoding import CHAIN_START, ROW_COLUMNS, Row, chain_of, leaf_of
from gateway.model import Checkpoint
from gateway.sealing.checkpoints import read_checkpoint, seal_checkpoint
from gateway.sealing.cosignatures import read_cosignature
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.receipts import read_receipt
from gateway.sealing.tokens import make_bearer
from gateway.witness import GatewayOverHttp, Memory, Witness
from tests.intake.kit import NOW, URL, XML, World, make_world

NEVER = timedelta(days=1).total_seconds()


@dataclass
class Scene:
    """An intake whose checkpoints are made by hand, and its witness."""

    world: World
    services: Services
    client: httpx.AsyncClient
    keys: LocalKeyHolder
    memory: Memory
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def witness(self) -> Witness:
        """As after a start."""
        return Witness(self.asking(self.keys), self.memory, self.keys, lambda: self.at)

    def asking(self, keys: LocalKeyHolder) -> GatewayOverHttp:
        """The gateway, asked in the name of whoever has these keys."""

        async def credentials() -> str:
            return await make_bearer(keys.kid, URL, datetime.now(UTC), keys)

        return GatewayOverHttp(URL, self.client, credentials)

    @property
    def audit(self) -> AuditLog:
        return self.services.identity.audit

    async def act(self, count: int) -> None:
        """So many entries of the audit log, and a checkpoint."""
        for number in range(count):
            await self.audit.append(Deed(Actor("officer.one"), "message read", f"message {number}", NOW))
        made = await self.audit.head()
        checkpoint = Checkpoint(AUDIT_LEDGER, made.seq, made.chain, datetime.now(UTC))
        await self.audit.store_checkpoint(await seal_checkpoint(checkpoint, self.services.keys))

    async def verify_audit(self, *, witnessed: bool = True, compromised: datetime | None = None) -> AuditReport:
        believed, keys = KeySet.of(self.keys), KeySet.of(self.services.keys)
        seen = self.memory.read().get(AUDIT_LEDGER)
        witnesses = Witnesses(
            believed.kids,
            lambda jws: read_cosignature(jws, believed),
            {AUDIT_LEDGER: (seen.seq, seen.chain)} if seen else {},
            lambda _jws: compromised,
        )
        read = partial(read_checkpoint, keys=keys)
        return await verify_audit(self.world.settings.database_url, read, witnesses if witnessed else None)

    async def rewrite_audit(self) -> None:
        """Entry 2 never was: the entries, the head and the checkpoints are made anew with the gateway's own key."""
        entries = [entry for entry in await self.audit.page(limit=1000) if entry.seq != 2]
        await self.sql("DELETE FROM audit_entries")
        await self.sql("DELETE FROM audit_checkpoints")
        await self.sql("UPDATE audit_head SET seq = 0, chain = $1", CHAIN_START)
        for entry in entries:
            actor = Actor(entry.actor, entry.role, Channel(entry.channel), entry.purpose)
            await self.audit.append(Deed(actor, entry.action, entry.subject, entry.at, json.loads(entry.detail)))
        await self.act(0)

    async def file(self, count: int = 1) -> None:
        for _ in range(count):
            answer = await self.client.post("/v1/messages", content=self.world.message(), headers=XML)
            assert answer.status_code == 201, answer.text

    async def checkpoint(self) -> None:
        async def seal(checkpoint: Checkpoint) -> Checkpoint:
            return await seal_checkpoint(checkpoint, self.services.keys)

        await Checkpointer(self.services.journal, seal, lambda: datetime.now(UTC)).make()

    async def verify(self, compromised: datetime | None = None, *, memory: bool = False) -> Report:
        believed = KeySet.of(self.keys)
        keys = KeySet.of(self.services.keys)
        remembered = {ledger: (seen.seq, seen.chain) for ledger, seen in self.memory.read().items()}
        return await verify_journal(
            self.world.settings.database_url,
            lambda jws: read_receipt(jws, keys),
            lambda jws: read_checkpoint(jws, keys),
            witnesses=Witnesses(
                believed.kids,
                lambda jws: read_cosignature(jws, believed),
                remembered if memory else {},
                lambda _jws: compromised,
            ),
        )

    async def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """A statement of somebody who owns the whole database and is stopped by no trigger."""
        connection = await asyncpg.connect(self.world.settings.database_url)
        try:
            await connection.execute("SET session_replication_role = replica")
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def rewrite(self) -> None:
        """Entry 2 is taken out of history; log, head and checkpoints are made anew with the gateway's own key."""
        length = (await self.sql("SELECT max(seq) FROM entries"))[0][0]
        gone = (await self.sql("DELETE FROM entries WHERE seq = 2 RETURNING receipt_id"))[0][0]
        await self.sql("DELETE FROM filings WHERE receipt_id = $1", gone)
        await self.sql("UPDATE filings SET seq = seq - 1 WHERE seq > 2")
        for seq in range(3, length + 1):
            await self.sql("UPDATE entries SET seq = $1 WHERE seq = $2", seq - 1, seq)
        await self.sql("DELETE FROM checkpoints")
        chain = CHAIN_START
        for row in await self.sql("SELECT * FROM entries ORDER BY seq"):
            leaf = leaf_of(Row(**{name: row[name] for name in ROW_COLUMNS}))
            chain = chain_of(chain, leaf)
            await self.sql("UPDATE entries SET leaf = $1, chain = $2 WHERE seq = $3", leaf, chain, row["seq"])
            made = await seal_checkpoint(Checkpoint(0, row["seq"], chain, datetime.now(UTC)), self.services.keys)
            await self.sql(
                "INSERT INTO checkpoints VALUES ($1, $2, $3, $4, $5)", 0, made.seq, chain, made.made_at, made.jws
            )
        await self.sql("UPDATE ledgers SET seq = $1, chain = $2", length - 1, chain)


@pytest.fixture
async def scene(new_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Scene]:
    world = await make_world(new_database(), tmp_path)
    issued = make_gateway_key("Witness", NOW)
    certificate = tmp_path / "witness.certificate.pem"
    certificate.write_bytes(issued.certificate)
    settings = replace(world.settings, witness_certificates=(certificate,), checkpoint_seconds=NEVER)
    async with open_services(settings) as services:
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            keys = LocalKeyHolder.from_pem(issued.key, issued.certificate)
            yield Scene(world, services, client, keys, Memory(tmp_path / "memory.json"))


async def audited(scene: Scene, *counts: int) -> None:
    for count in counts:
        await scene.act(count)
        assert await scene.witness.look(AUDIT_LEDGER) is not None


async def witnessed(scene: Scene, *counts: int) -> None:
    for count in counts:
        await scene.file(count)
        await scene.checkpoint()
        assert await scene.witness.look(0) is not None
