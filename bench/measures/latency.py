"""Accept latency at half and at 0.9 of the capacity just measured: open loop, nothing omitted."""

from bench.model import LESS, Figure, Outcome
from bench.stage import bare
from bench.workshop import Workshop

SHARES = (0.5, 0.9)
PERCENTILES = ((50, "p50"), (99, "p99"), (99.9, "p99.9"))
CONNECTIONS = 256
"""Enough that a request hardly ever waits for a free one; where it does, that counts."""
CREATED = 201


def measure(workshop: Workshop) -> Outcome:
    """The bare program is asked at the same rates as the gateway."""
    corpus, stage = workshop.fm1()
    capacity = workshop.capacity or _capacity(workshop)
    figures: list[Figure] = []
    faults: list[str] = []
    facts: dict[str, object] = {"capacity": capacity, "connections": CONNECTIONS}
    for share in SHARES:
        rate = share * capacity
        count = max(1, int(rate * workshop.plan.latency_seconds))
        workshop.tell(f"latency: {count} messages at {rate:,.0f}/s")
        requests = corpus.requests(count)
        mine = workshop.generator.run(stage.url, requests, CONNECTIONS, rate)
        accepted = mine.statuses.get(CREATED, 0)
        stage.accepted(accepted, accepted)
        stage.await_published()
        with bare(stage, "fm1", max(workshop.plan.ceiling_workers), workshop.directory / "bare.log") as program:
            theirs = workshop.generator.run(program.url, requests, CONNECTIONS, rate)
        requests.unlink()
        figures += [
            Figure(
                f"latency.{share}.{name}",
                "ms",
                (mine.milliseconds(percentile),),
                (theirs.milliseconds(percentile),),
                LESS,
            )
            for percentile, name in PERCENTILES
        ]
        facts[f"rate_at_{share}"] = rate
        facts[f"requests_at_{share}"] = count
        facts[f"longest_ms_at_{share}"] = mine.milliseconds(100)
        faults += [f"latency: {mine.others(CREATED)} answers were not 201"] if mine.others(CREATED) else []
    return Outcome(tuple(figures), facts, tuple(faults))


def _capacity(workshop: Workshop) -> float:
    """A short closed loop, where the whole path was not measured before."""
    corpus, stage = workshop.fm1()
    requests = corpus.requests(workshop.plan.messages)
    load = workshop.generator.run(stage.url, requests, workshop.plan.connections)
    requests.unlink()
    stage.accepted(load.statuses.get(CREATED, 0), load.statuses.get(CREATED, 0))
    stage.await_published()
    return load.rate
