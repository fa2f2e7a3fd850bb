"""Results as text: on the terminal, and as the tables of the documentation."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.goals import Held, figures_of, held, load_goals

BEGIN, END = "<!-- figures: ", "<!-- end of figures -->"
SHORT = {
    "verdict": "verdict of one FM-1",
    "fm1.readable": "FM-1, 14 KB, each signed, HTTP in to readable in Kafka",
    "latency.0.5.p99": "time to the receipt at half load, p99",
    "latency.0.5.p99.9": "time to the receipt at half load, p99.9",
    "memory.load": "an intake's process under full load",
    "consumer": "consumer SDK: read and verified",
    "journal": "`verify journal`",
    "gaming.readable": "gaming events, signed batches of 500, HTTP in to readable in Kafka",
    "metals.readable": "lines of jewellers' reports, HTTP in to readable in Kafka",
    "codes.issue": "unique codes issued one by one",
    "codes.check": "unique codes checked",
    "relay": "relay, catching up",
}
"""The figures of the short table, and what they are called in it."""
BARE = "bare libraries"
LARGE, MIDDLE = 1_000, 10


def number(value: float) -> str:
    """A figure with about three digits that mean something, thousands set apart by a space."""
    if abs(value) >= LARGE:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if abs(value) >= 10 * MIDDLE else f"{value:.1f}" if abs(value) >= MIDDLE else f"{value:.2f}"


def told(results: Mapping[str, Any]) -> str:
    """Everything, for the terminal."""
    lines = [f"measured {results['at']}", *_conditions(results), ""]
    for name, measure in results["measures"].items():
        lines.append(name if not measure["skipped"] else f"{name}: skipped: {measure['skipped']}")
        lines += [f"  {_line(figure)}" for figure in measure["figures"]]
        lines += [f"  FAULT: {fault}" for fault in measure["faults"]]
    lines += ["", "goals", *(f"  {each.verdict:12} {each.goal.says}{_found(each)}" for each in _held(results))]
    return "\n".join(lines)


def table(results: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """The figures as a table in Markdown: all, or those that are given a name here, by that name."""
    lines = ["| figure | unit | gateway | ± | ceiling | ratio |", "|---|---|---:|---:|---:|---:|"]
    for figure in figures_of(results):
        if names is None or figure["name"] in names:
            bare, ratio = figure["bare"], figure["ratio"]
            name = figure["name"] if names is None else names[figure["name"]]
            cells = [
                name if figure["against"] == BARE else f"{name} ({figure['against']})",
                figure["unit"],
                number(figure["gateway"]["median"]),
                _noise(figure["gateway"]),
                number(bare["median"]) if bare else "",
                f"{ratio:.2f}" if ratio is not None else "",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def goals_table(results: Mapping[str, Any]) -> str:
    """The goals and whether they were met, as a table in Markdown."""
    lines = ["| goal | measured | |", "|---|---|---|"]
    lines += [f"| {each.goal.says} | {_found(each).strip(': ')} | {each.verdict} |" for each in _held(results)]
    return "\n".join(lines)


def conditions(results: Mapping[str, Any]) -> str:
    """Machine, versions and noise, as a list in Markdown."""
    return "\n".join(f"* {line}" for line in [f"measured {results['at']}", *_conditions(results)])


def skipped(results: Mapping[str, Any]) -> str:
    """What was not measured, and why, and what was wrong; as a list in Markdown."""
    lines = [f"* {name}: {each['skipped']}" for name, each in results["measures"].items() if each["skipped"]]
    lines += [f"* **wrong**: {fault}" for each in results["measures"].values() for fault in each["faults"]]
    return "\n".join(lines) or "* nothing was skipped, and nothing was found wrong"


def sections(results: Mapping[str, Any]) -> Mapping[str, str]:
    """The generated parts of the documentation by name."""
    return {
        "conditions": conditions(results),
        "goals": goals_table(results),
        "all": table(results),
        "short": table(results, SHORT),
        "skipped": skipped(results),
    }


def filled(text: str, parts: Mapping[str, str]) -> str:
    """A page with each generated part between its markers; raises KeyError for a part that is not known."""
    out, skipping = [], False
    for line in text.split("\n"):
        if line == END:
            skipping = False
        if not skipping:
            out.append(line)
        if line.startswith(BEGIN):
            out += parts[line.removeprefix(BEGIN).removesuffix(" -->")].split("\n")
            skipping = True
    return "\n".join(out)


def write_pages(results: Mapping[str, Any], pages: Sequence[Path]) -> None:
    """Fills the generated parts of pages."""
    parts = sections(results)
    for page in pages:
        page.write_text(filled(page.read_text(encoding="utf-8"), parts), encoding="utf-8")


def _conditions(results: Mapping[str, Any]) -> Iterator[str]:
    machine, load = results["machine"], results["load_before"]
    yield f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"
    yield ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    yield (
        f"before the run: load average {load['load_1m']:.2f} (1 min), {load['load_5m']:.2f} (5 min), "
        f"{load['busy_percent']:.0f} % of the cores busy"
    )
    yield f"load generator: {results['generator']}"
    plan = results["plan"]
    yield f"repeats: {plan['repeats']}, each of {plan['messages']} FM-1s; latencies of {plan['latency_seconds']:.0f} s"
    yield "each figure is the median of the repeats, ± is half of their range; without ± it was measured once"


def _line(figure: Mapping[str, Any]) -> str:
    gateway, bare, ratio = figure["gateway"], figure["bare"], figure["ratio"]
    text = f"{figure['name']:28} {number(gateway['median']):>10} {figure['unit']:22} {_noise(gateway):>6}"
    if bare and ratio is not None:
        text += f"   ceiling {number(bare['median']):>10} {_noise(bare):>6}   ratio {ratio:.2f}"
    return text if figure["against"] == BARE else f"{text}   ({figure['against']})"


def _noise(spread: Mapping[str, Any]) -> str:
    return f"{spread['noise'] * 100:.0f} %" if len(spread["values"]) > 1 else ""


def _held(results: Mapping[str, Any]) -> list[Held]:
    return held(results, load_goals())


def _found(each: Held) -> str:
    """The measured value that decides: the worst of the matching ones."""
    if not each.figures:
        return ""
    if each.goal.ratio is not None:
        return f": {min(figure['ratio'] or 0.0 for figure in each.figures):.2f}"
    values = [figure["gateway"]["median"] for figure in each.figures]
    return f": {number(min(values) if each.goal.least is not None else max(values))} {each.figures[0]['unit']}"
