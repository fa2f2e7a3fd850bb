"""The label of a code, to be printed: a QR code that is verified off line, the code in groups, its class."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Literal

import segno

from codes.manifest import LANGUAGES
from gateway.journal.luxury_rows import CodeRow
from gateway.luxury.drawing import Drawing, text_width
from validators.luxury.items import LuxuryTables
from validators.luxury.unique_codes import UniqueCode
from validators.values import local

Form = Literal["svg", "pdf"]
LABEL_TYPES: Mapping[str, str] = MappingProxyType({"svg": "image/svg+xml", "pdf": "application/pdf"})
"""The media type of each form."""
WIDTH, HEIGHT, MARGIN = 100.0, 50.0, 3.0
QR_SIDE = HEIGHT - 2 * MARGIN
QUIET = 4
_TEXT_AT = MARGIN + QR_SIDE + MARGIN
_TEXT_WIDTH = WIDTH - _TEXT_AT - MARGIN
_LINE, _LARGEST_TEXT, _LARGEST_CODE = 3.6, 3.0, 5.4


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What stands on a label; `scanned` is the text of the QR code."""

    code: UniqueCode
    item_class: str
    issued: date
    scanned: str


def scanned_text(url: str, code: str, jws: str) -> str:
    """What a scan gives: the address at which anybody checks the code, and behind `#` the JWS for off line."""
    return f"{url}/v1/luxury/codes/{code}#{jws}"


def jws_in(scanned: str) -> str:
    """The JWS in what a scan gave, or the text itself where it is the JWS alone."""
    return scanned.strip().rpartition("#")[2]


def label(jws: str, row: CodeRow, tables: LuxuryTables, url: str, form: Form) -> bytes:
    """The label of an issued code as a file of that form."""
    scanned = scanned_text(url, row.code, jws)
    facts = LabelFacts(UniqueCode(row.code), row.item_class or "", local(row.at).date(), scanned)
    return draw_label(facts, tables, form)


def draw_label(facts: LabelFacts, tables: LuxuryTables, form: Form) -> bytes:
    """The label of those facts as a file of that form, its words in three languages from the code tables."""
    drawing = Drawing(WIDTH, HEIGHT, facts.code.grouped)
    _draw_qr(drawing, facts.scanned)
    place = MARGIN + _LINE
    for line in _names(tables, "luxury_code_kinds", facts.code.kind.value):
        _write(drawing, place, line, _LARGEST_TEXT)
        place += _LINE
    place += _LINE
    _write(drawing, place, facts.code.grouped, _LARGEST_CODE)
    place += 2 * _LINE
    for line in _names(tables, "luxury_classes", facts.item_class):
        _write(drawing, place, line, _LARGEST_TEXT)
        place += _LINE
    issued = " / ".join(_names(tables, "luxury_code_states", "issued"))
    _write(drawing, HEIGHT - MARGIN, f"{issued}: {facts.issued:%d.%m.%Y}", _LARGEST_TEXT)
    return drawing.svg() if form == "svg" else drawing.pdf()


def _draw_qr(drawing: Drawing, scanned: str) -> None:
    matrix = segno.make(scanned, error="m", micro=False).matrix
    module = QR_SIDE / (len(matrix) + 2 * QUIET)
    for row, modules in enumerate(matrix):
        start = None
        for column, dark in enumerate((*modules, 0)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                x, y = MARGIN + (start + QUIET) * module, MARGIN + (row + QUIET) * module
                drawing.rectangle(x, y, (column - start) * module, module)
                start = None


def _write(drawing: Drawing, y: float, text: str, largest: float) -> None:
    drawing.text(_TEXT_AT, y, min(largest, _TEXT_WIDTH / max(text_width(text, 1.0), 1.0)), text)


def _names(tables: LuxuryTables, table: str, code: str) -> list[str]:
    """The names in three languages, each once: some are the same in two."""
    return list(dict.fromkeys(tables.name_of(table, code, lang) for lang in LANGUAGES))
