"""The stored form: faithful, unambiguous, and safe to read when damaged."""

import hashlib
import struct
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import JournalDamaged
from gateway.journal.encoding import (
    CHAIN_START,
    Packer,
    Row,
    chain_of,
    frame,
    frame_records,
    leaf_of,
    record_values,
    unframe,
    unframe_records,
)
from gateway.model import Record
from tests.journal.support import Drafts

TEXT = st.text(st.characters(codec="utf-8"))
FEW = st.sampled_from(["a", "b", "seal"])
RECORDS = st.lists(
    st.builds(Record, FEW, TEXT, st.binary(), st.lists(st.tuples(FEW | TEXT, st.binary()), max_size=4).map(tuple)),
    max_size=4,
).map(tuple)


def older_frame(records: tuple[Record, ...]) -> bytes:
    """Records as they were stored until runs came."""
    return frame(
        frame(
            [
                one.topic.encode(),
                one.key.encode(),
                one.value,
                *(part for name, value in one.headers for part in (name.encode(), value)),
            ]
        )
        for one in records
    )


@given(st.lists(st.none() | st.binary()))
def test_a_frame_gives_back_its_fields(given_fields: list[bytes | None]) -> None:
    assert unframe(frame(given_fields)) == given_fields


@given(st.lists(st.none() | st.binary()), st.lists(st.none() | st.binary()))
def test_different_fields_have_different_frames(one: list[bytes | None], other: list[bytes | None]) -> None:
    assert (frame(one) == frame(other)) == (one == other)


@given(st.binary())
def test_any_bytes_are_a_frame_or_refused(framed: bytes) -> None:
    try:
        found = unframe(framed)
    except JournalDamaged:
        return
    assert unframe(frame(found)) == found


@given(RECORDS)
def test_records_are_given_back_as_they_were(records: tuple[Record, ...]) -> None:
    packer = Packer()
    assert packer.records(packer.pack(frame_records(records))) == records


@given(RECORDS)
def test_values_are_those_of_the_records(records: tuple[Record, ...]) -> None:
    expected = [(record.topic, record.value) for record in records]
    assert record_values(frame_records(records)) == expected
    assert record_values(older_frame(records)) == expected


@given(RECORDS)
def test_records_of_older_entries_are_read_as_before(records: tuple[Record, ...]) -> None:
    assert unframe_records(older_frame(records)) == records


def test_what_the_records_of_a_batch_share_is_stored_once() -> None:
    seal = bytes(1_000)
    records = [
        Record("events", "key", b"%d" % number, (("ce_id", b"%d" % number), ("seal", seal))) for number in range(9)
    ]
    assert frame_records(records).count(seal) == 1
    assert frame_records(records).count(b"events") == 1


@given(st.binary(), st.binary())
def test_any_bytes_are_records_or_refused(framed: bytes, other: bytes) -> None:
    runs = [b"\x02" + frame(fields)[1:] for fields in ([framed], [framed, other], [frame([framed]), frame([other])])]
    for candidate in (framed, b"\x01" + framed, b"\x02" + framed, frame([framed]), frame([b"\x01" + framed]), *runs):
        for read in (unframe_records, record_values):
            try:
                read(candidate)
            except JournalDamaged:
                continue


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        ([], [b"k", b"v"]),
        ([None], [b"k", b"v"]),
        ([b"\xff"], [b"k", b"v"]),
        ([b"t", b"name"], [b"k", b"v"]),
        ([b"t", None, b"value"], [b"k", b"v"]),
        ([b"t", b"\xff", b"value"], [b"k", b"v"]),
        ([b"t"], [b"k", None]),
        ([b"t"], [b"k"]),
        ([b"t"], [b"\xff", b"v"]),
        ([b"t", b"name", None], [b"k", b"v"]),
    ],
)
def test_a_run_with_the_wrong_fields_is_refused(shared: list[bytes | None], own: list[bytes | None]) -> None:
    with pytest.raises(JournalDamaged):
        unframe_records(b"\x02" + frame([frame(shared), frame(own)])[1:])


@pytest.mark.parametrize(
    "fields", [[], [b"t"], [b"t", b"k"], [b"t", b"k", b"v", b"name"], [b"\xff", b"k", b"v"], [b"t", None, b"v"]]
)
def test_a_record_with_the_wrong_fields_is_refused(fields: list[bytes | None]) -> None:
    with pytest.raises(JournalDamaged):
        unframe_records(frame([frame(fields)]))


@given(st.binary())
def test_any_bytes_unpack_or_are_refused(packed: bytes) -> None:
    for candidate in (packed, b"\x28\xb5\x2f\xfd" + packed):
        try:
            Packer().unpack(candidate)
        except JournalDamaged:
            continue


def test_a_frame_that_promises_more_than_may_be_unpacked_is_refused() -> None:
    huge = zstandard.ZstdCompressor().compressobj(size=1 << 40).compress(b"")
    promise = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 1 << 40)
    for packed in (promise, huge + promise):
        with pytest.raises(JournalDamaged):
            Packer().unpack(packed)


def test_the_leaf_is_the_documented_one(draft: Drafts) -> None:
    row = replace(Packer().row(draft()), document=None)
    moment = int(row.received_at.timestamp()) * 1_000_000 + row.received_at.microsecond
    entry = b"\x01"
    for field in (
        row.receipt_id.bytes,
        row.sender.encode(),
        None,
        str(row.version).encode(),
        row.verdict.encode(),
        row.family.encode(),
        row.edition.encode(),
        moment.to_bytes(8),
        row.sha256,
        row.body,
        row.receipt.encode(),
        row.records,
    ):
        entry += b"\xff" * 4 if field is None else len(field).to_bytes(4) + field
    assert leaf_of(row) == hashlib.sha256(b"\x00" + entry).digest()
    assert chain_of(CHAIN_START, leaf_of(row)) == hashlib.sha256(bytes(32) + leaf_of(row)).digest()


def test_every_column_moves_the_leaf(draft: Drafts) -> None:
    row, other = Packer().row(draft(sender="one")), Packer().row(draft(sender="two", version="C"))
    changed: dict[str, Any] = {
        "verdict": "refused",
        "family": "gaming",
        "edition": "2026-04-01",
        "series": "S",
        "number": 1,
    }
    for field in fields(Row):
        value = changed.get(field.name, getattr(other, field.name))
        assert leaf_of(replace(row, **{field.name: value})) != leaf_of(row), field.name


def test_a_moment_is_sealed_as_the_moment_it_is_in_whatever_zone(draft: Drafts) -> None:
    given_draft = draft()
    local = given_draft.receipt.received_at.astimezone(timezone(timedelta(hours=5)))
    row = Packer().row(replace(given_draft, receipt=replace(given_draft.receipt, received_at=local)))
    packer = Packer()
    assert leaf_of(row) == leaf_of(replace(packer.row(given_draft), body=row.body, records=row.records))
    assert row.received_at.tzinfo is UTC
    assert row.received_at > datetime(2026, 1, 1, tzinfo=UTC)
