"""`python -m bench`: the gateway against bare libraries in the same run; figures as text and as JSON."""

import argparse
import json
import os
import platform
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import gaming_path, path, verdict
from bench.messages import make_corpus

RESULTS = Path(__file__).parent / "results"


MEASURES = ("verdict", "path", "gaming-path")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, fewer repeats")
    parser.add_argument("--only", choices=MEASURES, help="one measure alone")
    parser.add_argument("--connections", type=int, default=64)
    chosen = parser.parse_args()
    now = datetime.now(UTC)
    wanted = {chosen.only} if chosen.only else set(MEASURES)
    figures: dict[str, object] = {}
    with TemporaryDirectory(prefix="gateway-bench-") as place:
        if wanted & {"verdict", "path"}:
            figures |= _fm1(Path(place), now, wanted, quick=chosen.quick, connections=chosen.connections)
        if "gaming-path" in wanted:
            figures["gaming-path"] = _shown("gaming-path", _gaming(Path(place), now, quick=chosen.quick))
    _keep({"at": now.isoformat(), "machine": _machine(), **figures})


def _fm1(place: Path, now: datetime, wanted: Collection[str], *, quick: bool, connections: int) -> dict[str, object]:
    count = 2_000 if quick else 10_000
    print(f"making {count} signed messages")
    corpus = make_corpus(place / "entities", count, now)
    figures: dict[str, object] = {"bytes": sum(map(len, corpus.bodies)) / len(corpus.bodies)}
    if "verdict" in wanted:
        few = corpus.__class__(corpus.anchor, corpus.enrolments, corpus.bodies[:500])
        figures["verdict"] = _shown("verdict", verdict.measure(few, now, 3 if quick else 9).facts())
    if "path" in wanted:
        figures["path"] = _shown("path", path.measure(corpus, place / "stack", connections).facts())
    return figures


def _gaming(place: Path, now: datetime, *, quick: bool) -> Mapping[str, float]:
    batches = 8 if quick else 25
    print(f"making {batches * gaming_path.COMPLEXES} signed batches of {gaming_path.BATCH_EVENTS} events")
    return gaming_path.measure(gaming_path.make_feed(place / "owners", batches, now), place / "gaming-stack")


def _shown(name: str, figures: Mapping[str, float]) -> Mapping[str, float]:
    print(name)
    for key, value in figures.items():
        print(f"  {key:24} {value:,.2f}")
    return figures


def _machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def _keep(facts: Mapping[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"kept in {RESULTS / 'latest.json'}")


if __name__ == "__main__":
    main()
