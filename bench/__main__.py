"""`python -m bench`: the gateway against bare libraries in the same run; text, JSON and a page with charts.

`python -m bench` measures, `python -m bench guard` holds ratios against those of the repository, `python -m bench
pages` writes the recorded run's figures into the documentation. Exit status: 0, or 1 where something was lost,
doubled, unverified or refused, or a ratio has fallen.
"""

import argparse
import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import guard
from bench.charts import write_page
from bench.generator import make_generator, plain_generator
from bench.pages import PAGES, RECORDED, read_results
from bench.report import told, write_pages
from bench.running import MEASURES, run
from bench.workshop import QUICK, Plan
from gateway.logs import configure_logging

RESULTS = Path(__file__).parent / "results"


def main(given: Sequence[str] | None = None) -> int:
    """The exit status."""
    chosen = _parser().parse_args(given)
    configure_logging(logging.WARNING)
    if chosen.command == "guard":
        return guard.main(record=chosen.record)
    if chosen.command == "pages":
        write_pages(read_results(RECORDED), PAGES)
        return 0
    return _measure(chosen)


def _measure(chosen: argparse.Namespace) -> int:
    names = chosen.only or list(MEASURES)
    with TemporaryDirectory(prefix="gateway-bench-") as place:
        generator = plain_generator() if chosen.python_generator else make_generator(Path(place))
        results = run(Path(place), plan_of(chosen), generator, names, _tell)
    path = chosen.out or RESULTS / "latest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    write_page(results, path.with_suffix(".html"))
    print(text if chosen.json else told(results))
    _tell(f"kept in {path} and {path.with_suffix('.html')}")
    return 1 if any(measure["faults"] for measure in results["measures"].values()) else 0


def plan_of(chosen: argparse.Namespace) -> Plan:
    """The plan that the options ask for."""
    plan = QUICK if chosen.quick else Plan()
    changes = {name: getattr(chosen, name) for name in ("repeats", "connections", "messages", "backlog", "large_mib")}
    if chosen.stored is not None:
        changes["stored"] = tuple(chosen.stored)
    return dataclasses.replace(plan, **{name: value for name, value in changes.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="about five minutes: fewer messages, fewer repeats")
    parser.add_argument("--only", nargs="+", choices=MEASURES, metavar="MEASURE", help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--json", action="store_true", help="the results as JSON on standard output")
    parser.add_argument("--out", type=Path, help="where the JSON goes; the page lies beside it")
    parser.add_argument("--repeats", type=_positive, help="runs of each measure")
    parser.add_argument("--connections", type=_positive, help="of the closed loop")
    parser.add_argument("--messages", type=_positive, help="FM-1s of one run")
    parser.add_argument("--backlog", type=_positive, help="entries that the relay has to catch up with")
    parser.add_argument("--stored", type=int, nargs="+", help="entries stored for the measure of growth")
    parser.add_argument("--large-mib", type=_positive, help="size of the large batch")
    parser.add_argument("--python-generator", action="store_true", help="the generator that needs no compiler")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    guarding = commands.add_parser("guard", help="hold ratios of CPU time against bench/recorded.toml")
    guarding.add_argument("--record", action="store_true", help="write the ratios of this run into it")
    commands.add_parser("pages", help="write the figures of bench/results/recorded.json into README and docs")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
