"""The agent as a whole against a gateway that answers, refuses, forgets and lies."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx
import pytest

from gateway.client.agent import agent as wiring
from gateway.client.agent import sending
from gateway.client.agent.agent import Agent, Surroundings, only_one
from gateway.client.agent.errors import AlreadyRunning
from gateway.client.agent.housekeeping import beat
from gateway.client.agent.settings import read_agent_settings
from gateway.client.agent.spool import read_spool
from gateway.sealing.keys import LocalKeyHolder
from tests.client.kit import COMPLEX, FakeGateway, credentials, line, write_config


def make_agent(place: Path, url: str, **changes: object) -> Agent:
    settings = read_agent_settings(write_config(place, url, inputs__socket="a.sock", **changes))
    keys = LocalKeyHolder.from_pem(credentials().key, credentials().certificate)
    return Agent(settings, Surroundings(keys, lambda: datetime.now(UTC), random=Random(1)))


@contextlib.asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[Agent]:
    task = asyncio.create_task(agent.run())
    try:
        yield agent
    finally:
        agent.stop()
        await asyncio.wait_for(task, 60)


async def tell(place: Path, lines: list[bytes]) -> list[dict[str, object]]:
    socket = place / "a.sock"
    for _ in range(200):
        if socket.exists():
            break
        await asyncio.sleep(0.02)
    reader, writer = await asyncio.open_unix_connection(socket)
    writer.write(b"\n".join(lines) + b"\n")
    writer.write_eof()
    answers = [json.loads(answer) for answer in (await reader.read()).splitlines()]
    writer.close()
    return answers


async def until(holds: object, seconds: float = 60.0) -> None:
    assert callable(holds)
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


async def test_what_the_complex_tells_arrives_numbered_chained_and_once(fake: FakeGateway, tmp_path: Path) -> None:
    async with running(make_agent(tmp_path, fake.url)):
        answers = await tell(tmp_path, [line() for _ in range(130)])
        assert len({answer["sequence"] for answer in answers}) == 130
        await until(lambda: len(fake.events()) == 131)
    fake.assert_whole()
    assert [event["Kind"] for event in fake.events()].count("HEARTBEAT") == 1
    assert max(len(batch.events) for batch in fake.batches.values()) <= 50


@pytest.mark.parametrize("mishap", [503, 429, 500, "dropped", "lost"])
async def test_a_mishap_delays_and_neither_loses_nor_doubles(
    mishap: str | int, fake: FakeGateway, tmp_path: Path
) -> None:
    fake.plan.extend([mishap, mishap])
    async with running(make_agent(tmp_path, fake.url)):
        await tell(tmp_path, [line() for _ in range(10)])
        await until(lambda: len(fake.events()) == 11)
    fake.assert_whole()


async def test_retry_after_is_honoured(fake: FakeGateway, tmp_path: Path) -> None:
    fake.plan.append(503)
    fake.retry_after = "2"
    async with running(make_agent(tmp_path, fake.url)):
        await tell(tmp_path, [line()])
        await until(lambda: len(fake.events()) == 2)
    first, second = fake.attempts[:2]
    assert second[2] - first[2] >= 2.0


async def test_certificate_or_enrolment_put_right_at_the_gateway_needs_nothing_here(
    fake: FakeGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.plan.extend([403, 401])
    with caplog.at_level(logging.INFO, "agent"):
        async with running(make_agent(tmp_path, fake.url)):
            await tell(tmp_path, [line()])
            await until(lambda: len(fake.events()) == 2)
    fake.assert_whole()
    assert "did not judge batch 1 (403" in caplog.text


async def test_a_batch_refused_as_a_whole_stops_the_series_and_is_made_anew_by_repair(
    fake: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOOK_SECONDS", 0.05)
    fake.plan.append(422)
    agent = make_agent(tmp_path, fake.url)
    async with running(agent):
        await tell(tmp_path, [line() for _ in range(3)])
        await until(lambda: read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head().halt) is not None)
        answers = await tell(tmp_path, [line()])
        assert "sequence" in answers[0], "events are taken while the series stands"
        await asyncio.sleep(0.3)
        assert len(fake.attempts) == 1
        read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.remake("registered the complex"))
        await until(lambda: len(fake.events()) == 5)
    fake.assert_whole()


async def test_another_batch_under_the_number_stops_the_series(fake: FakeGateway, tmp_path: Path) -> None:
    fake.plan.append(409)
    async with running(make_agent(tmp_path, fake.url)):
        await until(lambda: read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head().halt) is not None)
    halt = read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head().halt)
    assert halt is not None
    assert (halt.trouble, halt.number) == ("fork", 1)


async def test_a_gateway_that_is_ahead_is_not_filed_to(fake: FakeGateway, tmp_path: Path) -> None:
    fake.forced_position = {"last_batch": 7, "last_batch_hash": "ab" * 32, "last_event": 70}
    async with running(make_agent(tmp_path, fake.url)):
        await until(lambda: read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head().halt) is not None)
    assert not fake.attempts


async def test_batches_that_the_gateway_lost_are_sent_again_as_they_were(fake: FakeGateway, tmp_path: Path) -> None:
    async with running(make_agent(tmp_path, fake.url)):
        for _ in range(3):
            await tell(tmp_path, [line()])
            await asyncio.sleep(0.2)
        await until(lambda: len(fake.events()) == 4)
    hashes = {number: batch.hash for number, batch in fake.batches.items()}
    for number in list(fake.batches)[1:]:
        del fake.batches[number]
    async with running(make_agent(tmp_path, fake.url)):
        await until(lambda: len(fake.events()) == 5)
    assert {number: fake.batches[number].hash for number in hashes} == hashes
    fake.assert_whole()


async def test_an_unregistered_complex_waits_and_burns_no_number(fake: FakeGateway, tmp_path: Path) -> None:
    fake.registered = False
    async with running(make_agent(tmp_path, fake.url)):
        await tell(tmp_path, [line()])
        await asyncio.sleep(0.5)
        assert not fake.attempts
        fake.registered = True
        await until(lambda: len(fake.events()) == 2)
    fake.assert_whole()


async def test_days_off_line_end_in_full_batches(tmp_path: Path) -> None:
    async with running(make_agent(tmp_path, "http://127.0.0.1:9")):
        for _ in range(10):
            await tell(tmp_path, [line() for _ in range(40)])
    with FakeGateway().serving() as fake:
        async with running(make_agent(tmp_path, fake.url)):
            await until(lambda: len(fake.events()) == 402)
        fake.assert_whole()
        assert len(fake.batches) <= 10


async def test_refused_events_are_told_and_the_series_goes_on(
    fake: FakeGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    judge = fake.judge

    def with_items(body: bytes) -> tuple[int, dict[str, object]]:
        status, facts = judge(body)
        facts["items"] = [{"number": 1, "id": "x", "leaf": "", "findings": [{"code": "GAM-101"}]}]
        return status, facts | {"verdict": "accepted with warnings"}

    fake.judge = with_items  # type: ignore[method-assign]
    with caplog.at_level(logging.INFO, "agent"):
        async with running(make_agent(tmp_path, fake.url)):
            await until(lambda: "GAM-101 x1" in caplog.text)


async def test_a_gateway_that_can_t_tell_the_position_gets_what_receipts_allow(
    fake: FakeGateway, tmp_path: Path
) -> None:
    fake.position_status = 503
    async with running(make_agent(tmp_path, fake.url)):
        await tell(tmp_path, [line()])
        await asyncio.sleep(0.3)
        assert not fake.attempts, "a spool without history waits"
        fake.position_status = 200
        await until(lambda: len(fake.events()) == 2)
        await until(lambda: read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.unsent()[0]) == 0)
    fake.position_status = 503
    async with running(make_agent(tmp_path, fake.url)):
        await until(lambda: len(fake.events()) == 3)
    fake.assert_whole()


async def test_an_answer_about_other_bytes_counts_as_none(
    fake: FakeGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    judge, wrong = fake.judge, [True]

    def about_others(body: bytes) -> tuple[int, dict[str, object]]:
        status, facts = judge(body)
        return status, facts | {"sha256": "0" * 64} if wrong else facts

    fake.judge = about_others  # type: ignore[method-assign]
    with caplog.at_level(logging.INFO, "agent"):
        async with running(make_agent(tmp_path, fake.url)):
            await until(lambda: "did not judge batch 1" in caplog.text)
            wrong.clear()
            await until(lambda: "Batch 1 (1 events) is received" in caplog.text)
    fake.assert_whole()


async def test_a_part_that_fails_is_told_and_started_again(
    fake: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wiring, "RESTART_SECONDS", 0.05)
    fails = [True]

    async def failing(*arguments: object) -> None:
        if fails:
            fails.clear()
            raise LookupError("once")
        await beat(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(wiring, "beat", failing)
    with caplog.at_level(logging.INFO, "agent"):
        async with running(make_agent(tmp_path, fake.url)):
            await until(lambda: len(fake.events()) == 1)
    assert "builtins.LookupError" in caplog.text


async def test_http_and_socket_are_open_side_by_side(fake: FakeGateway, tmp_path: Path) -> None:
    agent = make_agent(tmp_path, fake.url, inputs__http="127.0.0.1:0")
    async with running(agent), httpx.AsyncClient() as client:
        await tell(tmp_path, [line()])
        typed = {"Content-Type": "application/x-ndjson"}
        answer = await client.post(f"http://127.0.0.1:{agent.port}/v1/events", content=line(), headers=typed)
        assert answer.json()["sequence"] in (2, 3)


def test_a_second_agent_on_the_same_spool_does_not_begin(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(AlreadyRunning), only_one(tmp_path):
        pass


async def test_until_sent_ends_by_itself(fake: FakeGateway, tmp_path: Path) -> None:
    agent = make_agent(tmp_path, fake.url, inputs__folder="events")
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "shift.jsonl").write_bytes(b"\n".join(line() for _ in range(5)))
    await asyncio.wait_for(agent.run(until_sent=True), 60)
    assert len(fake.events()) >= 5
    assert (tmp_path / "events" / "done" / "shift.jsonl").exists()
