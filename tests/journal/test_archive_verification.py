"""An archive is verified from its bytes alone: what was changed, is missing or does not join is found and named."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pytest
import zstandard

from gateway.archive.errors import ArchiveBroken
from gateway.archive.lines import entry_of_line, lines_of
from gateway.archive.manifest import CERTIFICATE, FORMAT, MANIFEST, SEAL, manifest_of, read_manifest
from gateway.archive.mounted import MountedArchives
from gateway.archive.parts import ArchivedEntry, parts_name
from gateway.archive.verification import verify_archives
from gateway.journal import ArchiveStore, Journal, Partition
from gateway.journal.timestamps import Timestamps
from gateway.journal.witnessed import Witnesses
from gateway.model import Timestamp
from gateway.sealing.jws import KeySet
from gateway.sealing.timestamps import TimestampTrust, timestamp_question
from tests.bus.kit import KEYSET, make_keys
from tests.journal.archives import LARGE, ClosedLog, archived, fill, small_partitions
from tests.journal.support import Drafts
from tests.support.tsa import TimestampAuthority, authority, stamper

OF_FORMAT_1 = Path(__file__).with_name("format_1")
"""Two archives as the gateway wrote them before there were large entries in archives."""
SAMPLED = 24


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :]


def places(name: str, length: int) -> Iterator[int]:
    """Every place of the seal, which is parsed as it comes; some of what one SHA-256 decides on as a whole."""
    if name == SEAL:
        yield from range(length)
    else:
        yield from (0, length - 1, *Random(name).choices(range(length), k=SAMPLED))


async def test_any_changed_byte_of_an_archive_is_found_and_its_file_named(closed: ClosedLog, tmp_path: Path) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    assert verify_archives([path], KEYSET).intact
    files = sorted(path.iterdir())
    assert len(files) == 9
    for file in files:
        content = file.read_bytes()
        named = MANIFEST if file.name == SEAL else file.name
        for place in places(file.name, len(content)):
            file.write_bytes(flipped(content, place))
            report = verify_archives([path], KEYSET)
            assert [each.file for each in report.breaks][:1] == [named], (file.name, place)
        for changed in (content[:-1], content + b"\n", b""):
            file.write_bytes(changed)
            assert next(each.file for each in verify_archives([path], KEYSET).breaks) == named
        file.unlink()
        assert next(each.file for each in verify_archives([path], KEYSET).breaks) == named
        file.write_bytes(content)
    (path / "more").write_bytes(b"")
    assert [each.what for each in verify_archives([path], KEYSET).breaks] == ["extra"]


def large_entry(path: Path) -> ArchivedEntry:
    (file,) = [file for file in read_manifest(path)[0].segments(0) if file.first == 1]
    return next(entry for entry in map(entry_of_line, lines_of(path / file.name)) if entry.stored.seq == LARGE)


@pytest.mark.parametrize(("kind", "count"), [("body", 5), ("records", 3)])
async def test_a_changed_byte_of_a_part_is_found_and_file_entry_and_part_are_named(
    closed: ClosedLog, tmp_path: Path, kind: str, count: int
) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    lengths = large_entry(path).lengths
    assert lengths is not None
    assert len(lengths.of(kind)) == count
    file, begin = path / parts_name(kind, 0, LARGE), 0
    content = file.read_bytes()
    for number, length in enumerate(lengths.of(kind), 1):
        for place in (begin, begin + length // 2, begin + length - 1):
            file.write_bytes(flipped(content, place))
            (found,) = verify_archives([path], KEYSET).breaks
            assert (found.file, found.ledger, found.seq, found.what) == (file.name, 0, LARGE, kind)
            assert found.detail == f"part {number} of {count}: its bytes are not those that the entry names"
        begin += length
    assert begin == len(content)
    file.write_bytes(content + b"\n")
    (found,) = verify_archives([path], KEYSET).breaks
    assert (found.file, found.what, found.detail.split("; ")[1]) == (file.name, "file", "entries 2 to 2 of ledger 0")
    file.unlink()
    missing, part = verify_archives([path], KEYSET).breaks
    assert (missing.file, missing.what, part.detail) == (file.name, "missing", f"part 1 of {count} is missing")


async def test_the_archived_body_of_a_large_message_is_the_message_to_any_program_that_reads_zstd(
    closed: ClosedLog, tmp_path: Path
) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    packed = io.BytesIO((path / parts_name("body", 0, LARGE)).read_bytes())
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as plain:
        assert plain.read() == closed.filed[LARGE - 1][0].body


async def test_an_archive_under_a_strangers_key_is_broken(closed: ClosedLog, tmp_path: Path) -> None:
    path = await archived(closed.dsn, 0, tmp_path)
    report = verify_archives([path], KeySet.of(make_keys()))
    assert [(each.file, each.what) for each in report.breaks] == [(MANIFEST, "manifest")]


async def test_archives_that_do_not_join_are_found(closed: ClosedLog, dsn: str, tmp_path: Path) -> None:
    paths = [await archived(closed.dsn, number, tmp_path / "own") for number in range(3)]
    assert verify_archives(list(reversed(paths)), KEYSET).intact
    gap = verify_archives([paths[0], paths[2]], KEYSET)
    assert [(each.archive, each.what) for each in gap.breaks] == [("fma-entries-000002", "join")]
    await small_partitions(dsn)
    async with Journal(dsn) as journal:
        await fill(journal, Drafts(), 8)
    strange = await archived(dsn, 1, tmp_path / "other")
    mixed = verify_archives([paths[0], strange], KEYSET)
    assert [(each.what, "does not go on" in each.detail) for each in mixed.breaks] == [("join", True)]


def test_archives_of_the_older_format_are_verified_and_read_as_before() -> None:
    paths = sorted(OF_FORMAT_1.iterdir())
    keys = KeySet.from_certificates([(paths[0] / CERTIFICATE).read_bytes()])
    report = verify_archives(paths, keys)
    assert (report.intact, report.archives, report.entries, report.checkpoints) == (True, 2, 5, 5)
    entry = next(map(entry_of_line, lines_of(paths[0] / "entries-0-000000000001.jsonl.zst"))).stored
    found = MountedArchives(OF_FORMAT_1).body(0, 1, entry.row.sha256.hex())
    assert found is not None
    assert b"".join(found.pieces()) == "<message>1</message>".encode("utf-16")


def test_a_format_of_the_future_is_refused_and_named() -> None:
    facts = orjson.loads((OF_FORMAT_1 / "fma-entries-000000" / MANIFEST).read_bytes())
    assert facts["format"] != FORMAT
    with pytest.raises(ArchiveBroken, match=r"'fma-archive/3' is not known.*fma-archive/1, fma-archive/2"):
        manifest_of(orjson.dumps({**facts, "format": "fma-archive/3"}))


async def test_an_archive_holds_the_time_stamps_of_its_checkpoints_and_they_are_verified(
    closed: ClosedLog, store: ArchiveStore, tmp_path: Path
) -> None:
    [checkpoint] = await store.checkpoints(0, Partition(0, 2, 3))
    root = authority()
    question = timestamp_question(checkpoint.jws, datetime.now(UTC))
    token = TimestampAuthority(stamper(root)).answer(question.der)
    async with Timestamps(closed.dsn) as kept:
        await kept.store(Timestamp(0, 2, datetime.now(UTC), token, checkpoint.jws))
    path = await archived(closed.dsn, 0, tmp_path)
    found = verify_archives([path], KEYSET, witnesses=Witnesses(read_timestamp=TimestampTrust([root.certificate]).read))
    assert (found.intact, found.timestamps) == (True, 1)
    stranger = Witnesses(read_timestamp=TimestampTrust([authority().certificate]).read)
    other = verify_archives([path], KEYSET, witnesses=stranger)
    assert [(each.what, each.seq) for each in other.breaks] == [("timestamp", 2)]
