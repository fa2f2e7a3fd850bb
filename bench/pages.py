"""The recorded run, and the pages that show its figures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "bench" / "results" / "recorded.json"
PAGES = (ROOT / "README.md", ROOT / "docs" / "performance.md")


def read_results(path: Path) -> Mapping[str, Any]:
    """The results of a run as it kept them."""
    results: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results
