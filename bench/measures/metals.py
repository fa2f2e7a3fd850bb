"""Lines of jewellers' reports, whole path: signed reports of 200 lines, HTTP in to readable in Kafka."""

from bench.corpus.metals import DEALERS, LINES
from bench.model import Outcome
from bench.stage import staged
from bench.whole_path import CREATED, Series, Work, compare
from bench.workshop import METALS_TOPIC, Workshop


def measure(workshop: Workshop) -> Outcome:
    """Every dealer sends its reports in their order, the next one when the last is receipted."""
    plan = workshop.plan
    corpus = workshop.metals()
    workshop.tell(f"metals: making {plan.repeats * plan.metals_reports * DEALERS} signed reports of {LINES} lines")
    warm = Work(corpus.requests(1), LINES, DEALERS)
    works = [Work(corpus.requests(plan.metals_reports), LINES, DEALERS) for _ in range(plan.repeats)]
    with staged(workshop.directory / "metals-stack", METALS_TOPIC, corpus) as stage:
        warmed = workshop.generator.run(stage.url, warm.requests, DEALERS)
        stage.accepted(warmed.statuses.get(CREATED, 0), warmed.statuses.get(CREATED, 0) * LINES)
        series = compare(workshop, stage, Series("metals", "lines", LINES), warm, works)
        workshop.tell("metals: checking")
        faults = (*series.faults(), *stage.faults())
    for work in works:
        work.requests.unlink()
    return Outcome(series.figures(), series.facts(), faults)
