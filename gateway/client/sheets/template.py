"""The empty sheet of a family as a workbook: headings in a language, drop-down lists, notes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils.cell import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from gateway.client.sheets.columns import Column, SheetForm
from gateway.client.sheets.values import ValueKind

LINES: Final = 100_001
"""The last row that lists and formats reach."""

_TITLES: Final = {
    "kk": ("Операциялар", "Түсіндірме", "Тізімдер"),
    "ru": ("Операции", "Пояснения", "Списки"),
    "en": ("Operations", "Notes", "Lists"),
}
_FORMATS: Final = {ValueKind.DAY: "DD.MM.YYYY", ValueKind.CLOCK: "HH:MM", ValueKind.TEXT: "@"}
_HEAD: Final = PatternFill("solid", fgColor="DDE7F0")
_NEEDED: Final = " *"
_WIDEST: Final = 40


def write_template(form: SheetForm, path: Path, language: str) -> None:
    """Writes the workbook; the first sheet is the one to fill in."""
    book = Workbook()
    operations, notes, lists = (book.create_sheet(title) for title in _TITLES[language])
    book.remove(book.worksheets[0])
    lists.sheet_state = "hidden"
    for number, column in enumerate(form.columns, 1):
        letter = get_column_letter(number)
        heading = column.names[language] + (_NEEDED if column.attribute in form.required else "")
        head = operations.cell(1, number, heading)
        head.font, head.fill, head.alignment = Font(bold=True), _HEAD, Alignment(wrap_text=True, vertical="top")
        dimension = operations.column_dimensions[letter]
        dimension.width = min(_WIDEST, max(12, len(heading) + 3))
        if column.kind in _FORMATS and not column.table:
            dimension.number_format = _FORMATS[column.kind]
        operations.add_data_validation(_validation(form, column, lists, language, letter))
        for place, text in enumerate((column.names[language], column.attribute, column.notes[language]), 1):
            notes.cell(number, place, text)
    operations.freeze_panes = "A2"
    for letter, width in (("A", 28), ("B", 20), ("C", 90)):
        notes.column_dimensions[letter].width = width
    book.save(path)


def _validation(form: SheetForm, column: Column, lists: Worksheet, language: str, letter: str) -> DataValidation:
    """The list of a column's codes, and the note that is shown at its cells."""
    if column.table:
        names = list(_names(form, column, language))
        place = lists.max_column + 1 if lists.max_row > 1 else 1
        for row, name in enumerate(names, 1):
            lists.cell(row, place, name)
        there = get_column_letter(place)
        title = lists.title
        validation = DataValidation("list", formula1=f"'{title}'!${there}$1:${there}${len(names)}", allow_blank=True)
    else:
        validation = DataValidation(allow_blank=True)
    validation.promptTitle = column.names[language][:32]
    validation.prompt = column.notes[language]
    validation.showInputMessage = True
    validation.showErrorMessage = bool(column.table)
    validation.add(f"{letter}2:{letter}{LINES}")
    return validation


def _names(form: SheetForm, column: Column, language: str) -> Iterator[str]:
    """What the list of a column offers: names, or the codes where the table has none."""
    for entry in form.codes.table(column.table):
        yield entry.names.get(language, entry.code)
