"""The same requests through the gateway and through the bare program: HTTP in to readable in Kafka."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.generator import Load
from bench.model import LESS, Figure
from bench.observing import cpu_by_part, cpu_of
from bench.stage import Bare, Reader, Stage, bare, reading
from bench.workshop import Workshop

CREATED = 201


@dataclass(frozen=True, slots=True)
class Work:
    """Requests, how many records come of each, and over how many connections they are sent."""

    requests: Path
    records: int
    connections: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run's rates in records a second, and microseconds of CPU a record by part."""

    load: Load
    readable: float
    cpu_us: dict[str, float]

    def receipted(self, records: int) -> float:
        """Records a second, up to the receipt."""
        return self.load.rate * records


@dataclass
class Series:
    """The repeats of both, by turns."""

    family: str
    unit: str
    records: int
    gateway: list[Run] = field(default_factory=list)
    bare: list[Run] = field(default_factory=list)
    workers: int = 1

    def figures(self) -> tuple[Figure, ...]:
        """Rates and CPU."""
        mine = tuple(run.readable for run in self.gateway)
        receipted = tuple(run.receipted(self.records) for run in self.gateway)
        return (
            Figure(f"{self.family}.readable", f"{self.unit}/s", mine, tuple(run.readable for run in self.bare)),
            Figure(
                f"{self.family}.receipted",
                f"{self.unit}/s",
                receipted,
                tuple(run.receipted(self.records) for run in self.bare),
            ),
            Figure(
                f"{self.family}.cpu",
                f"µs of CPU a {self.unit.rstrip('s')}",
                tuple(_own(run) for run in self.gateway),
                tuple(run.cpu_us["bare"] for run in self.bare),
                LESS,
            ),
        )

    def facts(self) -> dict[str, object]:
        """What else is worth knowing."""
        parts = {part for run in self.gateway for part in run.cpu_us}
        return {
            "bare_workers": self.workers,
            "records_a_request": self.records,
            "requests_a_repeat": self.gateway[0].load.count,
            "cpu_us_by_part": {part: statistics.median(run.cpu_us[part] for run in self.gateway) for part in parts},
            "generator_cpu_seconds": statistics.median(run.load.cpu_seconds for run in self.gateway),
            "closed_loop_p50_ms": statistics.median(run.load.milliseconds(50) for run in self.gateway),
            "closed_loop_p99_ms": statistics.median(run.load.milliseconds(99) for run in self.gateway),
        }

    def faults(self) -> tuple[str, ...]:
        """Answers that were not 201."""
        others = [("gateway", run.load) for run in self.gateway] + [("bare program", run.load) for run in self.bare]
        return tuple(
            f"{self.family}: {load.others(CREATED)} answers of the {name} were not 201: {dict(load.statuses)}"
            for name, load in others
            if load.others(CREATED)
        )


def compare(workshop: Workshop, stage: Stage, series: Series, warm: Work, works: Sequence[Work]) -> Series:
    """Runs each work through both by turns; the bare program with as many processes as serve it best."""
    with reading(stage.kafka, stage.topic) as reader:
        for number, work in enumerate(works, 1):
            workshop.tell(f"{series.family}: run {number} of {len(works)} through the gateway")
            series.gateway.append(through_gateway(workshop, stage, reader, work))
            if number == 1:
                runs = {
                    n: through_bare(workshop, stage, series.family, n, (warm, work))
                    for n in workshop.plan.ceiling_workers
                }
                series.workers = max(runs, key=lambda workers: runs[workers].readable)
                series.bare.append(runs[series.workers])
            else:
                series.bare.append(through_bare(workshop, stage, series.family, series.workers, (warm, work)))
            workshop.tell(
                f"  {series.gateway[-1].readable:,.0f} {series.unit}/s, bare {series.bare[-1].readable:,.0f}/s"
            )
    return series


def through_gateway(workshop: Workshop, stage: Stage, reader: Reader, work: Work) -> Run:
    """Files the requests once, and waits until all that came of them can be read from Kafka."""
    reader.await_records(stage.expected[stage.topic])
    before, started = cpu_by_part(stage.facts), time.perf_counter()
    load = workshop.generator.run(stage.url, work.requests, work.connections)
    accepted = load.statuses.get(CREATED, 0)
    stage.accepted(accepted, accepted * work.records)
    reader.await_records(stage.expected[stage.topic])
    seconds = time.perf_counter() - started
    records = max(1, accepted * work.records)
    spent = {part: (used - before[part]) * 1e6 / records for part, used in cpu_by_part(stage.facts).items()}
    return Run(load, records / seconds, spent)


def through_bare(workshop: Workshop, stage: Stage, family: str, workers: int, works: tuple[Work, Work]) -> Run:
    """The same by the bare program, started for this run and warmed."""
    warm, work = works
    with (
        bare(stage, family, workers, workshop.directory / "bare.log") as program,
        reading(stage.kafka, program.topic) as reader,
    ):
        warmed = workshop.generator.run(program.url, warm.requests, warm.connections)
        reader.await_records(warmed.count * warm.records)
        return _measured(workshop, program, reader, work)


def _measured(workshop: Workshop, program: Bare, reader: Reader, work: Work) -> Run:
    seen, before, started = reader.seen, cpu_of(program.pids), time.perf_counter()
    load = workshop.generator.run(program.url, work.requests, work.connections)
    records = load.statuses.get(CREATED, 0) * work.records
    reader.await_records(seen + records)
    seconds = time.perf_counter() - started
    return Run(load, records / seconds, {"bare": (cpu_of(program.pids) - before) * 1e6 / max(1, records)})


def _own(run: Run) -> float:
    """The gateway's own processes on the way into Kafka: what the bare program's processes do."""
    return run.cpu_us["intake"] + run.cpu_us["relay"]
