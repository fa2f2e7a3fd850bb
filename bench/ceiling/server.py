"""The bare HTTP server: `python -m bench.ceiling.server FAMILY PORT DSN BOOTSTRAP TOPIC NAME`.

uvicorn and an ASGI function: a message in, parsed, checked, receipted, committed with others, answered, published.
Several of them share a port (SO_REUSEPORT).
"""

import asyncio
import hashlib
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
import uvloop
import zstandard
from lxml import etree

from bench.ceiling.judging import make_judge, plain
from bench.ceiling.publishing import BareRecord, Publisher
from bench.ceiling.sealing import Signer, merkle
from bench.ceiling.storing import GroupCommit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

COLUMNS = ("sha256", "id", "body", "receipt", "records")
TABLE = (
    "CREATE TABLE {name} (sha256 bytea PRIMARY KEY, id uuid NOT NULL UNIQUE, body bytea STORAGE EXTERNAL NOT NULL, "
    "receipt text STORAGE EXTERNAL NOT NULL, records bytea STORAGE EXTERNAL NOT NULL)"
)
ITEMS = {"gaming": "Events", "metals": "Operations"}
"""The element whose children are records of their own."""


class Server:
    """The steps of one message."""

    def __init__(self, family: str, store: GroupCommit, publisher: Publisher) -> None:
        self._judge = make_judge(family)
        self._items = ITEMS.get(family)
        self._store = store
        self._publisher = publisher
        self._signer = Signer()
        self._compressor = zstandard.ZstdCompressor(level=1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        body = await read_body(receive)
        answer = b"{}" if scope["method"] == "GET" else await self._file(body)
        await answer_json(send, 200 if scope["method"] == "GET" else 201, answer)

    async def _file(self, body: bytes) -> bytes:
        root = self._judge(body)
        sender = (root.findtext("SignedData/Data/Root/PersonalData/IINBIN") or "").encode()
        number = uuid4()
        facts = {"id": str(number), "sha256": hashlib.sha256(body).hexdigest(), "verdict": "accepted"}
        receipt, records = self._whole(root, sender, facts) if self._items is None else self._many(root, sender, facts)
        stored = [[each.value, each.headers[-1][1]] for each in records]
        packed = self._compressor.compress(b"".join(value + seal for value, seal in stored))
        row = (bytes.fromhex(facts["sha256"]), number, self._compressor.compress(body), receipt.decode(), packed)
        await self._store.store(row, partial(self._publisher.put, records))
        return orjson.dumps({**facts, "receipt": receipt.decode()})

    def _whole(self, root: etree._Element, key: bytes, facts: dict[str, str]) -> tuple[bytes, list[BareRecord]]:
        value = orjson.dumps({**facts, "message": plain(root)})
        receipt = self._signer.sign({**facts, "record": hashlib.sha256(value).hexdigest()})
        return receipt, [BareRecord(key, value, [("ce_id", facts["id"].encode()), ("seal", receipt)])]

    def _many(self, root: etree._Element, key: bytes, facts: dict[str, str]) -> tuple[bytes, list[BareRecord]]:
        place = next(root.iter(self._items or ""))
        start = orjson.dumps(facts)[:-1] + b',"item":'
        values = [start + orjson.dumps(plain(item)) + b"}" for item in place]
        top, paths = merkle(values)
        receipt = self._signer.sign({**facts, "root": top.hex()})
        name = facts["id"].encode()
        records = [
            BareRecord(key, value, [("ce_id", b"%b/%d" % (name, at)), ("seal", receipt), ("path", path)])
            for at, (value, path) in enumerate(zip(values, paths, strict=True))
        ]
        return receipt, records


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    pieces: list[bytes] = []
    while True:
        part = await receive()
        pieces.append(part.get("body", b""))
        if not part.get("more_body", False):
            return b"".join(pieces)


async def answer_json(send: Send, status: int, body: bytes) -> None:
    """The whole answer."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def shared_socket(port: int) -> socket.socket:
    """A listening socket on a port of 127.0.0.1 that other processes listen on too."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    return listening


async def serve(application: Any, port: int, *work: Awaitable[None]) -> None:
    """Serves until it is told to stop; what else is at work ends with it, or ends it."""
    config = uvicorn.Config(application, http="httptools", lifespan="off", access_log=False, log_level="warning")
    server = uvicorn.Server(config)
    tasks = [asyncio.ensure_future(each) for each in work]
    for task in tasks:
        task.add_done_callback(lambda _done: setattr(server, "should_exit", True))
    await server.serve(sockets=[shared_socket(port)])
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()


async def main(arguments: Sequence[str]) -> None:
    """Wires the parts."""
    family, port, dsn, bootstrap, topic, name = arguments
    publisher = Publisher(bootstrap, topic, name)
    store = GroupCommit(dsn, f"bare_{family}", COLUMNS)
    await serve(Server(family, store, publisher), int(port), store.run(), publisher.run())


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
