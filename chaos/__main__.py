"""`python -m chaos`: every fault at every step, under load; `kills`: many kills at random moments; `overload`: a flood.

The exit status is 0 when all is green, 1 when something is red, 2 for a usage error.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Sequence

from chaos import page
from chaos.kills import Kills, kill_at_random
from chaos.matrix import Result, Row, a_plant, directory_of_its_own, rows, run_rows
from chaos.overload import Overload, overload

GIB = 1 << 30


def main() -> None:
    """Runs what was asked for, says how it goes on standard error, and what came of it on standard output."""
    chosen = _arguments()
    if chosen.list:
        print("\n".join(f"{row.name:36} {row.said}" for row in rows()))
        return
    green = asyncio.run({"matrix": _matrix, "kills": _kills, "overload": _overload}[chosen.what](chosen))
    if chosen.write_docs:
        page.write_page()
    sys.exit(0 if green else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("matrix", "kills", "overload"), default="matrix")
    parser.add_argument("--quick", action="store_true", help="the rows that CI runs, about two minutes")
    parser.add_argument("--seed", type=int, default=1, help="what is sent, and when what is done to whom")
    parser.add_argument("--only", nargs="+", metavar="FAULT[:STEP]", help="these rows alone")
    parser.add_argument("--count", type=int, default=200, help="how many kills")
    parser.add_argument("--times", type=float, nargs="+", default=(2.0, 10.0), help="overload: of the capacity")
    parser.add_argument("--minutes", type=float, default=2.0, help="overload: how long each of them lasts")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    parser.add_argument("--json", action="store_true", help="the results as JSON on standard output")
    parser.add_argument("--write-docs", action="store_true", help="keep the results and write docs/reliability.md")
    chosen = parser.parse_args()
    chosen.rows = _chosen(parser, chosen)
    return chosen


def _chosen(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> list[Row]:
    wanted: Sequence[str] = chosen.only or []
    known = {name for row in rows() for name in (row.fault, row.name)}
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"there is no row {unknown[0]!r}; --list says which there are")
    return [row for row in rows() if _fits(row, wanted, quick=chosen.quick)]


def _fits(row: Row, wanted: Sequence[str], *, quick: bool) -> bool:
    if wanted:
        return row.fault in wanted or row.name in wanted
    return row.quick or not quick


async def _matrix(chosen: argparse.Namespace) -> bool:
    results: list[Result] = []
    async for result in run_rows(chosen.rows, chosen.seed, _say):
        results.append(result)
        _say(_line(result))
    facts = {"machine": _machine(), "rows": [result.facts() for result in results]}
    if chosen.write_docs:
        page.keep(facts)
    print(json.dumps(facts, ensure_ascii=False) if chosen.json else "\n".join(map(_line, results)))
    return all(result.state != "red" for result in results)


async def _kills(chosen: argparse.Namespace) -> bool:
    async with a_plant(chosen.seed) as run:
        kills: Kills = await kill_at_random(run, chosen.seed, chosen.count, _say)
    facts = {"machine": _machine(), "kills": kills.facts()}
    if chosen.write_docs:
        page.keep(facts)
    print(json.dumps(facts, ensure_ascii=False) if chosen.json else json.dumps(kills.facts(), indent=1))
    return kills.green


async def _overload(chosen: argparse.Namespace) -> bool:
    results: list[Overload] = []
    for times in chosen.times:
        with directory_of_its_own() as directory:
            results.append(await overload(directory, times, 60 * chosen.minutes, chosen.seed, _say))
        _say(json.dumps(results[-1].facts(), indent=1))
    told = [result.facts() for result in results]
    facts = {"machine": _machine(), "overload": told}
    if chosen.write_docs:
        page.keep(facts)
    print(json.dumps(facts, ensure_ascii=False) if chosen.json else page.overloads(told))
    return all(result.green for result in results)


def _line(result: Result) -> str:
    told = f"{result.fault}:{result.step}".ljust(34) + f"{result.state:8}"
    if result.state != "not run":
        told += f"accepted {result.accepted}/{result.sent}, {result.unanswered} unanswered, {result.records} records"
    if result.accepted_after is not None:
        told += f", accepts after {result.accepted_after} s, caught up after {result.caught_up_after} s"
    return "\n    ".join([told, *result.wrong])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, load average {os.getloadavg()[1]:.0f} at the end"


if __name__ == "__main__":
    main()
