"""What an owner asks the gateway: its tickets and the FM-1s that are due, page by page, with a token of its own."""

from datetime import datetime
from typing import Any

import httpx

from gateway.local.simulation.model import Owner
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer

PAGE = 100


async def ask(client: httpx.AsyncClient, owner: Owner, path: str, now: datetime, **query: str) -> Any:
    """The answer to a question of an owner; raises httpx.HTTPStatusError for any but a success."""
    keys = LocalKeyHolder.from_pem(owner.credentials.key, owner.credentials.certificate)
    token = await make_bearer(owner.identifier, str(client.base_url), now, keys)
    answer = await client.get(path, params=query, headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    return answer.json()


async def ask_all(client: httpx.AsyncClient, owner: Owner, name: str, now: datetime) -> list[dict[str, Any]]:
    """All tickets or all obligations of an owner: `name` is what the resource and its rows are called."""
    rows: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = await ask(client, owner, f"/v1/{name}", now, limit=str(PAGE), **after)
        rows += page[name]
        if page["next"] is None:
            return rows
        after = {"after": str(page["next"])}
