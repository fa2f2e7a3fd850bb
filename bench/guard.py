"""The guard: ratios of CPU time, gateway against bare libraries in one run, held against those of the repository.

CPU time and not the clock, ratios and not times, and the best of several turns: a busy neighbour or a slow machine
changes both sides alike.
"""

import shutil
import time
import tomllib
from collections.abc import Mapping, Sequence
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
TURNS = 3
VERDICTS = 250
MESSAGES = 600
HEAD = """# Ratios of CPU time, bare libraries to gateway, as `python -m bench guard --record` measured them: 1 would be
# as cheap as the bare libraries. `make check` fails when one falls by more than a third.

[ratios]
"""


def main(*, record: bool) -> int:
    """Measures, tells, and returns the exit status: 1 where a ratio has fallen too far."""
    measured = measure()
    if record:
        RECORDED.write_text(written(measured), encoding="utf-8")
        print(f"recorded in {RECORDED}")
        return 0
    recorded = read_recorded(RECORDED)
    for name, ratio in measured.items():
        print(f"guard: {name}: ratio {ratio:.2f}, recorded {recorded.get(name, 0.0):.2f}")
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
        elif measured[name] < recorded[name] * (1 - FALL):
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


def measure() -> dict[str, float]:
    """The best ratio of TURNS turns, for each kind of work."""
    now = datetime.now(UTC)
    with TemporaryDirectory(prefix="gateway-guard-") as place:
        corpus = Fm1Corpus.make(Path(place) / "verdict", now)
        bodies = list(corpus.bodies(VERDICTS))
        return {
            "verdict": _best(verdict_of(corpus.anchor, now), make_judge("fm1"), bodies),
            "gaming-verdict": _best(verdict_of_batches(), make_parser("gaming"), made_batches()),
            "fm1": _path(Path(place)),
        }


def _best(ours: Step, bare: Step, bodies: Sequence[bytes]) -> float:
    turns = []
    for _ in range(TURNS + 1):
        mine, theirs = (rate_of(step, bodies, time.process_time) for step in (ours, bare))
        turns.append(mine / theirs)
    return max(turns[1:])


def _path(place: Path) -> float:
    """The whole path: CPU of the bare program's processes to that of intake and relay, for the same messages."""
    workshop = Workshop(place, Plan(messages=MESSAGES), _generator(place), lambda _line: None)
    try:
        corpus, stage = workshop.fm1()
        warm = Work(corpus.requests(MESSAGES // 4), 1, workshop.plan.connections)
        ratios = []
        with reading(stage.kafka, stage.topic) as reader:
            for _ in range(TURNS):
                work = Work(corpus.requests(MESSAGES), 1, workshop.plan.connections)
                mine = through_gateway(workshop, stage, reader, work).cpu_us
                theirs = through_bare(workshop, stage, "fm1", 1, (warm, work)).cpu_us
                ratios.append(theirs["bare"] / (mine["intake"] + mine["relay"]))
        return max(ratios)
    finally:
        workshop.close()


def _generator(place: Path) -> Generator:
    """The machine's own compiler or Python: what the generator costs does not count here."""
    return make_generator(place) if shutil.which("cc") else plain_generator()
