"""Drawings of filled shapes in millimetres, as SVG and as PDF; text is drawn as outlines, so that no font is needed.

The outlines are those of DejaVu Sans (`data/glyphs-licence.txt`): Latin, Cyrillic and the letters of Kazakh, in
thousandths of the size, with the y axis upwards. In a drawing it points downwards.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

MISSING = "?"
_EM = 1000
_POINTS_A_MILLIMETRE = 72 / 25.4
_DIGITS = 3

Command = tuple[str, tuple[float, ...]]
"""`M`, `L`, `C` or `Z` with its coordinates."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character: how far it moves the pen, and its outline."""

    advance: int
    outline: tuple[Command, ...]


@dataclass(slots=True)
class Drawing:
    """A page of that size with black shapes on it; `title` is for whoever can't see it."""

    width: float
    height: float
    title: str
    commands: list[Command] = field(default_factory=list)

    def rectangle(self, x: float, y: float, width: float, height: float) -> None:
        """Fills a rectangle."""
        self.commands += [
            ("M", (x, y)),
            ("L", (x + width, y)),
            ("L", (x + width, y + height)),
            ("L", (x, y + height)),
            ("Z", ()),
        ]

    def text(self, x: float, y: float, size: float, text: str) -> None:
        """Writes one line from its left end on the base line."""
        scale = size / _EM
        for glyph in _glyphs_of(text):
            for name, numbers in glyph.outline:
                placed = [
                    y - number * scale if place % 2 else x + number * scale for place, number in enumerate(numbers)
                ]
                self.commands.append((name, tuple(placed)))
            x += glyph.advance * scale

    def svg(self) -> bytes:
        """The drawing as an SVG image."""
        path = "".join(name + " ".join(map(_number, numbers)) for name, numbers in self.commands)
        size = f'width="{_number(self.width)}mm" height="{_number(self.height)}mm"'
        box = f'viewBox="0 0 {_number(self.width)} {_number(self.height)}"'
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img">'
            f'<title>{self.title}</title><rect width="100%" height="100%" fill="#fff"/><path d="{path}"/></svg>\n'
        ).encode()

    def pdf(self) -> bytes:
        """The drawing as a PDF document of one page."""
        scale = _POINTS_A_MILLIMETRE
        width, height = _number(self.width * scale), _number(self.height * scale)
        operators = {"M": "m", "L": "l", "C": "c", "Z": "h"}
        shapes = (" ".join((*map(_number, numbers), operators[name])) for name, numbers in self.commands)
        drawn = "\n".join((f"{_number(scale)} 0 0 {_number(-scale)} 0 {height} cm", *shapes, "f"))
        content = zlib.compress(drawn.encode("ascii"), 9)
        return _document(
            [
                b"<</Type/Catalog/Pages 2 0 R>>",
                b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                f"<</Type/Page/Parent 2 0 R/Resources<<>>/MediaBox[0 0 {width} {height}]/Contents 4 0 R>>".encode(),
                b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(content), content),
            ],
            self.title,
        )


def text_width(text: str, size: float) -> float:
    """How wide a line of that size is."""
    return sum(glyph.advance for glyph in _glyphs_of(text)) * size / _EM


def _document(objects: list[bytes], title: str) -> bytes:
    """The objects as a PDF file, numbered from 1, the first of them its catalogue."""
    written = [*objects, f"<</Title<{title.encode('utf-16').hex()}>>>".encode("ascii")]
    document, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(written, 1):
        places.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(written) + 1
    trailer = b"trailer\n<</Size %d/Root 1 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        len(written),
        len(document),
    )
    return bytes(document) + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer


def _glyphs_of(text: str) -> Iterable[Glyph]:
    known = glyphs()
    return (known.get(character) or known[MISSING] for character in text)


@cache
def glyphs() -> dict[str, Glyph]:
    """The outlines by character, from `data/glyphs.tsv`."""
    text = files("gateway.luxury").joinpath("data/glyphs.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return {chr(int(name, 16)): Glyph(int(advance), _outline(outline)) for name, advance, outline in rows}


def _outline(text: str) -> tuple[Command, ...]:
    commands: list[tuple[str, list[float]]] = []
    for word in text.split():
        if word.isalpha():
            commands.append((word, []))
        else:
            commands[-1][1].append(float(word))
    return tuple((name, tuple(numbers)) for name, numbers in commands)


def _number(value: float) -> str:
    return f"{round(value, _DIGITS):g}"
