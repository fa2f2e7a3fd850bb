"""`python -m bench`: the gateway against bare libraries in the same run; figures as text and as JSON."""

import argparse
import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import agent, gaming, gaming_path, luxury, path, verdict
from bench.messages import make_corpus

RESULTS = Path(__file__).parent / "results"
MEASURES = ("verdict", "path", "agent", "gaming", "gaming-path", "luxury")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, fewer repeats")
    parser.add_argument("--only", choices=MEASURES, help="one measure alone")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--stored", type=int, default=1_000_000, help="codes stored before luxury is measured")
    parser.add_argument("--intakes", type=int, default=1, help="intake processes for luxury")
    chosen = parser.parse_args()
    now = datetime.now(UTC)
    figures: dict[str, Mapping[str, float]] = {}
    with TemporaryDirectory(prefix="gateway-bench-") as place:
        if chosen.only in (None, "agent"):
            events = 20_000 if chosen.quick else 100_000
            figures["agent"] = agent.measure(Path(place) / "agent", events).facts()
            _print("agent", figures["agent"])
        if chosen.only in (None, "gaming"):
            figures["gaming"] = gaming.measure(5 if chosen.quick else 15).facts()
            _print("gaming", figures["gaming"])
        if chosen.only in (None, "gaming-path"):
            figures["gaming-path"] = _gaming(Path(place), now, 8 if chosen.quick else 25)
            _print("gaming-path", figures["gaming-path"])
        if chosen.only in (None, "luxury"):
            stored, wishes = (100_000, 2_000) if chosen.quick else (chosen.stored, 10_000)
            plan = luxury.Plan(stored, wishes, chosen.intakes, chosen.connections)
            figures["luxury"] = luxury.measure(Path(place) / "luxury", plan).facts()
            _print("luxury", figures["luxury"])
        if chosen.only in (None, "verdict", "path"):
            figures |= _messages(chosen, Path(place), now)
    _keep({"at": now.isoformat(), "machine": _machine(), **figures})


def _messages(chosen: argparse.Namespace, place: Path, now: datetime) -> dict[str, Mapping[str, float]]:
    figures: dict[str, Mapping[str, float]] = {}
    count = 2_000 if chosen.quick else 10_000
    print(f"making {count} signed messages")
    corpus = make_corpus(place / "entities", count, now)
    figures["corpus"] = {"bytes": sum(map(len, corpus.bodies)) / len(corpus.bodies)}
    if chosen.only != "path":
        few = corpus.__class__(corpus.anchor, corpus.enrolments, corpus.bodies[:500])
        figures["verdict"] = verdict.measure(few, now, 3 if chosen.quick else 9).facts()
        _print("verdict", figures["verdict"])
    if chosen.only != "verdict":
        figures["path"] = path.measure(corpus, place / "stack", chosen.connections).facts()
        _print("path", figures["path"])
    return figures


def _gaming(place: Path, now: datetime, batches: int) -> Mapping[str, float]:
    print(f"making {batches * gaming_path.COMPLEXES} signed batches of {gaming_path.BATCH_EVENTS} events")
    return gaming_path.measure(gaming_path.make_feed(place / "owners", batches, now), place / "gaming-stack")


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
