"""The proxy does what it says: cuts, delays, falls silent, swallows one kind of answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chaos.proxy import Address, Link, Proxy, every_commit, every_end_of_transaction


@asynccontextmanager
async def echo(directory: Path) -> AsyncIterator[tuple[Proxy, list[bytes]]]:
    """A server that answers what it is asked, a proxy before it, and what the server was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            asked.append(data)
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path=str(directory / "server"))
    proxy = Proxy(Address(directory / "proxy"), Address(directory / "server"))
    await proxy.start()
    try:
        yield proxy, asked
    finally:
        await proxy.stop()
        server.close()


async def asked_and_answered(proxy: Proxy, data: bytes) -> bytes:
    reader, writer = await proxy.listen.connect()
    try:
        writer.write(data)
        return await reader.read(1000)
    finally:
        writer.transport.abort()


async def test_what_is_said_passes_both_ways(short_directory: Path) -> None:
    async with echo(short_directory) as (proxy, _asked):
        assert await asked_and_answered(proxy, b"hello") == b"hello"


async def test_a_cut_resets_what_is_open_and_refusing_what_is_new(short_directory: Path) -> None:
    async with echo(short_directory) as (proxy, _asked):
        reader, writer = await proxy.listen.connect()
        writer.write(b"hello")
        assert await reader.read(1000) == b"hello"
        proxy.cut()
        assert await ended(reader)
        proxy.refusing = True
        refused, other = await proxy.listen.connect()
        assert await ended(refused)
        other.transport.abort()
        proxy.mend()
        assert await asked_and_answered(proxy, b"again") == b"again"
        writer.transport.abort()


async def test_a_delay_holds_back_each_way(short_directory: Path) -> None:
    async with echo(short_directory) as (proxy, _asked):
        proxy.delay = 0.1
        begun = asyncio.get_running_loop().time()
        assert await asked_and_answered(proxy, b"hello") == b"hello"
        assert asyncio.get_running_loop().time() - begun >= 0.2


async def test_a_silenced_connection_stays_silent_and_open_after_the_mending(short_directory: Path) -> None:
    async with echo(short_directory) as (proxy, asked):
        reader, writer = await proxy.listen.connect()
        writer.write(b"hello")
        assert await reader.read(1000) == b"hello"
        proxy.silence()
        proxy.mend()
        writer.write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1000), 0.2)
        assert await asked_and_answered(proxy, b"new") == b"new"
        assert asked == [b"hello", b"new"]
        writer.transport.abort()


async def test_the_answer_to_a_commit_is_lost_and_the_commit_is_not(short_directory: Path) -> None:
    async with echo(short_directory) as (proxy, asked):
        proxy.watch = every_commit
        assert await asked_and_answered(proxy, b"BEGIN") == b"BEGIN"
        reader, writer = await proxy.listen.connect()
        writer.write(b"COMMIT;")
        assert await ended(reader)
        assert asked == [b"BEGIN", b"COMMIT;"]
        assert proxy.swallowed == 1
        writer.transport.abort()


def test_the_statement_that_appends_by_itself_is_a_commit_once_the_last_of_it_has_passed() -> None:
    link, sync = Link(), b"S\x00\x00\x00\x04"
    assert every_commit(link, b"B....accepted...E...." + sync)
    assert not every_commit(link, b"B....accepted...")
    assert not every_commit(link, b"... bodies ...")
    assert every_commit(link, b"... the rest" + sync)
    assert not every_commit(link, b"B....a query...E...." + sync)


def test_the_end_of_a_transaction_is_recognised_wherever_the_bytes_are_cut() -> None:
    produce = (6).to_bytes(4, "big") + (0).to_bytes(2, "big") + b"\0\x1a\0\0"
    end = (4).to_bytes(4, "big") + (26).to_bytes(2, "big") + b"\0\0"
    stream = produce + end

    for place in range(1, len(produce)):
        link = Link()
        assert not every_end_of_transaction(link, stream[:place])
        assert every_end_of_transaction(link, stream[place:])


async def ended(reader: asyncio.StreamReader) -> bool:
    """True when the other side ended the connection without a word."""
    try:
        return await reader.read(1000) == b""
    except ConnectionResetError:
        return True
