"""From the bytes of a message to its text: the encoding is settled here, before any XML parser looks."""

import codecs
import re
from typing import Final, NamedTuple, NoReturn

from validators.refusals import EncodingRefused, Hostile, NotWellFormed

UTF_8: Final = "UTF-8"
LITTLE: Final = "UTF-16LE"
BIG: Final = "UTF-16BE"

_HEAD: Final = 1_024
_LONGEST_DECLARATION: Final = 256
_AGREEING: Final = {
    UTF_8: frozenset({"UTF-8"}),
    LITTLE: frozenset({"UTF-16", "UTF-16LE"}),
    BIG: frozenset({"UTF-16", "UTF-16BE"}),
}
_ALL_TAKEN: Final = frozenset[str]().union(*_AGREEING.values())
_FOREIGN_STARTS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (b"<\0\0\0", "utf-32"),
    (b"\0\0\0<", "utf-32"),
    (b"\0\0<\0", "utf-32"),
    (b"\0<\0\0", "utf-32"),
    (b"\x4c\x6f\xa7\x94", "ebcdic"),
    (b"+/v", "utf-7"),
    (b"+ADw", "utf-7"),
)
_STARTS: Final = tuple(start for start, _ in _FOREIGN_STARTS)
_NAMED: Final = {"UTF-7": "utf-7", "UTF-32": "utf-32", "UTF-32LE": "utf-32", "UTF-32BE": "utf-32"}

_S: Final = r"[ \t\r\n]"
_IS_DECLARATION: Final = re.compile(rf"<\?xml(?={_S}|\?)")
_DECLARATION: Final = re.compile(
    rf"""<\?xml{_S}+version{_S}*={_S}*(?P<v>["'])(?P<version>[A-Za-z0-9._:-]+)(?P=v)"""
    rf"""(?:{_S}+encoding{_S}*={_S}*(?P<e>["'])(?P<encoding>[A-Za-z][A-Za-z0-9._-]*)(?P=e))?"""
    rf"""(?:{_S}+standalone{_S}*={_S}*(?P<s>["'])(?:yes|no)(?P=s))?{_S}*\?>"""
)


class Decoded(NamedTuple):
    """A message as text: the encoding it came in, and where its XML declaration ends (0 where it has none).

    Line ends are single new lines, as XML 1.0 (2.11) reads them.
    """

    text: str
    encoding: str
    declaration_end: int


def decode(body: bytes) -> Decoded:
    """The text of a message in UTF-16 or UTF-8; whatever else it is in, or says it is in, raises a `Refusal`."""
    if not body:
        raise NotWellFormed("empty")
    encoding, mark = _encoding_of(body)
    text = _decode_strictly(body[mark:] if mark else body, encoding, marked=mark > 0)
    end = _check_declaration(text, encoding, marked=mark > 0)
    if "\r" in text:
        text = single_line_ends(text)
        end = _declaration_end(text)
    return Decoded(text, encoding, end)


class Opened(NamedTuple):
    """How a message begins: its encoding, the bytes of its byte order mark, the characters of its declaration."""

    encoding: str
    mark: int
    declaration_end: int


def open_text(head: bytes, size: int) -> Opened:
    """What `decode` settles before it decodes, for a message of `size` bytes of which `head` are the first 2 048.

    Raises what `decode` raises for the same beginning.
    """
    if not size:
        raise NotWellFormed("empty")
    encoding, mark = _encoding_of(head)
    if encoding != UTF_8 and (size - mark) % 2:
        raise EncodingRefused("odd-length", None, {"encoding": encoding})
    text = head[mark : mark + _HEAD].decode(encoding, "replace")
    end = _check_declaration(text, encoding, marked=mark > 0)
    return Opened(encoding, mark, _declaration_end(single_line_ends(text)) if "\r" in text else end)


def invalid(error: UnicodeDecodeError, encoding: str, offset: int, line: int) -> EncodingRefused:
    """The refusal of bytes that are no text; `offset` and `line` are those at which what was decoded began."""
    before = single_line_ends(error.object[: error.start].decode(encoding, "replace"))
    reason = "invalid-utf-8" if encoding == UTF_8 else "lone-surrogate"
    facts = {"encoding": encoding, "offset": str(offset + error.start)}
    return EncodingRefused(reason, line + before.count("\n"), facts)


def single_line_ends(text: str) -> str:
    """The text with line ends as XML 1.0 (2.11) reads them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding_of(body: bytes) -> tuple[str, int]:
    if body.startswith(_STARTS):
        raise EncodingRefused(next(reason for start, reason in _FOREIGN_STARTS if body.startswith(start)))
    if body.startswith(codecs.BOM_UTF16_LE):
        return LITTLE, 2
    if body.startswith(codecs.BOM_UTF16_BE):
        return BIG, 2
    if body.startswith(codecs.BOM_UTF8):
        return UTF_8, 3
    if body.startswith(b"<\0"):
        return LITTLE, 0
    if body.startswith(b"\0<"):
        return BIG, 0
    return UTF_8, 0


def _check_declaration(text: str, encoding: str, *, marked: bool) -> int:
    match = _DECLARATION.match(text, 0, _LONGEST_DECLARATION)
    if match is None:
        if text.startswith("\ufeff"):
            raise EncodingRefused("second-bom", 1)
        if _IS_DECLARATION.match(text):
            raise NotWellFormed("declaration", 1)
        _check_declared(None, encoding, marked=marked)
        return 0
    if match["version"] != "1.0":
        raise Hostile("xml-1.1" if match["version"] == "1.1" else "xml-version", 1)
    _check_declared(match["encoding"], encoding, marked=marked)
    return match.end()


def _check_declared(name: str | None, encoding: str, *, marked: bool) -> None:
    declared = name.upper() if name else None
    if declared is not None and declared not in _AGREEING[encoding]:
        _refuse_declared(declared, encoding, marked=marked)
    if encoding != UTF_8 and not marked and declared != encoding:
        raise EncodingRefused("bom-missing", 1, {"encoding": encoding})


def _declaration_end(text: str) -> int:
    match = _DECLARATION.match(text, 0, _LONGEST_DECLARATION)
    return match.end() if match else 0


def _refuse_declared(declared: str, encoding: str, *, marked: bool) -> NoReturn:
    parameters = {"declared": declared[:40], "encoding": encoding}
    if declared not in _ALL_TAKEN:
        raise EncodingRefused(_NAMED.get(declared, "other-encoding"), 1, parameters)
    raise EncodingRefused("bom-contradicts-declaration" if marked else "bytes-contradict-declaration", 1, parameters)


def _decode_strictly(body: bytes, encoding: str, *, marked: bool) -> str:
    if encoding != UTF_8 and len(body) % 2:
        raise EncodingRefused("odd-length", None, {"encoding": encoding})
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        _check_declaration(body[:_HEAD].decode(encoding, "replace"), encoding, marked=marked)
        raise invalid(error, encoding, 0, 1) from None
