"""FM-1 whole path: signed messages of 14 KB, HTTP in to readable in Kafka."""

from bench.model import Outcome
from bench.whole_path import Series, Work, compare
from bench.workshop import Workshop

WARM = 128


def measure(workshop: Workshop) -> Outcome:
    """Closed loop, as many messages as are answered."""
    plan = workshop.plan
    corpus, stage = workshop.fm1()
    workshop.tell(f"fm1: making {plan.repeats * plan.messages} signed messages")
    warm = Work(corpus.requests(WARM), 1, plan.connections)
    works = [Work(corpus.requests(plan.messages), 1, plan.connections) for _ in range(plan.repeats)]
    size = works[0].requests.stat().st_size / plan.messages
    series = compare(workshop, stage, Series("fm1", "messages", 1), warm, works)
    for work in works:
        work.requests.unlink()
    workshop.capacity = series.figures()[0].to_json()["gateway"]["median"]
    return Outcome(series.figures(), {**series.facts(), "bytes_a_request": size}, series.faults())
