"""What the operator sees: logs, metrics, failures, the published contract, start and stop."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
import structlog
from prometheus_client import generate_latest

from gateway.intake.app import create_app
from gateway.intake.metrics import Metrics, MetricsServer
from gateway.intake.opening import open_services
from gateway.intake.services import Services
from gateway.intake.settings import IntakeSettings
from gateway.journal import Journal
from gateway.logs import failure
from gateway.model import Draft, Filed
from tests.intake.kit import URL, XML, World
from tests.intake.test_filing import assert_problem

SERVE = """
import sys
from pathlib import Path
from gateway.intake.server import serve
from gateway.intake.settings import IntakeSettings
dsn, key, certificate, port = sys.argv[1:]
serve(IntakeSettings(dsn, Path(key), Path(certificate), ("http://127.0.0.1",), port=int(port)))
"""


@contextlib.asynccontextmanager
async def client_of(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


async def test_the_log_tells_of_a_request_by_digest_and_names_nobody(world: World, services: Services) -> None:
    body = world.message()
    with structlog.testing.capture_logs() as lines:
        async with client_of(services) as client:
            answer = await client.post("/v1/messages", content=body, headers=XML)
            await client.get(f"/v1/messages/{answer.json()['id']}?x=1", headers=await world["casino"].bearer())
            await client.post("/v1/messages", content=world.message("stranger"), headers=XML)
    told = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in told] == [201, 200, 403]
    assert told[0]["digest"] == answer.json()["sha256"]
    assert told[0]["request"] == answer.headers["request-id"]
    assert told[1]["route"] == "/v1/messages/{message}"
    assert told[2]["problem"] == "sender-not-enrolled"
    text = json.dumps(lines)
    for secret in (world["casino"].identifier, world["stranger"].identifier, answer.json()["id"], "Bearer"):
        assert secret not in text


async def test_the_metrics_count_verdicts_problems_and_steps_and_name_nobody(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    body = world.message()
    await client.post("/v1/messages", content=body, headers=XML)
    await client.post("/v1/messages", content=body, headers=XML)
    await client.post("/v1/messages", content=b"<", headers=XML)
    await client.get("/v1/nothing/" + world["casino"].identifier)
    text = generate_latest(services.metrics.registry).decode()
    assert 'gateway_verdicts_total{repeated="true",verdict="accepted' in text
    assert 'gateway_problems_total{code="not-well-formed",status="400"}' in text
    for step in ("read", "parse", "verify", "judge", "seal", "append"):
        assert f'gateway_step_seconds_count{{step="{step}"}}' in text
    assert 'route="/v1/messages"' in text
    assert 'route="unknown"' in text
    assert "gateway_requests_in_flight 0.0" in text
    assert "gateway_bytes_in_flight 0.0" in text
    assert world["casino"].identifier not in text


async def test_the_metrics_are_served_on_a_port_of_their_own() -> None:
    server = MetricsServer(Metrics(), "127.0.0.1", 0)
    port = server.start()
    try:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert "gateway_step_seconds" in answer.text
    finally:
        await asyncio.to_thread(server.stop)


class FailingLog(Journal):
    """A log that fails in a way that nobody foresaw."""

    async def append(self, draft: Draft) -> Filed:
        raise RuntimeError(f"secret {draft.receipt.sender}")


async def test_an_unforeseen_failure_gets_500_with_a_number_and_no_word_of_the_inside(
    world: World, services: Services
) -> None:
    broken = replace(services, pipeline=replace(services.pipeline, journal=FailingLog("")))
    with structlog.testing.capture_logs() as lines:
        async with client_of(broken) as client:
            answer = await client.post("/v1/messages", content=world.message(), headers=XML)
    problem = assert_problem(answer, 500, "internal")
    assert str(problem["instance"]) in str(problem["detail"])
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    told = next(line for line in lines if line["event"] == "request failed")
    assert told["error"] == "builtins.RuntimeError"
    assert "secret" not in json.dumps(lines)


async def test_a_database_that_is_away_gets_503_and_readiness_says_which_part(world: World, services: Services) -> None:
    stopped = Journal(world.settings.database_url)
    broken = replace(
        services,
        journal=stopped,
        pipeline=replace(services.pipeline, journal=stopped),
        checks={"postgresql": stopped.database_ready},
    )
    async with client_of(broken) as client:
        answer = await client.post("/v1/messages", content=world.message(), headers=XML)
        assert_problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        ready = assert_problem(await client.get("/readyz"), 503, "not-ready")
        assert ready["parts"] == {"postgresql": "unavailable"}
        assert (await client.get("/healthz")).status_code == 200
        page = await client.get("/v1/messages", headers=await world["casino"].bearer())
        assert_problem(page, 503, "unavailable")


def test_of_a_failure_the_log_keeps_kind_and_place_alone() -> None:
    def fails() -> None:
        raise ValueError("secret") from KeyError("secret")

    with pytest.raises(ValueError, match="secret") as raised:
        fails()
    told = failure(raised.value)
    assert told["error"] == "builtins.ValueError"
    assert told["cause"] == "builtins.KeyError"
    assert "secret" not in json.dumps(told)
    assert told["where"][-1].endswith(" fails")


async def test_the_contract_names_every_route_and_every_status_that_it_answers(client: httpx.AsyncClient) -> None:
    contract = (await client.get("/openapi.json")).json()
    assert contract["openapi"].startswith("3.1")
    filing = contract["paths"]["/v1/messages"]["post"]
    assert set(filing["requestBody"]["content"]) == {"application/xml", "text/xml"}
    assert set(filing["responses"]) >= {"200", "201", "422", "400", "401", "403", "409", "413", "415", "429", "503"}
    assert set(contract["paths"]) == {
        "/v1/messages",
        "/v1/messages/{message}",
        "/v1/messages/{message}/original",
        "/v1/receipts/{message}",
        "/v1/validate",
        "/v1/checkpoints/latest",
        "/v1/checkpoints/leaves",
        "/v1/checkpoints/cosignatures",
        "/v1/audit/checkpoints/latest",
        "/v1/audit/checkpoints/leaves",
        "/.well-known/jwks.json",
        "/v1/codes",
        "/v1/codes/{table}",
        "/v1/codes/{table}/{code}",
        "/v1/schemas",
        "/v1/schemas/{family}/{edition}/{file}",
        "/v1/limits",
        "/v1/gaming/complexes",
        "/v1/gaming/complexes/{complex}",
        "/v1/gaming/complexes/{complex}/position",
        "/v1/gaming/complexes/{complex}/days/{day}",
        "/v1/tickets",
        "/v1/obligations",
        "/v1/luxury/codes",
        "/v1/luxury/codes/{code}",
        "/v1/luxury/codes/{code}/label",
        "/v1/luxury/codes/{code}/use",
        "/v1/luxury/blocks",
        "/v1/luxury/blocks/{block}",
        "/v1/luxury/blocks/{block}/return",
        "/v1/fma/messages",
        "/v1/fma/messages/{message}",
        "/v1/fma/messages/{message}/original",
        "/v1/fma/tickets",
        "/v1/fma/entities",
        "/v1/fma/entities/{entity}/suspend",
        "/v1/fma/entities/{entity}/resume",
        "/v1/fma/metrics",
        "/v1/fma/audit",
        "/healthz",
        "/readyz",
    }
    assert contract["paths"]["/v1/messages"]["get"]["security"] == [{"entity": []}]
    assert "security" not in filing
    text = json.dumps(contract)
    for reference in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert reference in contract["components"]["schemas"]
    assert "HTTPValidationError" not in text


async def test_a_receipt_has_every_member_that_the_contract_promises(client: httpx.AsyncClient, world: World) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    facts = (await client.post("/v1/messages", content=world.refused_message(), headers=XML)).json()
    assert set(facts) == set(schemas["ReceiptFacts"]["required"])
    assert set(schemas["ReceiptFacts"]["properties"]) - set(facts) == {"series", "items", "day"}
    assert set(facts["findings"][0]) == set(schemas["FindingFacts"]["properties"])


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_told_to_stop_answers_what_is_under_way_and_ends_with_0(
    world: World, tmp_path: Path, stop: signal.Signals
) -> None:
    process = await start_process(world.settings, tmp_path)
    port = await port_of(process)
    bodies = [world.message() for _ in range(30)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        first = await client.post("/v1/messages", content=bodies.pop(), headers=XML)
        assert first.status_code == 201
        sending = [asyncio.create_task(client.post("/v1/messages", content=b, headers=XML)) for b in bodies]
        await asyncio.sleep(0.03)
        process.send_signal(stop)
        answers = await asyncio.gather(*sending, return_exceptions=True)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    async with open_services(world.settings) as services:
        for body, answer in zip(bodies, answers, strict=True):
            if isinstance(answer, httpx.Response):
                assert answer.status_code == 201
                assert await services.journal.find(answer.json()["sha256"]) is not None, len(body)


async def start_process(settings: IntakeSettings, directory: Path) -> asyncio.subprocess.Process:
    script = directory / "serve.py"
    script.write_text(SERVE)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        settings.database_url,
        str(settings.key_file),
        str(settings.certificate_file),
        "0",
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


async def port_of(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        async for line in process.stderr:
            told = json.loads(line)
            if told["event"] == "serving":
                return int(told["port"])
    raise AssertionError("the process ended")


async def test_the_process_at_rest_stays_small(world: World, tmp_path: Path) -> None:
    process = await start_process(world.settings, tmp_path)
    port = await port_of(process)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.post("/v1/messages", content=world.message(), headers=XML)).status_code == 201
    resident = psutil.Process(process.pid).memory_info().rss
    process.terminate()
    await process.wait()
    assert resident < 150_000_000
