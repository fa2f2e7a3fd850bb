"""What a cell says, as the text of an attribute; or what is wrong with the cell."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from gateway.client.sheets.model import Cell, CellKind
from validators.faults import Flaw

_LOCAL_DAY: Final = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", re.ASCII)
_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(:[0-5][0-9])?", re.ASCII)
_PLAIN: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_COMMA: Final = re.compile(r"-?[0-9]+,[0-9]+", re.ASCII)
_GROUPED: Final = re.compile(r"-?[0-9]{1,3}([ \u00a0\u202f][0-9]{3})+([.,][0-9]+)?", re.ASCII)
_SPACES: Final = re.compile(r"[ \u00a0\u202f]")
_NEVER: Final = {
    CellKind.FORMULA: Flaw("SHT-010"),
    CellKind.ERROR: Flaw("SHT-016"),
    CellKind.BOOLEAN: Flaw("SHT-016"),
}
_COMMA_IS_POINT: Final = frozenset({";", "\t"})


class ValueKind(StrEnum):
    """What the cells of a column hold."""

    DAY = "day"
    CLOCK = "clock"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads the cells of one column; `codes` are the codes of its list by what may be written for them, in capitals.

    `delimiter` is that of a CSV file, where a comma may stand for a decimal point, empty for a workbook.
    """

    kind: ValueKind
    codes: Mapping[str, str]
    delimiter: str = ""
    counts_from_1904: bool = False

    def read(self, cell: Cell) -> str | Flaw:
        """The text, or what is wrong with the cell."""
        never = _NEVER.get(cell.kind)
        if never is not None:
            return never
        if self.kind is ValueKind.DAY:
            return self._day(cell)
        if self.kind is ValueKind.CLOCK:
            return _clock(cell)
        if cell.kind is CellKind.DATE:
            return Flaw("SHT-017")
        if self.kind is ValueKind.NUMBER:
            return self._number(cell)
        return self.codes.get(cell.text.upper(), cell.text)

    def _day(self, cell: Cell) -> str | Flaw:
        if cell.kind is CellKind.DATE:
            day = cell.text.partition("T")[0]
            if self.counts_from_1904:
                return Flaw("SHT-014")
            return day if _ISO_DAY.fullmatch(day) else Flaw("SHT-013")
        if cell.kind is CellKind.NUMBER:
            return Flaw("SHT-013")
        return _written_day(cell.text) if cell.kind is CellKind.RAW else Flaw("SHT-012")

    def _number(self, cell: Cell) -> str | Flaw:
        text = cell.text
        if cell.kind is CellKind.NUMBER or _PLAIN.fullmatch(text):
            return text
        if self.delimiter in _COMMA_IS_POINT:
            if _GROUPED.fullmatch(text):
                text = _SPACES.sub("", text)
            if _COMMA.fullmatch(text) or _PLAIN.fullmatch(text):
                return text.replace(",", ".")
        return Flaw("SHT-015")


def _written_day(text: str) -> str | Flaw:
    """A day of a CSV file: 2026-11-28 or 28.11.2026."""
    local = _LOCAL_DAY.fullmatch(text)
    written = f"{local[3]}-{local[2]}-{local[1]}" if local is not None else text
    if _ISO_DAY.fullmatch(written) is None:
        return Flaw("SHT-018")
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        return Flaw("SHT-018")


def _clock(cell: Cell) -> str | Flaw:
    if cell.kind is CellKind.NUMBER:
        return Flaw("SHT-019")
    text = cell.text.rpartition("T")[2] if cell.kind is CellKind.DATE else cell.text
    match = _CLOCK.fullmatch(text)
    if match is None:
        return Flaw("SHT-019")
    seconds = match[3] or ""
    return f"{match[1]:0>2}:{match[2]}{'' if seconds == ':00' else seconds}"
