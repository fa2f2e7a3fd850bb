"""Results of a made-up run."""

from typing import Any

from bench.model import LESS, Figure, Outcome

MEASURES = {
    "fm1": Outcome(
        (
            Figure("fm1.readable", "messages/s", (1_200.0, 1_000.0, 1_100.0), (2_000.0, 2_200.0, 2_100.0)),
            Figure("latency.0.5.p99", "ms", (60.0,), (20.0,), LESS),
        ),
        {"bytes_a_request": 14_000},
    ),
    "verdict": Outcome((Figure("verdict.xmlschema", "messages/s", (300.0,), (20.0,), against="xmlschema"),)),
    "large": Outcome(skipped="the gateway takes bodies of at most 4 MiB"),
}


def results() -> dict[str, Any]:
    return {
        "at": "2026-11-28T12:00:00+00:00",
        "machine": {"cpu": "A processor", "cores": 2, "memory_gib": 8.0, "system": "Linux"},
        "versions": {"Python": "3.11.7", "PostgreSQL": "18.6"},
        "load_before": {"load_1m": 0.1, "load_5m": 0.2, "load_15m": 0.3, "busy_percent": 4.0},
        "generator": "load.c",
        "plan": {"repeats": 3, "messages": 3_000, "latency_seconds": 8.0, "backlog": 50_000},
        "measures": {name: outcome.to_json() for name, outcome in MEASURES.items()},
    }
