"""The audit log: appended only, chained, sealed; a byte that was changed is found and named."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from gateway.journal import (
    Actor,
    AuditEntry,
    AuditLog,
    AuditReport,
    Channel,
    Checkpointer,
    Deed,
    Directory,
    Enrolment,
    People,
    Person,
    Role,
    verify_audit,
)
from gateway.journal.directory import fingerprint_of
from gateway.model import Checkpoint, IdentifierKind
from gateway.sealing.checkpoints import read_checkpoint, seal_checkpoint
from gateway.sealing.jws import KeySet
from tests.bus.kit import KEYS
from tests.journal.support import BANK, NOON, run
from tests.journal.test_directory import ONE, TWO

OFFICER = Actor("officer.one", "officer", Channel.HTTP, "case 12-3")
COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "actor": "'officer.twо'",
    "role": "'auditor'",
    "channel": "'command'",
    "action": "action || ' '",
    "subject": "'another'",
    "purpose": "'case 12-4'",
    "detail": "'{\"limit\":21}'",
    "leaf": "set_byte(leaf, 0, get_byte(leaf, 0) # 1)",
    "chain": "set_byte(chain, 31, get_byte(chain, 31) # 1)",
    "seq": "1000",
}


async def seal(checkpoint: Checkpoint) -> Checkpoint:
    return await seal_checkpoint(checkpoint, KEYS)


async def verified(dsn: str) -> AuditReport:
    return await verify_audit(dsn, partial(read_checkpoint, keys=KeySet.of(KEYS)))


def places(report: AuditReport) -> list[tuple[int, str]]:
    return [(found.seq, found.what) for found in report.breaks]


async def tampered(dsn: str, table: str, change: str) -> None:
    """What somebody does who owns the database, and so can put the triggers aside."""
    await run(dsn, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await run(dsn, change)


@pytest.fixture
async def log(dsn: str) -> AsyncIterator[AuditLog]:
    async with AuditLog(dsn) as log:
        yield log


@pytest.fixture
async def five(log: AuditLog) -> AuditLog:
    """Five entries, a checkpoint after the third and one after the fifth."""
    checkpointer = Checkpointer(log, seal, lambda: NOON)
    for number in range(1, 6):
        at = NOON + timedelta(seconds=number)
        assert await log.append(Deed(OFFICER, "message read", f"message {number}", at, {"limit": number})) == number
        if number in (3, 5):
            await checkpointer.make()
    return log


async def test_what_was_appended_is_read_back_and_intact(five: AuditLog, dsn: str) -> None:
    entries = await five.page()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert (entries[1].actor, entries[1].role, entries[1].purpose) == ("officer.one", "officer", "case 12-3")
    assert (entries[1].subject, entries[1].detail) == ("message 2", '{"limit":2}')
    assert await five.page(subject="message 4") == [entries[3]]
    assert await five.page(after=4, actor="officer.one") == [entries[4]]
    assert await five.page(actor="nobody") == []
    report = await verified(dsn)
    assert (report.entries, report.checkpoints, report.broken) == (5, 2, 0)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 2, 5])
@pytest.mark.usefixtures("five")
async def test_one_changed_byte_of_any_column_is_found_and_the_entry_named(dsn: str, column: str, seq: int) -> None:
    await tampered(dsn, "audit_entries", f"UPDATE audit_entries SET {column} = {COLUMNS[column]} WHERE seq = {seq}")
    report = await verified(dsn)
    assert not report.intact
    first = {"leaf": "entry", "chain": "chain", "seq": "missing"}.get(column, "entry")
    assert places(report)[0] == (seq, first)


def test_every_column_is_changed_in_turn() -> None:
    assert set(COLUMNS) == set(AuditEntry.__slots__)


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.usefixtures("five")
async def test_an_entry_that_was_taken_out_is_missed_at_its_place(dsn: str, seq: int) -> None:
    await tampered(dsn, "audit_entries", f"DELETE FROM audit_entries WHERE seq = {seq}")
    assert (seq, "missing") in places(await verified(dsn))


async def test_an_end_cut_off_together_with_its_head_is_missed_by_the_checkpoint(five: AuditLog, dsn: str) -> None:
    fourth = (await five.page())[3]
    await tampered(dsn, "audit_entries", "DELETE FROM audit_entries WHERE seq = 5")
    await tampered(dsn, "audit_head", f"UPDATE audit_head SET seq = 4, chain = '\\x{fourth.chain.hex()}'")
    assert places(await verified(dsn)) == [(5, "missing")]


async def test_a_history_computed_anew_does_not_meet_its_checkpoints(five: AuditLog, dsn: str) -> None:
    await tampered(dsn, "audit_entries", "DELETE FROM audit_entries")
    await tampered(dsn, "audit_head", "UPDATE audit_head SET seq = 0, chain = decode(repeat('00', 32), 'hex')")
    for number in range(1, 6):
        await five.append(Deed(OFFICER, "message read", "something harmless", NOON, {"limit": number}))
    assert places(await verified(dsn)) == [(3, "checkpoint"), (5, "checkpoint")]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE audit_head SET seq = 6", (5, "head")),
        ("UPDATE audit_head SET chain = decode(repeat('01', 32), 'hex')", (5, "head")),
        ("DELETE FROM audit_head", (5, "head")),
    ],
)
@pytest.mark.usefixtures("five")
async def test_a_false_head_is_found(dsn: str, change: str, what: tuple[int, str]) -> None:
    await tampered(dsn, "audit_head", change)
    assert places(await verified(dsn)) == [what]


@pytest.mark.parametrize(
    "column", ["seq = 4", "chain = decode(repeat('01', 32), 'hex')", "made_at = now()", "jws = 'x.y.z'"]
)
@pytest.mark.usefixtures("five")
async def test_a_changed_checkpoint_is_found(dsn: str, column: str) -> None:
    await tampered(dsn, "audit_checkpoints", f"UPDATE audit_checkpoints SET {column} WHERE seq = 3")
    assert [what for _, what in places(await verified(dsn))] == ["checkpoint"]


@pytest.mark.parametrize("table", ["audit_entries", "audit_checkpoints", "audit_head"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET seq = 1"])
@pytest.mark.usefixtures("five")
async def test_the_audit_log_takes_new_rows_only(dsn: str, table: str, change: str) -> None:
    with pytest.raises(asyncpg.exceptions.IntegrityConstraintViolationError):
        await run(dsn, change.format(table))


async def test_what_is_appended_at_once_stands_one_after_the_other(log: AuditLog, dsn: str) -> None:
    async with AuditLog(dsn) as other:
        deeds = [Deed(OFFICER, "message read", str(number), NOON) for number in range(20)]
        places = await asyncio.gather(*((log, other)[n % 2].append(deed) for n, deed in enumerate(deeds)))
    assert sorted(places) == list(range(1, 21))
    assert (await verified(dsn)).intact


async def test_texts_of_any_kind_are_kept_and_verified(log: AuditLog, dsn: str) -> None:
    await log.append(Deed(Actor("a\x00b", "", purpose="ә" * 900), "x", "'; --", NOON, {"ключ": ["ө", None, 1.5]}))
    [entry] = await log.page()
    assert (entry.actor, entry.purpose) == ("a\N{REPLACEMENT CHARACTER}b", "ә" * 500)
    assert (await verified(dsn)).intact


async def test_every_change_of_entities_certificates_anchors_and_people_is_in_the_audit_log(
    log: AuditLog, dsn: str
) -> None:
    clerk = Actor("clerk (root)", "administrator", purpose="letter 7")
    other = Person("officer.one", "One", Role.OFFICER, active=True, certificates=frozenset())
    async with Directory(dsn, clerk) as directory, People(dsn, clerk) as people:
        await directory.add_anchor(ONE, NOON)
        await directory.enrol(Enrolment(BANK, IdentifierKind.BIN, "011", "A bank", (ONE,)), NOON)
        await directory.add_certificate(BANK, TWO, NOON)
        await directory.revoke_certificate(BANK, fingerprint_of(ONE), NOON)
        await directory.suspend(BANK, NOON)
        await directory.resume(BANK, NOON)
        three = ONE.replace(b"MG", b"MA", 1)
        await people.enrol(other, (three,), NOON)
        await people.set_active("officer.one", NOON, active=False)
        await people.revoke("officer.one", fingerprint_of(three), NOON)
    entries = await log.page()
    assert {(entry.actor, entry.role, entry.purpose) for entry in entries} == {
        ("clerk (root)", "administrator", "letter 7")
    }
    assert [entry.action for entry in entries] == [
        "anchor added",
        "entity enrolled",
        "certificate added",
        "certificate revoked",
        "entity suspended",
        "entity active",
        "person enrolled",
        "person suspended",
        "person certificate revoked",
    ]
