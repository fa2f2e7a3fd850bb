"""Who may file: enrolment, suspension, anchors, and how running processes come to know."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import orjson
import pytest

from gateway.errors import Unavailable
from gateway.journal import Directory, DirectoryCache, Enrolment, EnrolmentRefused, EntityUnknown
from gateway.journal.directory import fingerprint_of
from gateway.model import Entity, EntityState, IdentifierKind
from tests.journal.support import BANK, CASINO, NOON, run


def pem(content: str) -> bytes:
    """A text in the form of PEM; the directory looks no further into it than the first byte of DER."""
    return ssl.DER_cert_to_PEM_cert(b"\x30" + content.encode() * 10).encode()


ONE, TWO, THREE = pem("one"), pem("two"), pem("three")
ENROLMENT = Enrolment(BANK, IdentifierKind.BIN, "011", "A bank", (ONE,))


@pytest.fixture
async def directory(dsn: str) -> AsyncIterator[Directory]:
    async with Directory(dsn) as directory:
        yield directory


async def test_an_entity_is_enrolled_with_its_certificates(directory: Directory) -> None:
    entity = await directory.enrol(replace(ENROLMENT, certificates=(ONE, TWO)), NOON)
    assert entity == Entity(
        BANK,
        IdentifierKind.BIN,
        "011",
        "A bank",
        EntityState.ACTIVE,
        frozenset({fingerprint_of(ONE), fingerprint_of(TWO)}),
    )
    assert await directory.entities() == (entity,)


async def test_enrolling_again_adds_certificates_and_brings_kind_and_name_up_to_date(directory: Directory) -> None:
    await directory.enrol(ENROLMENT, NOON)
    entity = await directory.enrol(Enrolment(BANK, IdentifierKind.BIN, "012", "The bank", (TWO,)), NOON)
    assert (entity.kind, entity.name) == ("012", "The bank")
    assert entity.certificates == {fingerprint_of(ONE), fingerprint_of(TWO)}


async def test_enrolling_again_does_not_lift_a_suspension(directory: Directory) -> None:
    await directory.enrol(ENROLMENT, NOON)
    await directory.suspend(BANK, NOON)
    assert (await directory.enrol(ENROLMENT, NOON)).state is EntityState.SUSPENDED
    assert (await directory.resume(BANK, NOON)).state is EntityState.ACTIVE
    assert [entity.state for entity in await directory.entities()] == [EntityState.ACTIVE]


async def test_a_certificate_of_another_entity_is_refused_and_nothing_is_changed(directory: Directory) -> None:
    await directory.enrol(ENROLMENT, NOON)
    before = await directory.version()
    with pytest.raises(EnrolmentRefused) as refused:
        await directory.enrol(Enrolment(CASINO, IdentifierKind.BIN, "093", "A casino", (TWO, ONE)), NOON)
    assert refused.value.reason == "certificate-of-another"
    assert await directory.version() == before
    assert len(await directory.entities()) == 1


@pytest.mark.parametrize(
    ("certificates", "reason"),
    [
        ((), "no-certificate"),
        ((ONE + TWO,), "not-one-certificate"),
        ((b"",), "not-one-certificate"),
        ((b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",), "not-one-certificate"),
        ((b"-----BEGIN CERTIFICATE-----",), "not-one-certificate"),
        (("-----BEGIN CERTIFICATE-----ә".encode(),), "not-one-certificate"),
    ],
)
async def test_what_is_not_one_certificate_is_refused(
    directory: Directory, certificates: tuple[bytes, ...], reason: str
) -> None:
    with pytest.raises(EnrolmentRefused) as refused:
        await directory.enrol(replace(ENROLMENT, certificates=certificates), NOON)
    assert refused.value.reason == reason


async def test_the_same_digits_cannot_be_enrolled_as_the_other_kind_of_identifier(directory: Directory) -> None:
    await directory.enrol(ENROLMENT, NOON)
    with pytest.raises(EnrolmentRefused) as refused:
        await directory.enrol(replace(ENROLMENT, identifier_kind=IdentifierKind.IIN), NOON)
    assert refused.value.reason == "identifier-kind"


async def test_nobody_unknown_is_suspended(directory: Directory) -> None:
    with pytest.raises(EntityUnknown):
        await directory.suspend(BANK, NOON)
    assert await directory.version() == 0


async def test_an_anchor_is_added_once(directory: Directory) -> None:
    for anchor in (ONE, TWO, ONE):
        await directory.add_anchor(anchor, NOON)
    anchors = await directory.anchors()
    assert [anchor.pem for anchor in anchors] == [ONE, TWO]
    assert (anchors[0].fingerprint, anchors[0].added_at) == (fingerprint_of(ONE), NOON)
    assert await directory.version() == 2


async def test_every_change_is_kept(directory: Directory, dsn: str) -> None:
    await directory.add_anchor(THREE, NOON)
    await directory.enrol(ENROLMENT, NOON)
    await directory.suspend(BANK, NOON)
    await directory.resume(BANK, NOON)
    changes = await run(dsn, "SELECT version, made_at, action, subject, detail FROM directory_changes ORDER BY version")
    assert [(row["version"], row["action"], row["subject"]) for row in changes] == [
        (1, "anchor added", fingerprint_of(THREE)),
        (2, "entity enrolled", BANK),
        (3, "entity suspended", BANK),
        (4, "entity active", BANK),
    ]
    assert {row["made_at"] for row in changes} == {NOON}
    assert orjson.loads(changes[1]["detail"])["certificates"] == [fingerprint_of(ONE)]


@pytest.mark.parametrize("table", ["anchors", "entities", "certificates", "directory_changes"])
async def test_nothing_is_deleted_from_the_directory(directory: Directory, dsn: str, table: str) -> None:
    await directory.add_anchor(ONE, NOON)
    await directory.enrol(ENROLMENT, NOON)
    with pytest.raises(asyncpg.exceptions.IntegrityConstraintViolationError):
        await run(dsn, f"DELETE FROM {table}")


async def test_changes_made_at_once_are_put_in_an_order(directory: Directory) -> None:
    await asyncio.gather(
        *(
            directory.enrol(Enrolment(f"{number:012}", IdentifierKind.BIN, "011", "B", (pem(str(number)),)), NOON)
            for number in range(10)
        )
    )
    assert await directory.version() == 10
    assert len((await directory.snapshot()).entities) == 10


async def test_a_snapshot_with_the_changes_since_it_is_the_new_snapshot(directory: Directory) -> None:
    await directory.add_anchor(THREE, NOON)
    await directory.enrol(ENROLMENT, NOON)
    old = await directory.snapshot()
    await directory.suspend(BANK, NOON)
    await directory.enrol(Enrolment(CASINO, IdentifierKind.BIN, "093", "A casino", (TWO,)), NOON)
    changes = await directory.snapshot(old.version)
    assert set(changes.entities) == {BANK, CASINO}
    assert set(changes.certificates) == {fingerprint_of(TWO)}
    assert old.with_changes(changes) == await directory.snapshot()


async def test_a_running_process_sees_changes_soon(directory: Directory) -> None:
    async with DirectoryCache(directory, seconds=0.05) as cache:
        assert cache.by_identifier(BANK) is None
        entity = await directory.enrol(ENROLMENT, NOON)
        await directory.add_anchor(THREE, NOON)
        await asyncio.sleep(0.3)
        assert cache.by_identifier(BANK) == cache.by_fingerprint(fingerprint_of(ONE)) == entity
        assert cache.certificate_pem(fingerprint_of(ONE)) == ONE
        assert cache.certificate_pem(fingerprint_of(TWO)) is None
        assert (cache.anchors, cache.version) == ((THREE,), 2)
        await directory.suspend(BANK, NOON)
        await asyncio.sleep(0.3)
        suspended = cache.by_fingerprint(fingerprint_of(ONE))
        assert suspended is not None
        assert suspended.state is EntityState.SUSPENDED


async def test_the_last_copy_stands_while_postgresql_is_away(directory: Directory, dsn: str) -> None:
    async with DirectoryCache(directory, seconds=0.05) as cache:
        await directory.enrol(ENROLMENT, NOON)
        await cache.refresh()
        await run(dsn, "ALTER TABLE directory RENAME TO directory_away")
        await asyncio.sleep(0.2)
        assert cache.by_identifier(BANK) is not None
        await run(dsn, "ALTER TABLE directory_away RENAME TO directory")
        await directory.suspend(BANK, NOON)
        await asyncio.sleep(0.3)
        entity = cache.by_identifier(BANK)
        assert entity is not None
        assert entity.state is EntityState.SUSPENDED


async def test_a_directory_that_was_not_opened_answers_unavailable(dsn: str) -> None:
    with pytest.raises(Unavailable):
        await Directory(dsn).version()
