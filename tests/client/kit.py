"""What the agent's tests share: credentials, a configuration, and a gateway that can misbehave."""

import contextlib
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.client.envelopes import new_guid
from gateway.sealing.generation import Issued, Subject, issue, make_authority, write_issued
from gateway.sealing.tokens import TokenRules, verify_bearer
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import verify_signature

OWNER = "050140000017"
COMPLEX = "KZ-ALM-1"
NONE = "0" * 64
TIME = "2026-11-25T13:10:00.000+05:00"


@cache
def authority() -> Issued:
    return make_authority("Test CA", datetime.now(UTC))


@cache
def credentials() -> Issued:
    return issue(authority(), Subject(common_name="Casino", bin=OWNER), datetime.now(UTC))


def event(**more: object) -> dict[str, Any]:
    return {"id": new_guid(), "kind": "BUY-IN", "unit": "DESK-1", "time": TIME, "amount": "10", "means": "CASH", **more}


def line(**more: object) -> bytes:
    return json.dumps(event(**more)).encode()


def write_config(place: Path, url: str, **changes: object) -> Path:
    """A configuration whose batches are small and soon; `changes` as `section__name=value`."""
    write_issued(credentials(), place / "agent.key.pem", place / "agent.certificate.pem")
    members: dict[str, dict[str, object]] = {
        "complex": {"id": COMPLEX, "owner": OWNER, "kind": "093", "unit": "SERVER-1", "heartbeat_seconds": 3600},
        "gateway": {"url": url, "key": "agent.key.pem", "certificate": "agent.certificate.pem"},
        "spool": {"directory": "spool", "limit_mb": 64},
        "batches": {"size": 50, "seconds": 0.05},
        "inputs": {},
        "log": {"language": "en"},
    }
    for name, value in changes.items():
        section, _, member = name.partition("__")
        members[section][member] = value
    lines = []
    for section, values in members.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    path = place / "agent.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@dataclass
class Received:
    """One accepted batch."""

    hash: str
    previous: str
    events: list[dict[str, str]]
    facts: dict[str, Any]


@dataclass
class FakeGateway:
    """Judges batches as the contract says, after whatever is in `plan`: a status, `lost`, `dropped` or `slow`."""

    plan: deque[str | int] = field(default_factory=deque)
    batches: dict[int, Received] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    attempts: list[tuple[int, str, float]] = field(default_factory=list)
    bodies: dict[int, set[str]] = field(default_factory=dict)
    repairs: list[dict[str, str]] = field(default_factory=list)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    registered: bool = True
    position_status: int = 200
    forced_position: dict[str, Any] | None = None
    retry_after: str | None = None
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def serving(self) -> Iterator["FakeGateway"]:
        handler = type("Handler", (_Handler,), {"gateway": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def events(self) -> list[dict[str, str]]:
        return [event for number in sorted(self.batches) for event in self.batches[number].events]

    def assert_whole(self) -> None:
        """Batches, chain and sequences have no hole, and no number was ever sent with two different bodies."""
        assert sorted(self.batches) == list(range(1, len(self.batches) + 1))
        previous = NONE
        for number in sorted(self.batches):
            assert self.batches[number].previous == previous
            previous = self.batches[number].hash
        assert [int(event["Sequence"]) for event in self.events()] == list(range(1, len(self.events()) + 1))
        assert all(len(hashes) == 1 for hashes in self.bodies.values())

    def position(self) -> dict[str, Any]:
        if self.forced_position is not None:
            return self.forced_position
        last = 0
        while last + 1 in self.batches:
            last += 1
        return {
            "complex": COMPLEX,
            "last_batch": last,
            "last_batch_hash": self.batches[last].hash if last else NONE,
            "last_event": int(self.batches[last].events[-1]["Sequence"]) if last else 0,
            "received_batches": len(self.batches),
            "missing": [],
            "open_tickets": [],
        }

    def judge(self, body: bytes) -> tuple[int, dict[str, Any]]:
        digest = hashlib.sha256(body).hexdigest()
        root = etree.fromstring(body)
        verify_signature(root, TrustStore([authority().certificate]), datetime.now(UTC))
        facts: dict[str, Any] = {"id": new_guid().lower(), "sha256": digest, "findings": [], "verdict": "accepted"}
        repair = root.find("SignedData/Data/Root/ChainRepair")
        if repair is not None:
            self.repairs.append({child.tag: child.text or "" for child in repair})
            return 201, facts
        batch = root.find("SignedData/Data/Root/GamingBatch")
        assert batch is not None
        number = int(batch.findtext("BatchSequence", ""))
        with self.lock:
            return self._file(number, batch, facts)

    def _file(self, number: int, batch: etree._Element, facts: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.bodies.setdefault(number, set()).add(facts["sha256"])
        known = self.batches.get(number)
        if known is not None:
            if known.hash == facts["sha256"]:
                return 200, known.facts
            return 409, {"code": "series-conflict", "detail": "another batch has this number", "receipt_id": "r-1"}
        events = [{str(name): str(value) for name, value in item.attrib.items()} for item in batch.iter("Event")]
        self.batches[number] = Received(facts["sha256"], batch.findtext("PreviousBatchHash", ""), events, facts)
        return 201, facts


class _Handler(BaseHTTPRequestHandler):
    gateway: FakeGateway
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer: no waiting for the other side's acknowledgement

    def log_message(self, *_told: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        step = self.gateway.plan.popleft() if self.gateway.plan else None
        self.gateway.attempts.append((len(self.gateway.attempts), str(step), time.monotonic()))
        if step == "dropped":
            self.close_connection = True
            return
        if isinstance(step, int):
            digest = hashlib.sha256(body).hexdigest()
            facts = {"verdict": "refused", "sha256": digest, "id": "r-422", "findings": [{"code": "GAM-1"}]}
            self._answer(step, facts if step == 422 else {"title": "no", "detail": "no"})
            return
        status, told = self.gateway.judge(body)
        if step == "lost":
            self.close_connection = True
            return
        if step == "slow":
            time.sleep(1.0)
        self._answer(status, told)

    def do_GET(self) -> None:
        token = self.headers["Authorization"].removeprefix("Bearer ")
        pem = credentials().certificate
        rules = TokenRules((self.gateway.url,))
        assert verify_bearer(token, rules, datetime.now(UTC), lambda _hex: (OWNER, pem)).identifier == OWNER
        if self.path in self.gateway.pages:
            self._answer(200, self.gateway.pages[self.path])
        elif not self.gateway.registered:
            self._answer(404, {"title": "not there"})
        else:
            self._answer(self.gateway.position_status, self.gateway.position())

    def _answer(self, status: int, facts: dict[str, Any]) -> None:
        body = json.dumps(facts).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status in (429, 503) and self.gateway.retry_after:
            self.send_header("Retry-After", self.gateway.retry_after)
        self.end_headers()
        self.wfile.write(body)
