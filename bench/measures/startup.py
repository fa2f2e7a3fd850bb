"""How long an intake takes from its start to its first ready answer."""

import subprocess
import sys
import time

from bench.model import LESS, Figure, Outcome
from bench.stage import bare, until_answered
from bench.workshop import Workshop
from gateway.local.ports import free_ports


def measure(workshop: Workshop) -> Outcome:
    """Another intake beside the one that runs, on the same PostgreSQL and Kafka; against the bare server."""
    _, stage = workshop.fm1()
    mine, theirs = [], []
    for _ in range(workshop.plan.repeats):
        (port,) = free_ports([None])
        serve = ["serve", "--dir", str(stage.stack.directory), "--port", str(port)]
        started = time.perf_counter()
        with (workshop.directory / "startup.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "gateway", *serve], stdout=log, stderr=log)
        try:
            until_answered(f"http://127.0.0.1:{port}/readyz", [process])
            mine.append(time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait()
        with bare(stage, "fm1", 1, workshop.directory / "bare.log") as program:
            theirs.append(program.start_seconds)
    return Outcome((Figure("startup", "s", tuple(mine), tuple(theirs), LESS),))
