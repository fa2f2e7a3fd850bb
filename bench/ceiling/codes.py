"""The bare server of unique codes: `python -m bench.ceiling.codes PORT DSN`.

POST gives each thing a new random code, committed with others before it is answered; GET looks one up, with others.
"""

import asyncio
import hashlib
import secrets
import sys

import asyncpg
import orjson
import uvloop

from bench.ceiling.server import Message, Receive, Send, answer_json, read_body, serve
from bench.ceiling.storing import GroupCommit

TABLE = (
    "CREATE TABLE bare_codes (code text PRIMARY KEY, identity bytea NOT NULL UNIQUE, identifiers text NOT NULL)",
    "INSERT INTO bare_codes SELECT code, sha256(code::bytea), identifiers FROM luxury_codes",
)
COLUMNS = ("code", "identity", "identifiers")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Lookups:
    """Whatever codes are asked for at the same time are looked up by one query."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        self._news = asyncio.Event()

    async def find(self, code: str) -> str | None:
        """What is stored about a code."""
        if code not in self._waiting:
            self._waiting[code] = asyncio.get_running_loop().create_future()
            self._news.set()
        return await self._waiting[code]

    async def run(self) -> None:
        """Looks up for ever."""
        connection = await asyncpg.connect(self._dsn)
        query = await connection.prepare("SELECT code, identifiers FROM bare_codes WHERE code = ANY ($1::text[])")
        while True:
            await self._news.wait()
            self._news.clear()
            wanted, self._waiting = self._waiting, {}
            found = {row[0]: row[1] for row in await query.fetch(list(wanted))}
            for code, waiting in wanted.items():
                waiting.set_result(found.get(code))


class CodeServer:
    """The two requests."""

    def __init__(self, store: GroupCommit, lookups: Lookups) -> None:
        self._store = store
        self._lookups = lookups

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["method"] == "GET":
            code = scope["path"].rpartition("/")[2]
            found = await self._lookups.find(code)
            await answer_json(send, 200, orjson.dumps({"code": code, "known": found is not None}))
            return
        wanted = orjson.loads(await read_body(receive))
        codes = await asyncio.gather(*(self._issue(thing) for thing in wanted.get("requests", [wanted])))
        await answer_json(send, 200 if "requests" in wanted else 201, orjson.dumps({"codes": codes}))

    async def _issue(self, thing: object) -> str:
        code = "T" + "".join(secrets.choice(ALPHABET) for _ in range(13))
        identifiers = orjson.dumps(thing)
        await self._store.store((code, hashlib.sha256(identifiers).digest(), identifiers.decode()))
        return code


async def main(port: str, dsn: str) -> None:
    """Wires the parts."""
    store, lookups = GroupCommit(dsn, "bare_codes", COLUMNS), Lookups(dsn)
    await serve(CodeServer(store, lookups), int(port), store.run(), lookups.run())


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
