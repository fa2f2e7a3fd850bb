"""PostgreSQL goes away and comes back: nothing that was answered is lost, nothing is doubled, the process serves on."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path

import asyncpg
import pytest

from gateway.errors import Unavailable
from gateway.journal import Journal, JournalLimits, migrate, verify_journal
from gateway.journal.connections import LISTENING, SERVING, VERIFYING, WRITING, Session
from gateway.local.owner import socket_directory
from gateway.local.postgres import Postgres
from gateway.model import Draft, Filed
from tests.journal.support import Drafts, dsn_of, read_checkpoint, read_receipt, run

SOCKET = ".s.PGSQL.5432"


class Loss(Enum):
    """What becomes of the first COMMIT that passes."""

    NONE = "it passes"
    BEFORE = "the connection is lost before PostgreSQL has it"
    AFTER = "PostgreSQL has it, and the connection is lost before the answer"


class Proxy:
    """Stands between the journal and PostgreSQL and loses connections at the worst moments."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.loss = Loss.NONE
        self.losses = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self.server)
        except OSError:
            await self._close(writer)
            return
        back = asyncio.create_task(self._copy(server_reader, writer))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if b"COMMIT" in data and self.loss is not Loss.NONE:
                    loss, self.loss = self.loss, Loss.NONE
                    self.losses += 1
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                    if loss is Loss.AFTER:
                        server_writer.write(data)
                        await server_reader.read(5)
                    break
                server_writer.write(data)
        back.cancel()
        await asyncio.gather(back, self._close(server_writer), self._close(writer), return_exceptions=True)

    @staticmethod
    async def _close(stream: asyncio.StreamWriter) -> None:
        stream.close()
        with suppress(OSError):
            await stream.wait_closed()

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()


@asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    directory = Path(tempfile.mkdtemp(prefix="fma-proxy-"))
    location, _, query = dsn.partition("?")
    settings = dict(item.split("=") for item in query.split("&"))
    proxy = Proxy(f"{settings['host']}/{SOCKET}")
    server = await asyncio.start_unix_server(proxy.serve, directory / SOCKET)
    try:
        yield proxy, f"{location}?host={directory}&port=5432"
    finally:
        server.close()
        shutil.rmtree(directory)


@pytest.mark.parametrize("loss", [Loss.BEFORE, Loss.AFTER])
async def test_a_commit_whose_answer_was_lost_is_neither_doubled_nor_reported_lost(
    dsn: str, draft: Drafts, loss: Loss
) -> None:
    async with proxied(dsn) as (proxy, proxy_dsn), Journal(proxy_dsn) as journal:
        await journal.append(draft())
        proxy.loss = loss
        drafts = [draft() for _ in range(20)]
        filed = await asyncio.gather(*(journal.append(item) for item in drafts))
        assert proxy.losses == 1
        assert [item.repeated for item in filed] == [False] * 20
        assert sorted(item.seq for item in filed) == list(range(2, 22))
        assert (await journal.head(0)).seq == 21
        assert (await journal.append(drafts[0])).repeated
    assert (await verify_journal(dsn, read_receipt, read_checkpoint)).intact


async def file_until_answered(journal: Journal, draft: Draft, answers: dict[str, Filed]) -> None:
    """What a client does: sends the same bytes again until there is a receipt."""
    while draft.receipt.sha256 not in answers:
        try:
            answers[draft.receipt.sha256] = await journal.append(draft)
        except Unavailable:
            await asyncio.sleep(0.01)


async def check_nothing_lost_or_doubled(dsn: str, answers: dict[str, Filed], entries: int) -> None:
    report = await verify_journal(dsn, read_receipt, read_checkpoint)
    assert report.intact, report.first
    assert report.entries == entries
    stored = await run(dsn, "SELECT sha256, seq, receipt FROM entries")
    assert {row["sha256"].hex(): (row["seq"], row["receipt"]) for row in stored} == {
        sha256: (filed.seq, filed.jws) for sha256, filed in answers.items()
    }


