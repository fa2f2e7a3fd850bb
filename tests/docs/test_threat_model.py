"""The threat model names a test for each of its lines, and each of them exists."""

import ast
import re
from pathlib import Path

PAGE = Path("docs/explanation/threat-model.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
STRIDE = {"S", "T", "R", "I", "D", "E"}


def rows() -> list[list[str]]:
    """The cells of every line of every table, headings left out."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [cells for cells in split if cells[1] != "threat" and set(cells[0]) != {"-"}]


def functions_of(path: str) -> set[str]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_line_has_its_letter_a_defence_and_a_test() -> None:
    table = rows()
    assert len(table) > 40
    for cells in table:
        assert len(cells) == 4
        assert cells[0] in STRIDE
        assert all(cells)
        assert NAMED.search(cells[3]), cells


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = [match for cells in rows() for match in NAMED.findall(cells[3])]
    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    assert missing == []
