"""What a workbook says of its sheets: their names and parts, which formats are dates, from which year days count."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from gateway.client.sheets.archive import CONTENT_TYPES, Archive
from gateway.client.sheets.model import SheetLimits, over, refused

_WORKBOOK: Final = "xl/workbook.xml"
_STRINGS: Final = "xl/sharedStrings.xml"
_STYLES: Final = "xl/styles.xml"
_VISIBLE: Final = "visible"
_TRUE: Final = frozenset({"1", "true"})
_BUILTIN: Final = {str(number): code for number, code in BUILTIN_FORMATS.items()}


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheets that are shown, by name with their parts, in their order; `dated` are the styles of dates or times."""

    sheets: dict[str, str]
    dated: frozenset[int]
    counts_from_1904: bool


def read_workbook(archive: Archive, file: str, limits: SheetLimits) -> Workbook:
    """What the workbook says; raises SheetRefused where it is of another kind, names no sheet, or is too much."""
    types = archive.tree(CONTENT_TYPES)
    if types is not None and any("macroEnabled" in kind.get("ContentType", "") for kind in types):
        raise refused("SHT-002", file)
    root = archive.tree(_WORKBOOK)
    if root is None:
        raise refused("SHT-001", file)
    targets = _targets(archive)
    sheets = {}
    named = root.findall(".//{*}sheets/{*}sheet")
    shown = [sheet for sheet in named if sheet.get("state", _VISIBLE) == _VISIBLE]
    for sheet in shown or named:
        part = next((targets.get(str(value)) for name, value in sheet.items() if str(name).endswith("}id")), None)
        if part is not None and part in archive:
            sheets[sheet.get("name", "")] = part
    if not sheets:
        raise refused("SHT-001", file)
    properties = root.find("{*}workbookPr")
    since_1904 = properties is not None and properties.get("date1904", "").lower() in _TRUE
    return Workbook(sheets, _dated(archive, file, limits), since_1904)


def _targets(archive: Archive) -> dict[str, str]:
    relations = archive.tree("xl/_rels/workbook.xml.rels")
    if relations is None:
        return {}
    return {
        relation.get("Id", ""): posixpath.normpath(posixpath.join("/xl", relation.get("Target", ""))).lstrip("/")
        for relation in relations
        if relation.get("TargetMode") != "External"
    }


def _dated(archive: Archive, file: str, limits: SheetLimits) -> frozenset[int]:
    """The styles that show a date: formats are held against their bounds first, for a long one takes ever longer."""
    styles = archive.tree(_STYLES)
    if styles is None:
        return frozenset()
    named = styles.iterfind("{*}numFmts/{*}numFmt")
    own = {one.get("numFmtId", ""): code for one in named if (code := one.get("formatCode", ""))}
    if len(own) > limits.formats:
        raise over("formats", limits.formats, file)
    if any(len(code) > limits.format for code in own.values()):
        raise over("format", limits.format, file)
    dates = {number for number, code in {**_BUILTIN, **own}.items() if is_date_format(code)}
    formats = [style.get("numFmtId", "0") for style in styles.iterfind("{*}cellXfs/{*}xf")]
    return frozenset(place for place, number in enumerate(formats) if number in dates)


def shared_strings(archive: Archive, file: str, limits: SheetLimits) -> list[str]:
    """The texts that cells refer to by their number."""
    reader = _Strings(limits, file)
    feed(reader.parser, archive.chunks(_STRINGS), file, _STRINGS)
    return reader.strings


class _Strings:
    """Gathers the texts of `si` elements, reading aids (`rPh`) aside; equal ones are one object."""

    def __init__(self, limits: SheetLimits, file: str) -> None:
        self.strings: list[str] = []
        self.parser = safe_parser(file, _STRINGS)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._limits = limits
        self._file = file
        self._pieces: list[str] = []
        self._known: dict[str, str] = {}
        self._length = 0
        self._own = 0
        self._aside = 0
        self._inside = False

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if name.endswith(" rPh"):
            self._aside += 1
        self._inside = name.endswith(" t") and not self._aside

    def _text(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            self._own += len(text)
            if self._length > self._limits.strings:
                raise over("strings", self._limits.strings, self._file)
            if self._own > self._limits.cell:
                raise over("cell", self._limits.cell, self._file)
            self._pieces.append(text)

    def _end(self, name: str) -> None:
        self._inside = False
        if name.endswith(" rPh"):
            self._aside -= 1
        elif name.endswith(" si"):
            if len(self.strings) >= self._limits.strings // 16:
                raise over("strings", self._limits.strings // 16, self._file)
            text = "".join(self._pieces)
            self.strings.append(self._known.setdefault(text, text))
            self._pieces.clear()
            self._own = 0


def safe_parser(file: str, part: str) -> expat.XMLParserType:
    """A parser that names elements `namespace name` and refuses a DTD, and so every entity."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise refused("SHT-005", file, {"part": part})

    parser.StartDoctypeDeclHandler = refuse
    return parser


def feed(parser: expat.XMLParserType, chunks: Iterable[bytes], file: str, part: str) -> None:
    """Gives the parser a whole part, nothing where it is empty; raises SheetRefused where it is no XML."""
    some = False
    try:
        for chunk in chunks:
            some = True
            parser.Parse(chunk, False)
        if some:
            parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise refused("SHT-005", file, {"part": part}) from error
