"""Unique codes of luxury goods for a dealer's own software: asked for, checked, reserved, printed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
import orjson

from gateway.client.filing import LATER, LONGEST_WAIT_SECONDS, NotDelivered, asked_seconds
from gateway.client.reading import NotThere
from gateway.errors import GatewayError
from gateway.sealing.keys import KeyHolder
from gateway.sealing.tokens import make_bearer

CODES, BLOCKS = "/v1/luxury/codes", "/v1/luxury/blocks"
ATTEMPTS = 5
Facts = Mapping[str, Any]


class CodeRefused(GatewayError):
    """The gateway gave no code, or did not do what was asked; `problem` is its answer (RFC 9457)."""

    code = "code-refused"

    def __init__(self, problem: Facts) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or problem.get("code")))
        self.problem = problem


class LuxuryClient:
    """Asks for codes as the owner of a key; everything may be asked again, the answer is the same.

    `url` is the gateway's own address, which the tokens name. Every method raises NotDelivered when the gateway can't
    answer now, after several attempts, and CodeRefused or NotThere when it will not.
    """

    def __init__(
        self, client: httpx.AsyncClient, owner: str, url: str, keys: KeyHolder, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._owner = owner
        self._url = url
        self._keys = keys
        self._clock = clock

    async def item_code(self, item_class: str, identifiers: Mapping[str, str]) -> Facts:
        """The code of a thing: the same thing has the same code for ever."""
        return await self._post(CODES, {"class": item_class, **identifiers})

    async def operation_code(self, operation: str, item: str) -> Facts:
        """The code of one's own operation with a thing, by the GUID that one gave it."""
        return await self._post(CODES, {"operation": operation, "item": item})

    async def codes(self, wishes: Sequence[Mapping[str, str]]) -> list[Facts]:
        """A result for each wish, at most 500 of them: `status` 200 or 201 with the code, or a problem."""
        results: list[Facts] = (await self._post(CODES, {"requests": list(wishes)}))["results"]
        return results

    async def own(self, code: str) -> Facts:
        """Whether a code exists, its class and state, and one's own operations with the thing."""
        return await self._get(f"{CODES}/{code}")

    async def label(self, code: str, form: str) -> bytes:
        """The label of an issued code as `svg` or `pdf`."""
        return (await self._answer("GET", f"{CODES}/{code}/label?format={form}")).content

    async def reserve(self, block: str, count: int, kind: str, days: int) -> Facts:
        """Reserves a block of codes of `item` or `operation` under a GUID that one gave it."""
        return await self._post(BLOCKS, {"block": block, "count": count, "kind": kind, "days": days})

    async def blocks(self) -> list[Facts]:
        """One's own newest blocks."""
        blocks: list[Facts] = (await self._get(BLOCKS))["blocks"]
        return blocks

    async def block(self, block: str) -> Facts:
        """One block with the state of each of its codes."""
        return await self._get(f"{BLOCKS}/{block}")

    async def use(self, code: str, wish: Mapping[str, str]) -> Facts:
        """Tells what a reserved code was used for."""
        return await self._post(f"{CODES}/{code}/use", dict(wish))

    async def give_back(self, block: str, codes: Sequence[str] | None = None) -> list[str]:
        """Returns codes of a block that were not used, all of them where none is named."""
        body = {} if codes is None else {"codes": list(codes)}
        returned: list[str] = (await self._post(f"{BLOCKS}/{block}/return", body))["returned"]
        return returned

    async def _get(self, path: str) -> Facts:
        return _facts_of(await self._answer("GET", path))

    async def _post(self, path: str, body: Mapping[str, object]) -> Facts:
        return _facts_of(await self._answer("POST", path, orjson.dumps(body)))

    async def _answer(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        token = await make_bearer(self._owner, self._url, self._clock(), self._keys)
        return await ask(self._client, method, path, body, {"Authorization": f"Bearer {token}"})


async def check_code(client: httpx.AsyncClient, code: str) -> Facts:
    """Whether a code exists, its class and state, as anybody may ask."""
    return _facts_of(await ask(client, "GET", f"{CODES}/{code}", b"", {}))


async def ask(
    client: httpx.AsyncClient, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    """A request's successful answer, asked for again where that helps."""
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        wait: float | None = None
        try:
            response = await client.request(method, path, content=body, headers=dict(headers))
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            if response.status_code not in LATER and response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                return _successful(response)
            reason = f"the gateway answered {response.status_code}"
            wait = asked_seconds(response.headers.get("Retry-After"), datetime.now().astimezone())
        if attempt < ATTEMPTS:
            await asyncio.sleep(min(0.25 * 2**attempt if wait is None else wait, LONGEST_WAIT_SECONDS))
    raise NotDelivered(f"no answer after {ATTEMPTS} attempts ({reason}); asking again is harmless")


def _successful(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NotThere(f"{response.url.path} is not there")
    raise CodeRefused(_facts_of(response))


def _facts_of(response: httpx.Response) -> Facts:
    try:
        facts = response.json()
    except ValueError:
        facts = None
    if isinstance(facts, dict):
        return facts
    raise CodeRefused({"title": "The answer is not a JSON object: is this the gateway's URL?"})
