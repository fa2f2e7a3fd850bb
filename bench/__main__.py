"""`python -m bench`: the gateway against bare libraries in the same run; text, JSON and a page with charts.

Without a command it measures. `guard` holds ratios against those of the repository, `pages` writes the recorded run's
figures into the documentation, `requests` and `load` serve whoever tries another load generator. Exit status: 0, or 1
where something was lost, doubled, unverified or refused, or a ratio has fallen, or 2 where it could not begin.
"""

import argparse
import dataclasses
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import SubprocessError
from tempfile import TemporaryDirectory

from bench import guard, trying
from bench.capacity import write_scale
from bench.charts import write_page
from bench.generator import make_generator, plain_generator
from bench.pages import PAGES, RECORDED, read_results
from bench.report import told, write_pages
from bench.running import MEASURES, run
from bench.workshop import QUICK, Plan
from gateway.errors import GatewayError
from gateway.logs import configure_logging

RESULTS = Path(__file__).parent / "results"


def main(given: Sequence[str] | None = None) -> int:
    """The exit status; 2 with the reason on standard error where nothing could be done."""
    chosen = parser().parse_args(given)
    configure_logging(logging.WARNING)
    signal.signal(signal.SIGTERM, _end)
    try:
        return _done(chosen)
    except (GatewayError, OSError, RuntimeError, SubprocessError) as error:
        _tell(f"bench: {error}")
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _done(chosen: argparse.Namespace) -> int:
    if chosen.command == "guard":
        return guard.main(record=chosen.record)
    if chosen.command == "pages":
        write_pages(read_results(RECORDED), PAGES)
        write_scale()
        return 0
    if chosen.command == "requests":
        trying.write_requests_for(chosen.dir, chosen.count, chosen.file)
        return 0
    if chosen.command == "load":
        print(json.dumps(trying.load(chosen.url, chosen.file, chosen.links, chosen.rate), indent=1))
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
    changes = {name: getattr(chosen, name) for name in ("repeats", "connections", "messages", "backlog", "large_mb")}
    if chosen.stored is not None:
        changes["stored"] = tuple(chosen.stored)
    return dataclasses.replace(plan, **{name: value for name, value in changes.items() if value is not None})


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="about five minutes: fewer messages, fewer repeats")
    options.add_argument("--only", nargs="+", choices=MEASURES, metavar="MEASURE", help=f"of {', '.join(MEASURES)}")
    options.add_argument("--json", action="store_true", help="the results as JSON on standard output")
    options.add_argument("--out", type=Path, help="where the JSON goes; the page lies beside it")
    options.add_argument("--repeats", type=_positive, help="runs of each measure")
    options.add_argument("--connections", type=_positive, help="of the closed loop")
    options.add_argument("--messages", type=_positive, help="FM-1s of one run")
    options.add_argument("--backlog", type=_positive, help="entries that the relay has to catch up with")
    options.add_argument("--stored", type=_count, nargs="+", help="entries stored for the measure of growth")
    options.add_argument("--large-mb", type=_positive, help="size of the large batch")
    options.add_argument("--python-generator", action="store_true", help="the generator that needs no compiler")
    commands = options.add_subparsers(dest="command", metavar="COMMAND")
    guarding = commands.add_parser("guard", help="hold ratios of CPU time against bench/recorded.toml")
    guarding.add_argument("--record", action="store_true", help="write the ratios of this run into it")
    requesting = commands.add_parser("requests", help="write signed FM-1s that a running stack takes into a file")
    requesting.add_argument("count", type=_positive)
    requesting.add_argument("file", type=Path)
    requesting.add_argument("--dir", type=Path, default=Path(".local"), help="the stack's directory")
    loading = commands.add_parser("load", help="send the requests of a file, each once, and tell what was seen")
    loading.add_argument("url")
    loading.add_argument("file", type=Path)
    loading.add_argument("--connections", type=_positive, default=64, dest="links")
    loading.add_argument("--rate", type=float, default=0.0, help="a second (open loop); 0: as they are answered")
    commands.add_parser("pages", help="write the figures of bench/results/recorded.json into README and docs")
    return options


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("at least 0")
    return value


def _end(_signal: int, _frame: object) -> None:
    """Ends as an interrupt does, so that whatever was started is stopped."""
    raise SystemExit(128 + signal.SIGTERM)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
