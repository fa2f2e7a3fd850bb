"""Several intakes behind one address: they share the work, outlive each other, and stop together."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx
import psutil
import pytest

from gateway.local.ports import free_ports
from tests.intake.kit import URL, XML, World

pytestmark = pytest.mark.long

COMMAND = [sys.executable, "-m", "gateway", "serve", "--workers", "2"]


@dataclass(frozen=True)
class Serving:
    """`gateway serve --workers 2` in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    metrics: int

    def workers(self) -> list[psutil.Process]:
        """The workers that live now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [each for each in psutil.Process(self.process.pid).children() if each.status() != "zombie"]
        return []


def environment_of(world: World, dsn: str) -> dict[str, str]:
    settings = world.settings
    named = {"KEY_FILE": settings.key_file, "CERTIFICATE_FILE": settings.certificate_file}
    told = {"GATEWAY_DATABASE_URL": dsn, "GATEWAY_URL": URL}
    return {**os.environ, **told, **{f"GATEWAY_{name}": str(path) for name, path in named.items()}}


def two_ports() -> int:
    """The first of two free ports that follow each other."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            number: int = first.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", number + 1))
                return number


def start(world: World) -> Serving:
    (port,), metrics = free_ports([None]), two_ports()
    command = [*COMMAND, "--port", str(port), "--metrics-port", str(metrics)]
    process = subprocess.Popen(command, env=environment_of(world, world.settings.database_url))
    return Serving(process, f"http://127.0.0.1:{port}", metrics)


@contextlib.asynccontextmanager
async def two_workers(world: World) -> AsyncIterator[Serving]:
    serving = start(world)
    try:
        for number in range(2):
            await until_answered(f"http://127.0.0.1:{serving.metrics + number}/metrics")
        yield serving
    finally:
        everybody = serving.workers()
        serving.process.kill()
        serving.process.wait()
        psutil.wait_procs(everybody, timeout=60)


async def until_answered(url: str) -> str:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                return (await client.get(url)).text
            await asyncio.sleep(0.05)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.05)


async def test_a_worker_that_is_killed_is_started_again_while_the_other_serves(world: World) -> None:
    async with two_workers(world) as serving, httpx.AsyncClient() as client:
        first, second = serving.workers()
        first.kill()
        for _ in range(20):
            answer = await client.post(f"{serving.url}/v1/messages", content=world.message(), headers=XML)
            assert answer.status_code == httpx.codes.CREATED
        await until(lambda: len(serving.workers()) == 2)
        assert second in serving.workers()
        assert "gateway_verdicts" in await until_answered(f"http://127.0.0.1:{serving.metrics}/metrics")


async def test_workers_stop_together_when_they_are_told_to(world: World) -> None:
    async with two_workers(world) as serving:
        everybody = serving.workers()
        for each in everybody:
            each.send_signal(signal.SIGTERM)
        serving.process.terminate()
        assert await asyncio.to_thread(serving.process.wait, 60) == 0
        assert not any(each.is_running() for each in everybody)


async def test_workers_end_with_the_process_that_watches_over_them(world: World) -> None:
    async with two_workers(world) as serving:
        everybody = serving.workers()
        serving.process.kill()
        _, alive = await asyncio.to_thread(psutil.wait_procs, everybody, 60)
        assert not alive


def test_what_keeps_the_first_workers_from_serving_is_said_once(world: World) -> None:
    environment = environment_of(world, "postgresql://nobody@127.0.0.1:1/nothing")
    ended = subprocess.run(
        [*COMMAND, "--port", "0"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.count("gateway: ") == 1
    assert "Traceback" not in ended.stderr
