"""Requests that two readers could take for different ones, as a table (corpus/http), on a real socket."""

import asyncio
import contextlib
import re
import tomllib
from pathlib import Path

import pytest

Address = tuple[str, int]
TABLE = tomllib.loads((Path(__file__).parents[1] / "corpus" / "http" / "requests.toml").read_text("utf-8"))
CASES = {f"{group}: {name}": case for group, cases in TABLE.items() for name, case in cases.items()}
HEAD = "POST /v1/validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
BEHIND = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


async def answers(address: Address, sent: bytes, piece: int) -> list[int]:
    """The statuses of all answers to what is sent in pieces, and to the request that is sent behind the first one."""
    reader, writer = await asyncio.open_connection(*address)
    found: list[int] = []
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        async with asyncio.timeout(20):
            for start in range(0, len(sent), piece):
                writer.write(sent[start : start + piece])
                await asyncio.sleep(0)
            found.append(await status_of_one(reader))
            writer.write(BEHIND)
            while True:
                found.append(await status_of_one(reader))
    writer.close()
    return found


async def status_of_one(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    assert length, head
    await reader.readexactly(int(length[1]))
    return int(head.split(b" ")[1])


@pytest.mark.parametrize("name", CASES)
async def test_each_request_of_the_table_ends_in_one_place_alone(server: Address, name: str) -> None:
    case = CASES[name]
    sent = (case["head"].replace("$HEAD", HEAD) + case.get("body", "")).encode("latin-1")
    assert await answers(server, sent, len(sent)) == case["answers"]
    if not name.startswith("before-the-answer"):
        assert await answers(server, sent, 7) == case["answers"]
