"""Checkpoints with time stamps (RFC 3161) by a service on this machine; with none, with a bad one, and damaged."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from click.testing import CliRunner, Result
from prometheus_client import generate_latest

from gateway.__main__ import main
from gateway.errors import ConfigurationError
from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.intake.services import Services
from gateway.intake.settings import TimestampSettings
from gateway.intake.timestamping import Stamper, TimestampService
from gateway.journal import Checkpointer, Report, Witnesses, verify_journal
from gateway.model import Checkpoint
from gateway.sealing.checkpoints import read_checkpoint, seal_checkpoint
from gateway.sealing.jws import KeySet, jwks
from gateway.sealing.receipts import read_receipt
from gateway.sealing.timestamps import TimestampRefused, TimestampTrust
from tests.intake.kit import URL, XML, World, make_world
from tests.support.tsa import TimestampAuthority, authority, stamper

ROOT = authority()
SIGNER = stamper(ROOT)
NEVER = timedelta(days=1).total_seconds()
SECONDS = 0.2


@dataclass
class Scene:
    """An intake whose checkpoints and time stamps are made by hand."""

    world: World
    services: Services
    client: httpx.AsyncClient
    service: TimestampAuthority

    async def file(self) -> None:
        answer = await self.client.post("/v1/messages", content=self.world.message(), headers=XML)
        assert answer.status_code == 201, answer.text

    async def checkpoint(self) -> None:
        async def seal(checkpoint: Checkpoint) -> Checkpoint:
            return await seal_checkpoint(checkpoint, self.services.keys)

        await Checkpointer(self.services.journal, seal, lambda: datetime.now(UTC)).make()

    async def look(self, *, audit: bool = False, seconds: float = 60.0, patience: float = 10.0) -> list[int]:
        """One look of the stamper at one log; the places that were stamped."""
        anchors = self.services.settings.timestamps.anchors
        settings = TimestampSettings(self.service.url, anchors, seconds, patience)
        async with TimestampService(settings, lambda: datetime.now(UTC)) as service:
            logs = (self.services.identity.audit if audit else self.services.journal,)
            made = await Stamper(logs, self.services.timestamps, service, self.services.metrics).look()
            return [each.seq for each in made]

    async def length(self) -> int:
        return (await self.services.journal.head(0)).seq

    async def verify(self, compromised: datetime | None = None, trust: bytes = ROOT.certificate) -> Report:
        keys = KeySet.of(self.services.keys)
        return await verify_journal(
            self.world.settings.database_url,
            lambda jws: read_receipt(jws, keys),
            lambda jws: read_checkpoint(jws, keys),
            witnesses=Witnesses(compromised=lambda _jws: compromised, read_timestamp=TimestampTrust([trust]).read),
        )

    async def sql(self, statement: str) -> None:
        """A statement of somebody who owns the whole database and is stopped by no trigger."""
        connection = await asyncpg.connect(self.world.settings.database_url)
        try:
            await connection.execute(f"SET session_replication_role = replica; {statement}")
        finally:
            await connection.close()

    def counted(self, outcome: str) -> bool:
        return f'gateway_timestamps_total{{outcome="{outcome}"}}' in self.metrics

    @property
    def metrics(self) -> str:
        return generate_latest(self.services.metrics.registry).decode()


@pytest.fixture
def service() -> Iterator[TimestampAuthority]:
    with TimestampAuthority(SIGNER) as service:
        yield service


@asynccontextmanager
async def opened(world: World, service: TimestampAuthority, timestamps: TimestampSettings) -> AsyncIterator[Scene]:
    settings = replace(world.settings, timestamps=timestamps, checkpoint_seconds=NEVER)
    async with open_services(settings) as services:
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield Scene(world, services, client, service)


@pytest.fixture(scope="module")
async def world(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = Path(tmp_path_factory.mktemp("stamping"))
    return await make_world(new_database(), directory)


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    path = tmp_path / "tsa.pem"
    path.write_bytes(ROOT.certificate)
    return path


@pytest.fixture
async def scene(world: World, service: TimestampAuthority, anchor: Path) -> AsyncIterator[Scene]:
    """One whose own task stamps nothing, for no service is set; one log for all tests, without stamps at first."""
    async with opened(world, service, TimestampSettings(anchors=(anchor,))) as scene:
        await scene.sql("DELETE FROM timestamps")
        yield scene


async def stamped(scene: Scene) -> None:
    await scene.file()
    await scene.checkpoint()
    assert await scene.look(seconds=0) == [await scene.length()]


async def test_the_newest_checkpoint_is_stamped_and_its_stamp_is_published_with_it(scene: Scene) -> None:
    await scene.file()
    await scene.checkpoint()
    assert (await scene.client.get("/v1/checkpoints/latest")).json()["timestamp"] is None
    await stamped(scene)
    latest = (await scene.client.get("/v1/checkpoints/latest")).json()
    told = latest["timestamp"]
    assert (told["seq"], told["checkpoint"]) == (latest["seq"], latest["checkpoint"])
    moment = TimestampTrust([ROOT.certificate]).read(base64.b64decode(told["token"]), told["checkpoint"])
    assert moment == datetime.fromisoformat(told["stamped_at"])
    report = await scene.verify()
    assert (report.intact, report.timestamps, report.stamped) == (True, 1, {0: (latest["seq"], moment)})


async def test_a_log_is_stamped_no_more_often_than_the_interval_and_never_twice_at_one_place(scene: Scene) -> None:
    await stamped(scene)
    assert await scene.look(seconds=0) == []
    await scene.file()
    await scene.checkpoint()
    assert await scene.look(seconds=60) == []
    assert await scene.look(seconds=0) == [await scene.length()]
    assert scene.service.asked == 2


async def test_the_audit_log_is_stamped_too(scene: Scene) -> None:
    audit = scene.services.identity.audit
    async with asyncio.timeout(10):
        while (checkpoint := await audit.latest_checkpoint()) is None:
            await asyncio.sleep(0.02)
    assert await scene.look(audit=True) == [checkpoint.seq]
    newest = await scene.services.timestamps.newest(-1)
    assert newest is not None
    assert newest.jws == checkpoint.jws
    await stamped(scene)
    assert (await scene.verify()).intact, "what is of the audit log is no stray of the journal"


async def test_a_service_that_answers_badly_leaves_nothing_behind_and_is_asked_again(scene: Scene) -> None:
    await scene.file()
    await scene.checkpoint()
    bad: dict[str, type[Exception]] = {
        "nothing": httpx.HTTPStatusError,
        "rubbish": TimestampRefused,
        "refusal": TimestampRefused,
        "huge": TimestampRefused,
        "slow": TimeoutError,
    }
    for say, raised in bad.items():
        scene.service.say = say
        with pytest.raises(raised):
            await scene.look(patience=SECONDS)
        assert await scene.services.timestamps.newest(0) is None
    scene.service.say = "stamp"
    assert await scene.look() == [await scene.length()]


async def test_messages_are_filed_while_the_service_is_down_and_stamped_once_it_is_back(
    world: World, service: TimestampAuthority, anchor: Path
) -> None:
    service.say = "nothing"
    settings = TimestampSettings(service.url, (anchor,), seconds=0.02)
    async with opened(world, service, settings) as scene, asyncio.timeout(20):
        await scene.file()
        await scene.checkpoint()
        while not scene.counted("failed"):
            await asyncio.sleep(0.02)
        await scene.file()
        assert "gateway_timestamp_lag_entries 0.0" not in scene.metrics
        service.say = "rubbish"
        while not scene.counted("refused"):
            await asyncio.sleep(0.02)
        service.say = "stamp"
        while "gateway_timestamp_lag_entries 0.0" not in scene.metrics:
            await asyncio.sleep(0.02)
        assert scene.counted("kept")
        assert (await scene.verify()).stamped.keys() == {0}


async def test_one_changed_byte_of_a_time_stamp_is_found_and_named(scene: Scene) -> None:
    await stamped(scene)
    other = "set_byte(token, {0}, (get_byte(token, {0}) + 1) % 256)"
    changes = {
        f"token = {other.format(100)}": "not those that were kept",
        f"token = {other.format(600)}, sha256 = sha256({other.format(600)})": "does not verify",
        "sha256 = set_byte(sha256, 0, (get_byte(sha256, 0) + 1) % 256)": "not those that were kept",
        "stamped_at = stamped_at - interval '1 day'": "stamped_at",
        "seq = seq + 7": "is not there",
    }
    await scene.sql("CREATE TABLE before AS TABLE timestamps")
    for change, detail in changes.items():
        await scene.sql(f"UPDATE timestamps SET {change} WHERE ledger = 0")
        report = await scene.verify()
        assert [each.what for each in report.breaks] == ["timestamp"], change
        assert detail in report.breaks[0].detail
        await scene.sql("DELETE FROM timestamps; INSERT INTO timestamps TABLE before")
    await scene.sql("DROP TABLE before")
    assert (await scene.verify()).intact


async def test_stamps_that_were_removed_are_missed_and_those_of_another_service_are_not_believed(scene: Scene) -> None:
    await stamped(scene)
    [found] = (await scene.verify(trust=authority("another").certificate)).breaks
    assert "untrusted" in found.detail
    await scene.sql("DELETE FROM timestamps")
    [found] = (await scene.verify()).breaks
    assert (found.what, found.detail) == ("timestamp", "not one checkpoint of this log is time-stamped")


async def test_what_a_compromised_key_sealed_stands_where_a_stamp_from_before_covers_it(scene: Scene) -> None:
    await stamped(scene)
    moment = datetime.now(UTC) + timedelta(hours=1)
    await scene.file()
    await scene.checkpoint()
    assert (await scene.verify(compromised=moment)).first_undetermined == (0, await scene.length())
    await scene.look(seconds=0)
    assert (await scene.verify(compromised=moment)).intact
    assert (await scene.verify(compromised=moment - timedelta(hours=2))).first_undetermined == (0, 1)


async def test_the_command_says_what_is_stamped_and_that_it_did_not_look_who_stamped_it(
    scene: Scene, anchor: Path
) -> None:
    await stamped(scene)
    settings = scene.world.settings
    environment = {
        "GATEWAY_DATABASE_URL": settings.database_url,
        "GATEWAY_CERTIFICATE_FILE": str(settings.certificate_file),
    }
    command = ["verify", "journal"]

    async def told(*options: str) -> str:
        answer = await asyncio.to_thread(CliRunner().invoke, main, [*command, *options], env=environment)
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "1 time stamps: who made them was not looked at; name" in await told()
    length = await scene.length()
    assert f"1 time stamps: ledger 0 up to entry {length} at 20" in await told("--tsa-anchor", str(anchor))
    facts = json.loads(await told("--json", "--tsa-anchor", str(anchor)))
    assert (facts["timestamps"], facts["stamped"]["0"]["seq"]) == (1, length)


@pytest.mark.parametrize(("url", "pem"), [("no url", ROOT.certificate), ("http://127.0.0.1:9/", SIGNER.certificate)])
async def test_a_service_without_an_address_or_without_a_trust_anchor_is_refused_at_the_start(
    world: World, service: TimestampAuthority, tmp_path: Path, url: str, pem: bytes
) -> None:
    (tmp_path / "other.pem").write_bytes(pem)
    with pytest.raises(ConfigurationError):
        async with opened(world, service, TimestampSettings(url, (tmp_path / "other.pem",))):
            pytest.fail("it started")


async def test_a_receipt_of_a_compromised_key_stands_where_a_stamp_from_before_covers_its_entry(
    scene: Scene, anchor: Path, tmp_path: Path
) -> None:
    answer = await scene.client.post("/v1/messages", content=scene.world.message(), headers=XML)
    (tmp_path / "receipt").write_text(answer.json()["receipt"])
    await stamped(scene)

    async def told(moment: datetime, *options: str) -> Result:
        document = jwks(scene.services.keys)
        document["keys"][0]["revoked"] = {"revoked_at": int(moment.timestamp())}
        (tmp_path / "jwks.json").write_text(json.dumps(document))
        command = ["verify", "receipt", str(tmp_path / "receipt"), "--jwks", str(tmp_path / "jwks.json"), *options]
        environment = {"GATEWAY_DATABASE_URL": scene.world.settings.database_url}
        return await asyncio.to_thread(CliRunner().invoke, main, command, env=environment)

    later, before = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    trusting = ("--tsa-anchor", str(anchor))
    assert (await told(later)).exit_code == 5
    seen = await told(later, *trusting)
    assert (
        seen.exit_code,
        f"up to entry {await scene.length()} was seen by a time-stamping service" in seen.output,
    ) == (0, True)
    assert json.loads((await told(later, *trusting, "--json")).stdout)["covered"]["by"] == "time-stamping service"
    late = await told(before, *trusting)
    assert (late.exit_code, "nobody who is named" in late.output) == (5, True)
    other_leaf = "leaf = set_byte(leaf, 0, get_byte(leaf, 0) # 1) WHERE seq = (SELECT max(seq) FROM entries)"
    await scene.sql(f"UPDATE entries SET {other_leaf}")
    assert (await told(later, *trusting)).exit_code == 5
    await scene.sql(f"UPDATE entries SET {other_leaf}")
    assert (await told(later, *trusting)).exit_code == 0
    await scene.sql(
        "UPDATE timestamps SET token = set_byte(token, 600, (get_byte(token, 600) + 1) % 256) WHERE ledger = 0"
    )
    assert (await told(later, *trusting)).exit_code == 5
