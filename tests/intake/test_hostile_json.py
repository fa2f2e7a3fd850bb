"""Bodies that are JSON only to some, as a table (corpus/json), at every route that takes JSON."""

import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.intake.kit import World

TABLE = tomllib.loads((Path(__file__).parents[1] / "corpus" / "json" / "cases.toml").read_text("utf-8"))
BLOCK = "00000000-0000-4000-8000-000000000000"
ROUTES = (
    "/v1/luxury/codes",
    "/v1/luxury/codes/TTNXJC794NWYV4/use",
    "/v1/luxury/blocks",
    f"/v1/luxury/blocks/{BLOCK}/return",
)


def body_of(case: dict[str, Any]) -> bytes:
    return f"{case.get('begin', '')}{case['body'] * case.get('times', 1)}{case.get('end', '')}".encode("latin-1")


async def post(client: httpx.AsyncClient, world: World, route: str, body: bytes) -> httpx.Response:
    headers = {**await world["jeweller"].bearer(), "Content-Type": "application/json"}
    return await client.post(route, content=body, headers=headers)


@pytest.mark.parametrize("name", TABLE["broken"])
async def test_what_is_no_object_of_json_is_refused_as_that(client: httpx.AsyncClient, world: World, name: str) -> None:
    for route in ROUTES:
        answer = await post(client, world, route, body_of(TABLE["broken"][name]))
        assert (answer.status_code, answer.json()["code"]) == (400, "json")


@pytest.mark.parametrize("name", TABLE["whole"])
async def test_what_is_json_but_not_what_is_asked_for_is_never_a_failure_of_the_gateway(
    client: httpx.AsyncClient, world: World, name: str
) -> None:
    for route in ROUTES:
        answer = await post(client, world, route, body_of(TABLE["whole"][name]))
        assert answer.status_code < 500, (route, answer.text)
