"""An entity reads its own messages with a token that it signed itself; others' messages do not exist."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx

from gateway.local.stack import StackFacts
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from tests.e2e.kit import Filer, enrol_filer, filed, run_gateway


async def test_one_reads_ones_own_messages_and_nobody_elses(stack: StackFacts, tmp_path: Path) -> None:
    random = Random(11)
    own, other = (enrol_filer(tmp_path / "entities", stack.directory, random) for _ in range(2))
    body = own.sign(random)
    async with httpx.AsyncClient(base_url=stack.url or "", timeout=30) as client:
        receipt = await filed(client, body)
        await filed(client, other.sign(random))
        mine, theirs = await _bearer(own, stack), await _bearer(other, stack)
        await _until_known(client, theirs)
        listed = (await client.get("/v1/messages", headers=mine)).json()
        original = await client.get(f"/v1/messages/{receipt['id']}/original", headers=mine)
        jws = await client.get(f"/v1/receipts/{receipt['id']}", headers=mine)
        hidden = [
            (await client.get(f"/v1/{path}", headers=theirs)).status_code
            for path in (f"messages/{receipt['id']}", f"messages/{receipt['id']}/original", f"receipts/{receipt['id']}")
        ]
        nameless = await client.get(f"/v1/messages/{receipt['id']}")
        assert (
            run_gateway("entities", "suspend", own.reporter.identifier, "--dir", str(stack.directory)).returncode == 0
        )
        refused = await _until_suspended(client, body)
        still = await client.get(f"/v1/messages/{receipt['id']}", headers=mine)
    assert [message["id"] for message in listed["messages"]] == [receipt["id"]]
    assert original.content == body
    assert (jws.text, jws.headers["content-type"]) == (receipt["receipt"], "application/jose")
    assert hidden == [404, 404, 404]
    assert nameless.status_code == 401
    assert refused.json()["code"] == "sender-suspended"
    assert still.status_code == 200


async def _bearer(filer: Filer, stack: StackFacts) -> dict[str, str]:
    keys = LocalKeyHolder.from_pem(filer.key, filer.certificate)
    token = await make_bearer(filer.reporter.identifier, stack.url or "", datetime.now(UTC), keys)
    return {"Authorization": f"Bearer {token}"}


async def _until_known(client: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    """A running intake sees an enrolment within 5 seconds, on an idle machine."""
    async with asyncio.timeout(40):
        while (await client.get("/v1/messages", headers=bearer)).status_code != 200:
            await asyncio.sleep(0.05)


async def _until_suspended(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    answer = await client.post("/v1/messages", content=body, headers={"Content-Type": "application/xml"})
    for _ in range(50):
        if answer.status_code == 403:
            break
        answer = await client.post("/v1/messages", content=body, headers={"Content-Type": "application/xml"})
    return answer
