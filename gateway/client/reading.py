"""Reading one's own from the gateway, by a token made with one's own key."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from gateway.client.filing import LATER, NotDelivered
from gateway.errors import GatewayError
from gateway.sealing.keys import KeyHolder
from gateway.sealing.tokens import make_bearer


class NotThere(GatewayError):
    """The gateway knows nothing of that name, or it is another's."""

    code = "not-there"


class NotAnswered(GatewayError):
    """The gateway refused to answer the question, and will until something is put right."""

    code = "not-answered"


class Reader:
    """Asks the gateway as the owner of a key; each question has a token of its own."""

    def __init__(
        self, client: httpx.AsyncClient, owner: str, url: str, keys: KeyHolder, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._owner = owner
        self._url = url
        self._keys = keys
        self._clock = clock

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """The JSON object at a path.

        Raises NotDelivered when the gateway can't answer now, NotThere for 404, NotAnswered for other refusals.
        """
        response = await self._answered(path, parameters, "application/json")
        try:
            facts = response.json()
        except ValueError:
            facts = None
        if not isinstance(facts, dict):
            raise NotAnswered(f"the gateway answered {response.status_code} to {path}")
        return facts

    async def content(self, path: str) -> bytes:
        """The exact bytes at a path; raises what `get` raises."""
        return (await self._answered(path, None, "*/*")).content

    async def _answered(self, path: str, parameters: Mapping[str, str] | None, accept: str) -> httpx.Response:
        token = await make_bearer(self._owner, self._url, self._clock(), self._keys)
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        try:
            response = await self._client.get(path, params=dict(parameters) if parameters else None, headers=headers)
        except httpx.HTTPError as error:
            raise NotDelivered(f"{type(error).__name__}: {error}") from error
        status = response.status_code
        if status == HTTPStatus.NOT_FOUND:
            raise NotThere(f"{path} is not there")
        if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NotDelivered(f"the gateway answered {status}")
        if status != HTTPStatus.OK:
            raise NotAnswered(f"the gateway answered {status} to {path}")
        return response