async def test_connections_that_are_killed_while_messages_flow_lose_and_double_nothing(dsn: str, draft: Drafts) -> None:
    answers: dict[str, Filed] = {}

    async def kill() -> int:
        killed = 0
        connection = await asyncpg.connect(dsn)
        for _ in range(20):
            rows = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'fma-gateway writer'"
            )
            killed += len(rows)
            await asyncio.sleep(0.03)
        await connection.close()
        return killed

    async def file(journal: Journal) -> None:
        for _ in range(15):
            await asyncio.gather(*(file_until_answered(journal, draft(), answers) for _ in range(20)))

    async with Journal(dsn) as one, Journal(dsn) as other:
        killed, _, _ = await asyncio.gather(kill(), file(one), file(other))
    assert killed > 2
    await check_nothing_lost_or_doubled(dsn, answers, 600)


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that a test may stop and kill."""
    directory = Path(tempfile.mkdtemp(prefix="fma-outage-")).resolve()
    server = Postgres(directory / "data", socket_directory(directory), directory / "log")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)


@pytest.mark.parametrize("manner", ["stopped", "killed"])
async def test_a_server_that_goes_away_and_comes_back_loses_and_doubles_nothing(
    own_server: Postgres, draft: Drafts, manner: str
) -> None:
    own_dsn = own_server.create_database(f"outage_{manner}")
    await migrate(own_dsn)
    answers: dict[str, Filed] = {}
    async with Journal(own_dsn, limits=JournalLimits(patience=1.0)) as journal:
        filing = asyncio.gather(*(file_until_answered(journal, draft(), answers) for _ in range(300)))
        while len(answers) < 50:
            await asyncio.sleep(0.002)
        await asyncio.to_thread(_take_away, own_server, manner)
        await asyncio.sleep(0.3)
        assert not await journal.database_ready()
        with pytest.raises(Unavailable):
            await journal.read(0, 0, 1)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(Unavailable):
            await journal.append(draft(b"too early"))
        assert asyncio.get_running_loop().time() - begun < 2.0
        await asyncio.to_thread(own_server.start)
        await filing
        assert await journal.database_ready()
        assert (await journal.append(draft())).repeated is False
        early = await journal.find(draft(b"too early").receipt.sha256)
        assert early is None
        assert len(await journal.read(0, 0, 1000)) == 301
    report = await verify_journal(own_dsn, read_receipt, read_checkpoint)
    assert (report.intact, report.entries) == (True, 301)
    found = await run(own_dsn, "SELECT sha256, seq FROM entries")
    assert {(filed.seq, sha256) for sha256, filed in answers.items()} <= {
        (row["seq"], row["sha256"].hex()) for row in found
    }


def _take_away(server: Postgres, manner: str) -> None:
    process = server.running()
    assert process is not None
    if manner == "killed":
        process.kill()
    else:
        server.stop()


async def test_stopping_while_postgresql_is_away_answers_everybody(dsn: str, draft: Drafts) -> None:
    async with proxied(dsn) as (proxy, proxy_dsn):
        journal = Journal(proxy_dsn, limits=JournalLimits(patience=30.0, drain=0.3))
        await journal.start()
        await journal.append(draft())
        proxy.server = "/nowhere"
        waiting = [asyncio.create_task(journal.append(draft())) for _ in range(10)]
        await run(
            dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'fma-gateway writer'",
        )
        await asyncio.sleep(0.1)
        late = [asyncio.create_task(journal.append(draft())) for _ in range(10)]
        await asyncio.sleep(0.1)
        await journal.stop()
        answers = await asyncio.gather(*waiting, *late, return_exceptions=True)
        assert all(isinstance(answer, Unavailable | Filed) for answer in answers)
        assert all(isinstance(answer, Unavailable) for answer in answers[10:])


async def test_a_head_that_somebody_holds_is_waited_for_and_then_reported(dsn: str, draft: Drafts) -> None:
    async with Journal(dsn, limits=JournalLimits(patience=0.5)) as journal:
        await journal.append(draft())
        connection = await asyncpg.connect(dsn)
        holding = connection.transaction()
        await holding.start()
        await connection.execute("SELECT FROM ledgers FOR UPDATE")
        given = draft()
        with pytest.raises(Unavailable):
            await journal.append(given)
        await holding.rollback()
        await connection.close()
        assert (await journal.append(given)).seq == 2
        assert (await journal.head(0)).seq == 2


async def test_the_databases_of_one_server_do_not_hear_each_other(dsn: str, postgres_dsn: str) -> None:
    assert dsn_of(postgres_dsn, "x") != dsn
    async with Journal(dsn) as journal:
        assert not await journal.wait_for_news(0, 0, 0.1)


@pytest.mark.parametrize("session", [SERVING, WRITING, LISTENING])
def test_an_answer_is_waited_for_longer_than_postgresql_may_work_on_it(session: Session) -> None:
    assert session.command_seconds is not None
    assert session.command_seconds * 1000 > session.statement_timeout > session.lock_timeout
    assert VERIFYING.command_seconds is None
