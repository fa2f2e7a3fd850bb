"""The guard: ratios of CPU time, gateway against bare libraries in one run, held against those of the repository.

CPU time and not the clock, ratios and not times: a slow machine or a busy neighbour changes both sides nearly alike.
And the best of several turns: what a neighbour costs one of them is no loss of ours.
"""

import math
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.ceiling.judging import make_judge, make_parser
from bench.corpus.fm1 import Fm1Corpus
from bench.generator import Generator, make_generator, plain_generator
from bench.measures.gaming_verdict import made_batches, verdict_of_batches
from bench.measures.verdict import Step, rate_of, verdict_of
from bench.stage import reading
from bench.whole_path import Work, through_bare, through_gateway
from bench.workshop import Plan, Workshop

RECORDED = Path(__file__).with_name("recorded.toml")
FALL = 1 / 3
"""By how much of its recorded value a ratio may fall."""
TURNS = 5
VERDICTS = 250
MESSAGES = 600
HEAD = """# Ratios of CPU time, bare libraries to gateway, as `python -m bench guard --record` measured them: 1 would be
# as cheap as the bare libraries. `make check` fails when one falls by more than a third.

[ratios]
"""


def main(*, record: bool) -> int:
    """Measures, tells, and returns the exit status: 1 where a ratio has fallen too far."""
    recorded = {} if record else read_recorded(RECORDED)
    measured = measure(recorded)
    if record:
        RECORDED.write_text(written(measured), encoding="utf-8")
        print(f"recorded in {RECORDED}")
        return 0
    for name, ratio in measured.items():
        print(f"guard: {name}: ratio {ratio:.2f}, at least {least(recorded, name):.2f}")
    complaints = compared(measured, recorded)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def compared(measured: Mapping[str, float], recorded: Mapping[str, float]) -> list[str]:
    """A complaint for each ratio that fell by more than a third, is not recorded, or was not measured."""
    complaints = []
    for name in sorted({*measured, *recorded}):
        if name not in recorded:
            complaints.append(f"guard: {name} is not recorded; record it: python -m bench guard --record")
        elif name not in measured:
            complaints.append(f"guard: {name} is recorded and no longer measured; record anew")
        elif measured[name] < least(recorded, name):
            complaints.append(
                f"guard: {name} has fallen to {measured[name]:.2f} from {recorded[name]:.2f}: it needs "
                f"{recorded[name] / measured[name]:.1f} times the CPU that it did, told in bare libraries' work.\n"
                f"  Run it again; then find the cost: `python -m bench --quick --only {name}`, py-spy on the intake.\n"
                "  Where it is meant, record it (`python -m bench guard --record`) and say why in the commit."
            )
    return complaints


def read_recorded(path: Path) -> Mapping[str, float]:
    """The ratios of the repository."""
    ratios: Mapping[str, float] = tomllib.loads(path.read_text(encoding="utf-8"))["ratios"]
    return ratios


def written(ratios: Mapping[str, float]) -> str:
    """The text of the file that holds these ratios."""
    return HEAD + "".join(f'"{name}" = {ratio:.3f}\n' for name, ratio in ratios.items())


def measure(recorded: Mapping[str, float]) -> dict[str, float]:
    """The best ratio of TURNS turns of each kind of work; no more turns than it takes to reach what is recorded."""
    now = datetime.now(UTC)
    with TemporaryDirectory(prefix="gateway-guard-") as place:
        corpus = Fm1Corpus.make(Path(place) / "verdict", now)
        bodies = list(corpus.bodies(VERDICTS))
        turns = {
            "verdict": _in_process(verdict_of(corpus.anchor, now), make_judge("fm1"), bodies),
            "gaming-verdict": _in_process(verdict_of_batches(), make_parser("gaming"), made_batches()),
        }
        ratios = {name: best(turn, least(recorded, name)) for name, turn in turns.items()}
        with _path(Path(place)) as turn:
            return {**ratios, "fm1": best(turn, least(recorded, "fm1"))}


def least(recorded: Mapping[str, float], name: str) -> float:
    """What a ratio may fall to; more than any ratio where it is not recorded."""
    return recorded[name] * (1 - FALL) if name in recorded else math.inf


def best(turn: Callable[[], float], enough: float) -> float:
    """The best of TURNS turns, or of those until one was enough."""
    found = 0.0
    for _ in range(TURNS):
        found = max(found, turn())
        if found >= enough:
            break
    return found


def _in_process(ours: Step, bare: Step, bodies: Sequence[bytes]) -> Callable[[], float]:
    def turn() -> float:
        mine, theirs = (rate_of(step, bodies, time.process_time) for step in (ours, bare))
        return mine / theirs

    turn()
    return turn


@contextmanager
def _path(place: Path) -> Iterator[Callable[[], float]]:
    """The whole path: CPU of the bare program's processes to that of intake and relay, for the same messages."""
    workshop = Workshop(place, Plan(messages=MESSAGES), _generator(place), lambda _line: None)
    try:
        corpus, stage = workshop.fm1()
        warm = Work(corpus.requests(MESSAGES // 4), 1, workshop.plan.connections)
        with reading(stage.kafka, stage.topic) as reader:

            def turn() -> float:
                work = Work(corpus.requests(MESSAGES), 1, workshop.plan.connections)
                mine = through_gateway(workshop, stage, reader, work).cpu_us
                theirs = through_bare(workshop, stage, "fm1", 1, (warm, work)).cpu_us
                return theirs["bare"] / (mine["intake"] + mine["relay"])

            yield turn
    finally:
        workshop.close()


def _generator(place: Path) -> Generator:
    """The machine's own compiler or Python: what the generator costs does not count here."""
    return make_generator(place) if shutil.which("cc") else plain_generator()
