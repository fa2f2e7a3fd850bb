"""For whoever tries it with a generator of their own: requests in a file, and our generator against any URL."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

from bench.corpus.fm1 import Fm1Corpus
from bench.generator import make_generator
from gateway.settings import read_settings


def write_requests_for(stack: Path, count: int, out: Path) -> None:
    """Enrols the benchmark's entities with a running stack, and writes `count` new signed FM-1s as requests."""
    with TemporaryDirectory(prefix="gateway-bench-") as place:
        now = datetime.now(UTC)
        corpus = Fm1Corpus.make(Path(place) / "fm1", now, token_hex(8))
        asyncio.run(corpus.enrol(read_settings({}, stack).database(), now))
        shutil.move(corpus.requests(count), out)


def load(url: str, requests: Path, connections: int, rate: float) -> Mapping[str, Any]:
    """What our generator sees when it sends the requests of a file, each once."""
    with TemporaryDirectory(prefix="gateway-bench-") as place:
        generator = make_generator(Path(place))
        seen = generator.run(url, requests, connections, rate)
    return {
        "generator": generator.name,
        "requests": seen.count,
        "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
        "seconds": round(seen.seconds, 3),
        "rate": round(seen.rate, 1),
        **{f"p{percentile}_ms": round(seen.milliseconds(percentile), 2) for percentile in (50, 90, 99, 99.9, 100)},
        "generator_cpu_seconds": round(seen.cpu_seconds, 3),
    }
