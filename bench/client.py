"""A load generator that costs little: prepared requests over kept-alive connections, answers counted by status."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

XML: Mapping[str, str] = MappingProxyType({"Content-Type": "application/xml"})


@dataclass
class Load:
    """What a run of the load generator saw: answers by status, and each answer's latency in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


async def post_all(url: str, bodies: Sequence[bytes], connections: int) -> Load:
    """Posts every body once over that many connections, each sending its next as soon as the last is answered."""
    queue = iter(bodies)
    return await post_lanes(url, [queue] * connections)


async def post_lanes(url: str, lanes: Sequence[Iterator[bytes]]) -> Load:
    """Posts the bodies of each lane in their order over a connection of its own."""
    return await send_lanes(url, [_messages(lane) for lane in lanes])


async def send_all(url: str, requests: Sequence[bytes], connections: int) -> Load:
    """Sends every request once over that many connections, each sending its next as soon as the last is answered."""
    queue = iter(requests)
    return await send_lanes(url, [queue] * connections)


async def send_lanes(url: str, lanes: Sequence[Iterator[bytes]]) -> Load:
    """Sends the requests of each lane in their order over a connection of its own."""
    split = urlsplit(url)
    host, port = split.hostname or "127.0.0.1", split.port or 80
    load = Load()
    started = time.perf_counter()
    await asyncio.gather(*(_connection(host, port, lane, load) for lane in lanes))
    load.seconds = time.perf_counter() - started
    return load


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = XML) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _messages(bodies: Iterator[bytes]) -> Iterator[bytes]:
    return (request("POST", "/v1/messages", body) for body in bodies)


async def _connection(host: str, port: int, queue: Iterator[bytes], load: Load) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for each in queue:
        begun = time.perf_counter()
        writer.write(each)
        status = await _answer(reader)
        load.latencies.append(time.perf_counter() - begun)
        load.statuses[status] += 1
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    at = lower.index(b"content-length:") + len(b"content-length:")
    await reader.readexactly(int(lower[at : lower.index(b"\r", at)]))
    return status
