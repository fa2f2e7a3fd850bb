"""`gateway archive` and `gateway verify archive` as an operator calls them."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization

from gateway.__main__ import main
from gateway.archive.parts import parts_name
from gateway.bus.positions import Position
from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import apply_topics
from gateway.journal import migrate
from gateway.sealing.keys import LocalKeyHolder
from tests.bus.kit import KEYS
from tests.journal.archives import CLOSED_ENTRIES, LARGE, SIZE, closed_log


@dataclass(frozen=True)
class Installation:
    """Where the parts of a gateway are, as the environment names them."""

    environment: dict[str, str]

    async def call(self, *arguments: str | Path) -> Result:
        told = [str(argument) for argument in arguments]
        return await asyncio.to_thread(CliRunner(env=self.environment).invoke, main, told)

    async def facts(self, *arguments: str | Path) -> Any:
        done = await self.call(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def write_keys(place: Path, keys: LocalKeyHolder) -> Sequence[Path]:
    private = keys._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = place / "key.pem", place / "certificate.pem"
    for file, content in zip(files, (private, keys.certificate), strict=True):
        file.write_bytes(content)
        file.chmod(0o600)
    return files


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"?")


@pytest.fixture(scope="module")
async def published(
    new_database: Callable[[], str], kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A log of three closed partitions, overseen and published, as the environment names its parts."""
    dsn, place = new_database(), tmp_path_factory.mktemp("published")
    await migrate(dsn)
    await closed_log(dsn)
    await apply_topics(kafka_bootstrap)
    async with TransactionalPublisher(kafka_bootstrap, f"test-{place.name}") as publisher:
        await publisher.start()
        await publisher.publish([], Position(0, CLOSED_ENTRIES, bytes(32), CLOSED_ENTRIES))
    key, certificate = write_keys(place, KEYS)
    return {
        **os.environ,
        "GATEWAY_DATABASE_URL": dsn,
        "GATEWAY_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "GATEWAY_KEY_FILE": str(key),
        "GATEWAY_CERTIFICATE_FILE": str(certificate),
    }


@pytest.fixture
def installation(published: dict[str, str], tmp_path: Path) -> Installation:
    """It, with a place for archives of its own; whoever moves a partition brings it back."""
    return Installation({**published, "GATEWAY_ARCHIVES": str(tmp_path / "archives")})


async def test_an_operator_archives_takes_out_looks_brings_back_and_may_not_discard(installation: Installation) -> None:
    made = (await installation.facts("archive", "create", "--before", "2100-01-01"))["archives"]
    assert [Path(path).name for path in made] == [f"fma-entries-00000{number}" for number in range(3)]
    checked = await installation.facts("verify", "archive", *made)
    assert (checked["intact"], checked["archives"], checked["entries"]) == (True, 3, 3 * SIZE - 1)
    certificate = installation.environment["GATEWAY_CERTIFICATE_FILE"]
    unseen = await installation.call("verify", "archive", *made, "--witness", certificate)
    assert (unseen.exit_code, "is co-signed by this witness" in unseen.output) == (4, True)
    assert (await installation.facts("archive", "create", "--before", "2100-01-01"))["archives"] == []
    for path in made[:2]:
        await installation.facts("archive", "detach", path, "--person", "A. Officer")
    listed = await installation.facts("archive", "list")
    assert [(each["number"], bool(each["needs"])) for each in listed["partitions"]] == [(2, False), (3, True)]
    assert [(each["action"], each["person"]) for each in listed["actions"]] == [("detached", "A. Officer")] * 2
    log = await installation.facts("verify", "journal")
    assert (log["intact"], log["entries"]) == (True, CLOSED_ENTRIES)
    tail = await installation.facts("verify", "journal", "--after", "0:12")
    assert (tail["intact"], tail["entries"]) == (True, 2)
    young = await installation.call("archive", "discard", made[0])
    assert (young.exit_code, "is kept until" in young.output) == (2, True)
    for path in reversed(made[:2]):
        assert (await installation.facts("archive", "restore", path))["partition"] in {0, 1}
    assert "partition 0, entries 0 to 3: may be archived" in (await installation.call("archive", "list")).output


async def test_a_damaged_archive_is_told_with_status_4_and_nothing_is_done_with_it(installation: Installation) -> None:
    (made,) = (await installation.facts("archive", "create", "--partition", "0"))["archives"]
    file = Path(made, "entries-0-000000000001.jsonl.zst")
    damage(file)
    told = await installation.call("verify", "archive", made)
    assert told.exit_code == 4
    assert f"fma-entries-000000: {file.name}: file: the SHA-256 is not the one that was sealed" in told.output
    assert (await installation.call("verify", "archive", made, "--json")).exit_code == 4
    for command in ("detach", "restore", "discard"):
        refused = await installation.call("archive", command, made)
        assert (refused.exit_code, "nothing was done" in refused.output) == (2, True)


async def test_a_damaged_part_is_told_with_file_entry_and_part(installation: Installation) -> None:
    (made,) = (await installation.facts("archive", "create", "--partition", "0"))["archives"]
    file = Path(made, parts_name("body", 0, LARGE))
    damage(file)
    told = await installation.call("verify", "archive", made)
    assert told.exit_code == 4
    where = f"fma-entries-000000: {file.name}, ledger 0, entry 2: body: part 5 of 5: its bytes are not those"
    assert where in told.output


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("archive", "create"), 2, "either --partition N or --before DATE"),
        (("archive", "create", "--partition", "0", "--before", "2026-01-01"), 2, "either --partition N"),
        (("archive", "create", "--partition", "77"), 2, "no partition 77"),
        (("archive", "create", "--partition", "3"), 2, "partition 3 is still needed"),
        (("archive", "create", "--before", "1999-01-01"), 0, "nothing to archive"),
        (("verify", "journal", "--after", "12"), 2, "LEDGER:SEQ"),
        (("verify", "journal", "--after", "0:4000"), 2, "the one before it is at 14"),
        (("verify", "archive", "."), 4, "manifest.json"),
    ],
)
async def test_what_can_not_be_done_is_said(
    installation: Installation, arguments: tuple[str, ...], status: int, told: str
) -> None:
    done = await installation.call(*arguments)
    assert (done.exit_code, told in done.output) == (status, True), done.output
