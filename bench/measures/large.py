"""One large batch: how long it takes from HTTP in to readable in Kafka, and what the processes hold meanwhile."""

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from bench.corpus.large import MB, LargeFeed, write_batch
from bench.model import LESS, Figure, Outcome
from bench.observing import peak_of
from bench.stage import Stage, staged
from bench.workshop import Workshop

TOPIC = "fma.gaming.events.v1"
CREATED = 201
PATIENCE = 3_600.0
PARTS = ("intake", "relay", "oversight")
HEADERS = {"Content-Type": "application/xml"}


def measure(workshop: Workshop) -> Outcome:
    """Skipped where the gateway's limits do not allow such a body."""
    now, mb = datetime.now(UTC), workshop.plan.large_mb
    feed = LargeFeed.make(workshop.directory / "large", now)
    with staged(workshop.directory / "large-stack", TOPIC, feed) as stage:
        refusal = refused_by(json.load(urlopen(f"{stage.url}/v1/limits")), mb)  # noqa: S310 - the stack's own URL
        if refusal is not None:
            return Outcome(skipped=refusal)
        path = workshop.directory / "large.xml"
        workshop.tell(f"large: writing a batch of {mb} MB")
        events = write_batch(path, mb, feed.house, now)
        registered, _ = _posted(stage.url, feed.registration(now))
        stage.accepted(int(registered == CREATED), 0)
        workshop.tell(f"large: filing {events:,} events in one message")
        return _filed(stage, path, events, mb)


def refused_by(limits: Mapping[str, Any], mb: int) -> str | None:
    """Why a body of so many MB can't be filed, by what `GET /v1/limits` says; None where it can."""
    most = limits["request"].get("large_body_bytes", limits["request"]["body_bytes"])
    if most >= mb * MB:
        return None
    return f"the gateway takes bodies of at most {most / MB:,.0f} MB, not of {mb:,} MB (GET /v1/limits)"


def _filed(stage: Stage, path: Path, events: int, mb: int) -> Outcome:
    pids = stage.stack.status().pids
    with ExitStack() as watching:
        peaks = {part: watching.enter_context(peak_of(pids[part])) for part in PARTS}
        peaks["judging"] = watching.enter_context(peak_of(pids["intake"], children=True))
        started = time.perf_counter()
        status, answer = _posted(stage.url, path)
        receipted = time.perf_counter() - started
        if status == CREATED:
            stage.accepted(1, events)
            stage.await_published(PATIENCE)
        readable = time.perf_counter() - started
    if status != CREATED:
        return Outcome(faults=(f"large: answered {status}: {answer[:500].decode(errors='replace')}",))
    memory = {part: peak.mb for part, peak in peaks.items()}
    figures = (
        Figure(f"large.{mb}.receipted", "MB/s", (path.stat().st_size / 1e6 / receipted,)),
        Figure(f"large.{mb}.readable", "events/s", (events / readable,)),
        Figure(f"large.{mb}.memory", "MB a process", (max(memory.values()),), better=LESS),
    )
    facts = {"bytes": path.stat().st_size, "events": events, "seconds": receipted, "mb_by_part": memory}
    return Outcome(figures, facts, tuple(stage.faults()))


def _posted(url: str, body: bytes | Path) -> tuple[int, bytes]:
    """Status and answer; a file goes out piece by piece."""
    split = urlsplit(url)
    link = http.client.HTTPConnection(split.hostname or "127.0.0.1", split.port, timeout=PATIENCE)
    try:
        if isinstance(body, bytes):
            link.request("POST", "/v1/messages", body, HEADERS)
        else:
            with body.open("rb") as file:
                length = {"Content-Length": str(body.stat().st_size)}
                link.request("POST", "/v1/messages", file, {**HEADERS, **length})
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()
