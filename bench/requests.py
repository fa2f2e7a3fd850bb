"""Prepared requests in a file, as both load generators read them."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

XML: Mapping[str, str] = MappingProxyType({"Content-Type": "application/xml"})
ANY = -1
"""The lane of a request that whichever connection is free may send."""
HEAD = struct.Struct("<iI")
"""Lane and length, before the bytes of each request."""


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = XML) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def message(body: bytes) -> bytes:
    """The request that files a message."""
    return request("POST", "/v1/messages", body)


def write_requests(path: Path, requests: Iterable[tuple[int, bytes]]) -> int:
    """Writes requests, each with its lane, and returns how many they were."""
    count = 0
    with path.open("wb") as file:
        for count, (lane, each) in enumerate(requests, 1):  # noqa: B007 - the last number is the count
            file.write(HEAD.pack(lane, len(each)))
            file.write(each)
    return count


def read_requests(path: Path) -> Iterator[tuple[int, bytes]]:
    """The requests of a file with their lanes, in their order; raises ValueError where the file is cut off."""
    with path.open("rb") as file:
        while head := file.read(HEAD.size):
            if len(head) < HEAD.size:
                raise ValueError(f"{path} ends inside a head")
            lane, length = HEAD.unpack(head)
            each = file.read(length)
            if len(each) < length:
                raise ValueError(f"{path} ends inside a request")
            yield lane, each


def interleaved(lanes: Iterable[Iterable[bytes]]) -> Iterator[tuple[int, bytes]]:
    """The requests of each lane in their order, a round of all lanes after the other, until the shortest ends."""
    for each in zip(*lanes, strict=False):
        yield from enumerate(each)
