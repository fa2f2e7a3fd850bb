"""A real intake in a process of its own, that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys

import httpx

from gateway.local.ports import free_ports
from tests.intake.kit import URL, World


class Intake:
    """One `gateway serve` in a process of its own; `url` None calls it by its address."""

    def __init__(self, world: World, url: str | None = URL) -> None:
        (self.port,) = free_ports([None])
        self.url = url or f"http://127.0.0.1:{self.port}"
        settings = world.settings
        self._environment = {
            **os.environ,
            "GATEWAY_DATABASE_URL": settings.database_url,
            "GATEWAY_URL": self.url,
            "GATEWAY_KEY_FILE": str(settings.key_file),
            "GATEWAY_CERTIFICATE_FILE": str(settings.certificate_file),
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "gateway", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(30) == 0

    async def ready(self) -> None:
        async with asyncio.timeout(30), httpx.AsyncClient() as client:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{self.port}/readyz")).is_success:
                        return
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
