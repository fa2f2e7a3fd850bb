"""The gateway as a witness asks it: over HTTP, nothing of what it answers believed."""

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from gateway.consumer.keys import fetch_keys
from gateway.errors import Unavailable
from gateway.journal.audit import AUDIT_LEDGER
from gateway.sealing.jws import KeySet

SECONDS = 10.0
_NOT_FOUND, _UNAUTHORIZED = 404, 401


class GatewayOverHttp:
    """One gateway by its URL; an async context manager. Every method raises Unavailable where it does not answer.

    `credentials` makes the witness's token, which the audit log (ledger -1) is asked about with.
    """

    def __init__(
        self,
        url: str,
        client: httpx.AsyncClient | None = None,
        credentials: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._client = client or httpx.AsyncClient(timeout=SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def keys(self) -> KeySet:
        """The keys that the gateway publishes."""
        return await fetch_keys(f"{self._url}/.well-known/jwks.json", self._client)

    async def latest(self, ledger: int) -> str | None:
        """The JWS of the newest checkpoint of a ledger; None before the first one."""
        content = await self._of(ledger, "latest", {})
        return None if content is None else _text(content, "checkpoint")

    async def leaves(self, ledger: int, after: int, limit: int) -> Sequence[bytes]:
        """The leaves that follow `after`, as many as are answered."""
        content = await self._of(ledger, "leaves", {"after": after, "limit": limit})
        try:
            return [bytes.fromhex(leaf) for leaf in (content or {})["leaves"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"{self._url}: the leaves can't be read") from error

    async def tell(self, jws: str) -> None:
        """Brings a co-signature."""
        try:
            answer = await self._client.post(f"{self._url}/v1/checkpoints/cosignatures", json={"cosignature": jws})
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._url}: no answer ({type(error).__name__})") from error
        if not answer.is_success:
            raise Unavailable(f"{self._url}: the co-signature was not taken ({answer.status_code})")

    async def _of(self, ledger: int, what: str, query: dict[str, int]) -> dict[str, Any] | None:
        if ledger != AUDIT_LEDGER:
            return await self._get(f"/v1/checkpoints/{what}", {"ledger": ledger, **query}, {})
        token = await self._credentials() if self._credentials else ""
        return await self._get(f"/v1/audit/checkpoints/{what}", query, {"Authorization": f"Bearer {token}"})

    async def _get(self, path: str, query: dict[str, int], headers: dict[str, str]) -> dict[str, Any] | None:
        headers = {"Accept": "application/json", **headers}
        try:
            answer = await self._client.get(f"{self._url}{path}", params=query, headers=headers)
            if answer.status_code == _NOT_FOUND:
                return None
            if answer.status_code == _UNAUTHORIZED:
                raise Unavailable(
                    f"{self._url}{path}: the gateway does not know this witness: start it with its certificate, "
                    "and ask it at a URL of its own"
                )
            content = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(f"{self._url}{path}: no answer ({type(error).__name__})") from error
        return content if isinstance(content, dict) else {}


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        raise Unavailable(f"the gateway's answer has no {name}")
    return value
