"""A message that is too long for memory, read from its file in pieces: what `decode` and `scan` refuse is refused.

A piece ends before a `<` that is not inside of CDATA, so that no tag and no entity is ever cut.
"""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from validators.encodings import Opened, invalid, open_text, single_line_ends
from validators.limits import Limits
from validators.refusals import LimitExceeded, Refusal, TooLarge
from validators.scanning import foreign_names, scan
from validators.schemas import vocabulary

READ_BYTES: Final = 512 * 1024
_HEAD: Final = 2_048
_CDATA: Final = b"<![CDATA["
_CDATA_END: Final = b"]]>"


@dataclass(frozen=True, slots=True)
class LongText:
    """A message in a file that can be read again and again, and how it begins; made by `settle`."""

    file: BinaryIO
    opened: Opened
    limits: Limits
    read_bytes: int = READ_BYTES

    def pieces(self) -> Iterator[bytes]:
        """The message from its start in UTF-8, its line ends single new lines, the byte order mark left out.

        Raises LimitExceeded where so much text stands between two tags that a piece would be too long.
        """
        held = b""
        for text in self.texts():
            held += text.encode()
            end = _end_of_piece(held)
            if end:
                yield held[:end]
                held = held[end:]
            if len(held) > _most_held(self.limits):
                raise LimitExceeded("text", None, {"most": str(self.limits.text), "found": str(len(held))})
        if held:
            yield held

    def texts(self) -> Iterator[str]:
        """The same as it was decoded, cut anywhere; raises EncodingRefused."""
        encoding = self.opened.encoding
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        self.file.seek(self.opened.mark)
        offset, line, held = 0, 1, ""
        while True:
            data = self.file.read(self.read_bytes)
            waiting = len(decoder.getstate()[0])
            try:
                text = held + decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise invalid(error, encoding, offset - waiting, line) from None
            offset += len(data)
            held = "\r" if data and text.endswith("\r") else ""
            text = single_line_ends(text.removesuffix(held)) if "\r" in text else text
            line += text.count("\n")
            yield text
            if not data:
                return


def settle(file: BinaryIO, limits: Limits, read_bytes: int = READ_BYTES) -> LongText:
    """The message in a file, once its whole text is what `decode` and `scan` let pass; raises a `Refusal`.

    The bytes are read once, and again where they are refused: what is wrong with their encoding is told first, as of a
    short message; where several other things are wrong, another of them may be told. How many elements it has is left
    to the parser.
    """
    size = os.fstat(file.fileno()).st_size
    if size > limits.bytes:
        raise TooLarge("bytes", None, {"most": str(limits.bytes), "found": str(size)})
    file.seek(0)
    text = LongText(file, open_text(file.read(_HEAD), size), limits, read_bytes)
    try:
        _scan(text)
    except Refusal:
        for _ in text.texts():
            pass
        raise
    return text


def _scan(text: LongText) -> None:
    known, limits = vocabulary(), replace(text.limits, elements=text.limits.bytes)
    line, start, foreign = 0, text.opened.declaration_end, set[bytes]()
    for piece in text.pieces():
        try:
            familiar = scan(piece, start, limits, known)
        except Refusal as refusal:
            place = None if refusal.line is None else refusal.line + line
            raise type(refusal)(refusal.reason, place, refusal.parameters) from None
        if not familiar:
            foreign |= foreign_names(piece, known)
            if len(foreign) > limits.names:
                raise LimitExceeded("names", None, {"most": str(limits.names), "found": str(len(foreign))})
        line += piece.count(b"\n")
        start = 0


def _end_of_piece(held: bytes) -> int:
    """Where a piece may end, as late as may be; 0 where it may not yet."""
    outside = 0
    if _CDATA in held:
        while (begin := held.find(_CDATA, outside)) >= 0:
            closed = held.find(_CDATA_END, begin)
            if closed < 0:
                return begin
            outside = closed + len(_CDATA_END)
    return max(held.rfind(b"<", outside), outside)


def _most_held(limits: Limits) -> int:
    """How long a piece may grow: the longest text with every character at its longest, and a tag of any kind."""
    return 4 * limits.text + limits.attributes * limits.attribute
