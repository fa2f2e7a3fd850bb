"""The agent as a casino runs it: events a second into its spool over the socket, batches out meanwhile, its memory."""

import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from bench.model import LESS, Figure, Outcome
from bench.workshop import Workshop
from gateway.client.envelopes import new_guid
from gateway.client.gaming import rfc3339
from gateway.sealing.generation import Subject, issue, make_authority, write_issued

COMPLEX = "KZ-BENCH-1"
OWNER = "050140000017"
WINDOW = 2_000
"""Events that are under way and not answered, as a complex with many machines has them."""
REFUSED_EVERY = 1_000
"""One event of so many breaks a rule and is answered with what is wrong."""
CONFIG = """
[complex]
id = "{complex}"
owner = "{owner}"
kind = "093"
unit = "SERVER-1"
[gateway]
url = "{url}"
key = "agent.key.pem"
certificate = "agent.certificate.pem"
[spool]
directory = "spool"
[inputs]
socket = "agent.sock"
"""


class _Gateway(BaseHTTPRequestHandler):
    """Takes everything at once: what is measured is the agent."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    received = 0

    def log_message(self, *_told: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received += body.count(b"<Event ")
        facts = {"id": new_guid(), "verdict": "accepted", "sha256": hashlib.sha256(body).hexdigest()}
        self._answer(facts)

    def do_GET(self) -> None:
        self._answer({"last_batch": 0, "last_batch_hash": "0" * 64, "last_event": 0})

    def _answer(self, facts: Mapping[str, object]) -> None:
        body = json.dumps(facts).encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def measure(workshop: Workshop) -> Outcome:
    """Starts `gateway agent run` and tells it events with ids, at most WINDOW of them unanswered."""
    place, events = workshop.directory / "agent", workshop.plan.spooled_events
    workshop.tell(f"agent: telling {events} events")
    place.mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _configure(place, f"http://127.0.0.1:{server.server_port}")
    command = [sys.executable, "-m", "gateway", "agent", "run", "--config", str(place / "agent.toml")]
    with (place / "agent.log").open("wb") as log:
        agent = subprocess.Popen(command, stderr=log)
    try:
        _wait_until((place / "agent.sock").exists)
        lines = [_line(number) for number in range(events)]
        begun = time.perf_counter()
        _tell(place / "agent.sock", lines)
        spooled = time.perf_counter() - begun
        _wait_until(lambda: _Gateway.received >= events - events // REFUSED_EVERY)
        received = time.perf_counter() - begun
        memory = _peak_mib(agent.pid)
    finally:
        agent.terminate()
        agent.wait()
        server.shutdown()
    return Outcome(
        (
            Figure("agent.spooled", "events/s", (events / spooled,)),
            Figure("agent.received", "events/s", (events / received,)),
            Figure("agent.memory", "MiB", (memory,), better=LESS),
        ),
        {"events": events},
    )


def _configure(place: Path, url: str) -> None:
    now = datetime.now(UTC)
    issued = issue(make_authority("Bench CA", now), Subject(common_name="Casino", bin=OWNER), now)
    write_issued(issued, place / "agent.key.pem", place / "agent.certificate.pem")
    text = CONFIG.format(complex=COMPLEX, owner=OWNER, url=url)
    (place / "agent.toml").write_text(text, encoding="utf-8")


def _line(number: int) -> bytes:
    event = {
        "id": str(uuid.uuid4()),
        "kind": "BET-PLACED",
        "unit": f"TERMINAL-{number % 40}",
        "time": rfc3339(datetime.now(UTC)),
        "amount": f"{number % 90_000 + 100}" if (number + 1) % REFUSED_EVERY else "-1",
        "means": "CASH",
        "player_kind": "ANONYMOUS",
        "reference": f"BET-{number:09}",
        "odds": "1.85",
    }
    return json.dumps(event).encode() + b"\n"


def _tell(path: Path, lines: list[bytes]) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        sent = answered = 0
        while answered < len(lines):
            if sent - answered <= WINDOW // 2 and sent < len(lines):
                piece = lines[sent : sent + WINDOW // 2]
                link.sendall(b"".join(piece))
                sent += len(piece)
            data = link.recv(1 << 20)
            assert data
            answered += data.count(b"\n")


def _wait_until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "the agent is not there, or stands still"
        time.sleep(0.01)


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    return float(psutil.Process(pid).memory_info().rss) / (1 << 20)
