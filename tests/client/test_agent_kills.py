"""`kill -9` at random moments: every answered event arrives once, under the number it was answered with."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.client.kit import FakeGateway, event, write_config

pytestmark = pytest.mark.long

KILLS = 9
ROUND = 40


class Complex:
    """A complex that keeps what was not answered and sends it again, as its documentation asks for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.answered: dict[str, int] = {}
        self._waiting: list[dict[str, object]] = []

    def talk(self, seconds: float) -> None:
        """Sends and sends again until the time is over, whatever becomes of the agent."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self._round(until)
            except OSError:
                time.sleep(0.01)

    def wait_for_agent(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as link:
                link.connect(str(self._path))
                return
            time.sleep(0.02)

    def finish(self) -> None:
        while self._waiting:
            with contextlib.suppress(OSError):
                self._round(time.monotonic() + 20, more=False)

    def _round(self, until: float, *, more: bool = True) -> None:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(max(0.01, until - time.monotonic()))
            link.connect(str(self._path))
            while time.monotonic() < until:
                if more:
                    self._waiting += [event() for _ in range(ROUND)]
                link.sendall(b"".join(json.dumps(item).encode() + b"\n" for item in self._waiting))
                for answer in _answers(link, len(self._waiting)):
                    assert self.answered.setdefault(answer["id"], answer["sequence"]) == answer["sequence"]
                    self._waiting = [item for item in self._waiting if item["id"] != answer["id"]]
                if not more and not self._waiting:
                    return
                time.sleep(0.01)


def _answers(link: socket.socket, count: int) -> Iterator[dict[str, Any]]:
    rest = b""
    while count:
        data = link.recv(65536)
        if not data:
            raise ConnectionError
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            count -= 1
            yield json.loads(line)


def test_killed_at_any_moment_it_neither_loses_nor_doubles_an_event(fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url, inputs__socket="a.sock", batches__size=100)
    random = Random(2024)
    source = Complex(tmp_path / "a.sock")
    for number in range(KILLS):
        if number % 3 == 2:
            fake.plan.extend(random.choices(["lost", "dropped", "slow", 503], k=2))
        agent = _started(config)
        if number % 4:
            source.wait_for_agent()
        source.talk(random.uniform(0.0, 0.8))
        agent.send_signal(signal.SIGKILL)
        agent.wait()
    agent = _started(config)
    source.finish()
    _wait_for(fake, source)
    agent.terminate()
    assert agent.wait(60) == 0
    fake.assert_whole()
    arrived = {item["Id"]: int(item["Sequence"]) for item in fake.events() if item["Kind"] != "HEARTBEAT"}
    assert len(arrived) == len([item for item in fake.events() if item["Kind"] != "HEARTBEAT"])
    assert arrived == source.answered
    assert len(arrived) > KILLS * ROUND / 2


def _started(config: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "gateway", "agent", "run", "--config", str(config)]
    with (config.parent / "agent.log").open("ab") as log:
        return subprocess.Popen(command, stderr=log)


def _wait_for(fake: FakeGateway, source: Complex) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if source.answered.keys() <= {item["Id"] for item in fake.events()}:
            return
        time.sleep(0.05)
