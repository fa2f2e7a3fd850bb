"""Verification of large entries: every byte of every part is looked at, and the first break is named."""

from random import Random

import asyncpg
import pytest

from gateway.journal import Journal
from tests.journal.large import SMALL_PARTS, file_large, large
from tests.journal.support import Drafts, run
from tests.journal.test_verification import damage, report_on


@pytest.fixture
async def filled(dsn: str, draft: Drafts) -> str:
    """A small entry, a large one of 5 and 4 parts, a small one."""
    async with Journal(dsn, limits=SMALL_PARTS) as journal:
        await journal.append(draft())
        await file_large(journal, large(draft))
        await journal.append(draft())
    return dsn


async def breaks(dsn: str) -> list[tuple[int, str, str]]:
    return [(one.seq, one.what, one.detail) for one in (await report_on(dsn)).breaks]


async def test_a_log_with_a_large_entry_is_intact(filled: str) -> None:
    report = await report_on(filled)
    assert (report.intact, report.entries) == (True, 3)


async def test_any_changed_byte_of_any_part_is_named_with_its_entry_and_part(filled: str) -> None:
    parts = await run(filled, "SELECT kind, number, octet_length(bytes) AS size FROM entry_parts ORDER BY kind, number")
    connection = await asyncpg.connect(filled)
    await connection.execute("SET session_replication_role = replica")
    change = (
        "UPDATE entry_parts SET bytes = set_byte(bytes, $3, get_byte(bytes, $3) # $4) WHERE kind = $1 AND number = $2"
    )
    for part in parts:
        for place in (0, part["size"] - 1, Random(part["number"]).randrange(part["size"])):
            bit = 1 << Random(place).randrange(8)
            await connection.execute(change, part["kind"], part["number"], place, bit)
            ((seq, what, detail),) = await breaks(filled)
            assert (seq, what) == (2, part["kind"])
            assert f"part {part['number'] + 1} of" in detail
            await connection.execute(change, part["kind"], part["number"], place, bit)
    await connection.close()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM entry_parts WHERE kind = 'body' AND number = 4", (2, "body", "part 5 of 5 is missing")),
        ("DELETE FROM entry_parts WHERE kind = 'records' AND number = 0", (2, "records", "part 1 of 3 is missing")),
        (
            "UPDATE entry_parts SET number = 5 WHERE kind = 'body' AND number = 0",
            (2, "body", "part 1 of 5 is missing"),
        ),
        (
            "INSERT INTO entry_parts SELECT receipt_id, kind, number + 5, bytes FROM entry_parts LIMIT 1",
            (2, "body", "part 6 of 5 is not the entry's"),
        ),
    ],
)
async def test_parts_that_are_missing_moved_or_added_are_named(
    filled: str, statement: str, expected: tuple[int, str, str]
) -> None:
    await damage(filled, statement)
    assert await breaks(filled) == [expected]


async def test_another_list_of_parts_breaks_the_leaf(filled: str) -> None:
    await damage(filled, "UPDATE entries SET records = substr(records, 1, 81) WHERE seq = 2")
    found = await breaks(filled)
    assert {seq for seq, _, _ in found} == {2}
    assert ("records", "part 3 of 2 is not the entry's") in [(what, detail) for _, what, detail in found]


async def test_a_list_that_is_none_is_a_break_and_no_crash(filled: str) -> None:
    await damage(filled, "UPDATE entries SET records = '\\x28b52ffd' WHERE seq = 2")
    assert {seq for seq, _, _ in await breaks(filled)} == {2}
