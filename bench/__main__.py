"""`python -m bench`: the gateway against bare libraries in the same run; figures as text and as JSON."""

import argparse
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import path, verdict
from bench.messages import make_corpus

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, fewer repeats")
    parser.add_argument("--only", choices=["verdict", "path"], help="one measure alone")
    parser.add_argument("--connections", type=int, default=64)
    chosen = parser.parse_args()
    now = datetime.now(UTC)
    figures: dict[str, Mapping[str, float]] = {}
    with TemporaryDirectory(prefix="gateway-bench-") as place:
        count = 2_000 if chosen.quick else 10_000
        print(f"making {count} signed messages")
        corpus = make_corpus(Path(place) / "entities", count, now)
        size = sum(map(len, corpus.bodies)) / len(corpus.bodies)
        if chosen.only != "path":
            few = corpus.__class__(corpus.anchor, corpus.enrolments, corpus.bodies[:500])
            figures["verdict"] = verdict.measure(few, now, 3 if chosen.quick else 9).facts()
            _print("verdict", figures["verdict"])
        if chosen.only != "verdict":
            figures["path"] = path.measure(corpus, Path(place) / "stack", chosen.connections).facts()
            _print("path", figures["path"])
    _keep({"at": now.isoformat(), "bytes": size, "machine": _machine(), **figures})


def _print(name: str, figures: Mapping[str, float]) -> None:
    print(name)
    for key, value in figures.items():
        print(f"  {key:24} {value:,.2f}")


def _machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def _keep(facts: Mapping[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"kept in {RESULTS / 'latest.json'}")


if __name__ == "__main__":
    main()
