"""The measures in their order, and a run of them."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from subprocess import SubprocessError
from types import MappingProxyType
from typing import Any

from bench.generator import Generator
from bench.machine import load_before, machine, versions
from bench.measures import (
    agent,
    codes,
    consumer,
    fm1,
    gaming,
    gaming_verdict,
    growth,
    journal,
    large,
    latency,
    memory,
    metals,
    relay,
    startup,
    verdict,
)
from bench.model import Outcome
from bench.workshop import Plan, Workshop
from gateway.errors import GatewayError

Measure = Callable[[Workshop], Outcome]

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "verdict": verdict.measure,
        "gaming-verdict": gaming_verdict.measure,
        "fm1": fm1.measure,
        "latency": latency.measure,
        "startup": startup.measure,
        "memory": memory.measure,
        "consumer": consumer.measure,
        "journal": journal.measure,
        "gaming": gaming.measure,
        "metals": metals.measure,
        "codes": codes.measure,
        "relay": relay.measure,
        "large": large.measure,
        "agent": agent.measure,
        "growth": growth.measure,
    }
)
"""By name, in the order in which they are made."""
SHARED = ("fm1", "latency", "startup", "memory", "consumer", "journal")
"""Those that share a stack: it is checked and ended after the last of them."""


def run(
    directory: Path, plan: Plan, generator: Generator, names: Sequence[str], tell: Callable[[str], None]
) -> dict[str, Any]:
    """The results of the named measures, as they are kept."""
    results: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "load_before": load_before(),
        "generator": generator.name,
        "plan": dataclasses.asdict(plan),
        "measures": {},
    }
    workshop = Workshop(directory, plan, generator, tell)
    try:
        chosen = [name for name in MEASURES if name in names]
        for place, name in enumerate(chosen):
            tell(f"[{place + 1}/{len(chosen)}] {name}")
            results["measures"][name] = _measured(MEASURES[name], workshop)
            if name in SHARED and not any(later in SHARED for later in chosen[place + 1 :]):
                results["measures"][name]["faults"] += workshop.close_fm1()
    finally:
        workshop.close()
    return results


def _measured(measure: Measure, workshop: Workshop) -> dict[str, Any]:
    """The outcome as it is kept; what failed is a fault of this measure, and the others go on."""
    started = time.perf_counter()
    try:
        outcome = measure(workshop)
    except (GatewayError, RuntimeError, AssertionError, OSError, SubprocessError) as error:
        outcome = Outcome(faults=(f"not measured to the end: {type(error).__name__}: {error}",))
    return {**outcome.to_json(), "seconds": time.perf_counter() - started}
