"""What every measure needs: where to work, how much to do, the load generator, and the stack of its stage."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.corpus.fm1 import Fm1Corpus
from bench.corpus.metals import MetalsCorpus
from bench.generator import Generator
from bench.stage import Stage, staged

FM1_TOPIC = "fma.fm1.threshold.v1"
METALS_TOPIC = "fma.precious-metals.v1"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done. Quantities are of one repeat; `stored` are the entries of the measure of growth."""

    repeats: int = 5
    connections: int = 64
    messages: int = 10_000
    gaming_batches: int = 20
    metals_reports: int = 15
    latency_seconds: float = 60.0
    verdicts: int = 500
    backlog: int = 1_000_000
    codes_stored: int = 1_000_000
    wishes: int = 10_000
    spooled_events: int = 100_000
    stored: tuple[int, ...] = (0, 1_000_000, 10_000_000)
    ceiling_workers: tuple[int, ...] = (1, 2)
    large_mb: int = 1_000


QUICK = Plan(
    repeats=3,
    messages=3_000,
    gaming_batches=5,
    metals_reports=4,
    latency_seconds=8.0,
    verdicts=300,
    backlog=50_000,
    codes_stored=100_000,
    wishes=2_000,
    spooled_events=20_000,
    stored=(0, 100_000),
    large_mb=100,
)


@dataclass
class Workshop:
    """The parts and, once something of it is known, the capacity of the whole path in FM-1s a second."""

    directory: Path
    plan: Plan
    generator: Generator
    tell: Callable[[str], None]
    capacity: float | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    _fm1: tuple[Fm1Corpus, Stage] | None = None

    def fm1(self) -> tuple[Fm1Corpus, Stage]:
        """The stage of all measures that file FM-1s, with their corpus; started when first asked for."""
        if self._fm1 is None:
            corpus = Fm1Corpus.make(self.directory / "fm1", datetime.now(UTC))
            self.tell("starting a stack for FM-1s")
            stage = self._open.enter_context(staged(self.directory / "fm1-stack", FM1_TOPIC, corpus))
            self._fm1 = corpus, stage
            self.file(200)
        return self._fm1

    def file(self, count: int, rate: float = 0.0) -> None:
        """Files new FM-1s on that stage, and returns when all can be read from Kafka."""
        corpus, stage = self.fm1()
        requests = corpus.requests(count)
        load = self.generator.run(stage.url, requests, self.plan.connections, rate)
        requests.unlink()
        stage.accepted(load.statuses.get(201, 0), load.statuses.get(201, 0))
        stage.await_published()

    def close_fm1(self) -> list[str]:
        """Checks and ends the stage of the FM-1s, if it was started; what was wrong with it."""
        if self._fm1 is None:
            return []
        self.tell("checking: accepted = in the log = in Kafka exactly once, seals valid")
        faults = self._fm1[1].faults()
        self.close()
        return faults

    def close(self) -> None:
        """Ends whatever was started."""
        self._open.close()
        self._fm1 = None

    def metals(self) -> MetalsCorpus:
        """A corpus of jewellers' reports."""
        return MetalsCorpus.make(self.directory / "metals", datetime.now(UTC))
