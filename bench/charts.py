"""One HTML page with SVG charts of a run's results."""

import html
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle

from bench.goals import figures_of
from bench.report import told

# pygal puts an importer of an old kind among Python's own, which then warns of it at every import of anything.
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != pygal.__name__]

STYLE = CleanStyle(font_family="sans-serif", background="white", plot_background="white")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>FMA gateway: benchmark</title>
<style>body{{font-family:sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
figure{{display:inline-block;width:48%;margin:0}}pre{{overflow:auto;font-size:.8rem}}</style></head>
<body><h1>FMA gateway: benchmark</h1>
{charts}
<h2>All figures</h2><pre>{text}</pre></body></html>
"""


def write_page(results: Mapping[str, Any], path: Path) -> None:
    """Writes the page; it needs nothing but itself."""
    charts = "\n".join(f"<figure>{chart}</figure>" for chart in _charts(results))
    path.write_text(PAGE.format(charts=charts, text=html.escape(told(results))), encoding="utf-8")


def _charts(results: Mapping[str, Any]) -> Iterator[str]:
    by_unit: dict[str, list[Mapping[str, Any]]] = {}
    for figure in figures_of(results):
        by_unit.setdefault(figure["unit"], []).append(figure)
    for unit, figures in by_unit.items():
        chart = _bars(unit, [figure["name"] for figure in figures])
        chart.add("gateway", [figure["gateway"]["median"] for figure in figures])
        if any(figure["bare"] for figure in figures):
            chart.add("ceiling", [figure["bare"] and figure["bare"]["median"] for figure in figures])
        yield _svg(chart)
    ratios = [figure for figure in figures_of(results) if figure["ratio"] is not None]
    if ratios:
        chart = _bars("ratio to the ceiling", [figure["name"] for figure in ratios])
        chart.add("gateway", [figure["ratio"] for figure in ratios])
        yield _svg(chart)


def _bars(title: str, labels: list[str]) -> pygal.HorizontalBar:
    height = 120 + 44 * len(labels)
    chart = pygal.HorizontalBar(style=STYLE, height=height, legend_at_bottom=True, js=[], explicit_size=False)
    chart.title = title
    chart.x_labels = labels
    chart.value_formatter = lambda value: f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
    return chart


def _svg(chart: pygal.HorizontalBar) -> str:
    return chart.render(is_unicode=True, disable_xml_declaration=True)
