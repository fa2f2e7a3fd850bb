"""Bytes become a tree here, or are refused by name; nothing else parses what strangers send."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from validators.apart import apart
from validators.encodings import decode
from validators.limits import DEFAULT_LIMITS, Limits
from validators.refusals import LimitExceeded, NotWellFormed, Refusal, TooLarge
from validators.regular import is_regular
from validators.scanning import Names, scan
from validators.schemas import vocabulary

_REASONS: Final[Mapping[object, str]] = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "no-root",
    etree.ErrorTypes.ERR_DOCUMENT_END: "content-after-root",
    etree.ErrorTypes.ERR_RESERVED_XML_NAME: "declaration-not-first",
    etree.ErrorTypes.ERR_ATTRIBUTE_REDEFINED: "duplicate-attribute",
    etree.ErrorTypes.ERR_INVALID_CHAR: "character",
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY: "entity",
    etree.ErrorTypes.ERR_MISPLACED_CDATA_END: "cdata-end",
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "tag-mismatch",
    etree.ErrorTypes.ERR_TAG_NOT_FINISHED: "unclosed",
    etree.ErrorTypes.ERR_GT_REQUIRED: "tag",
    etree.ErrorTypes.ERR_ATTRIBUTE_NOT_STARTED: "attribute",
    etree.ErrorTypes.ERR_ATTRIBUTE_NOT_FINISHED: "attribute",
    etree.ErrorTypes.ERR_ATTRIBUTE_WITHOUT_VALUE: "attribute",
    etree.ErrorTypes.ERR_LT_IN_ATTRIBUTE: "attribute",
    etree.ErrorTypes.ERR_SPACE_REQUIRED: "attribute",
    etree.ErrorTypes.ERR_NAME_REQUIRED: "tag-name",
    etree.ErrorTypes.ERR_LTSLASH_REQUIRED: "unclosed",
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "undefined-prefix",
    etree.ErrorTypes.NS_ERR_XML_NAMESPACE: "namespace",
    etree.ErrorTypes.NS_ERR_QNAME: "qualified-name",
    etree.ErrorTypes.NS_ERR_ATTRIBUTE_REDEFINED: "duplicate-attribute",
}
_FEW_FAILURES: Final = 32
GUARDED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "encoding": "utf-8",
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "dtd_validation": False,
        "attribute_defaults": False,
        "huge_tree": False,
        "recover": False,
        "remove_blank_text": False,
        "remove_comments": False,
        "remove_pis": False,
        "strip_cdata": True,
        "collect_ids": False,
    }
)
"""How every parser of strangers' XML is set."""


class _Here(threading.local):
    """What this thread keeps: its parser, and how often it met text that is not well formed.

    A wrong end tag leaves its name in the thread's table of names, so a thread that often meets them looks at the
    end tags too before it parses.
    """

    parser: etree.XMLParser | None = None
    failures: int = 0


_here = _Here()


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A well-formed message within limits: its root element, and the encoding it came in.

    The tree holds elements, attributes and text only. `encoding` is `UTF-8`, `UTF-16LE` or `UTF-16BE`; line numbers
    of the tree are those of the bytes received. `regular` is the text in UTF-8 where that is regular, as
    `validators.regular` says.
    """

    root: etree._Element
    encoding: str
    regular: bytes | None = field(default=None, repr=False)


def parse(body: bytes, limits: Limits = DEFAULT_LIMITS) -> ParsedMessage:
    """The message that the bytes hold; raises a `Refusal`, and nothing else, when they hold none."""
    if len(body) > limits.bytes:
        raise TooLarge("bytes", None, {"most": str(limits.bytes), "found": str(len(body))})
    decoded = decode(body)
    try:
        text = decoded.text.encode()
    except UnicodeEncodeError:
        raise NotWellFormed("character") from None
    known = vocabulary()
    names = scan(text, decoded.declaration_end, limits, known, closing=_here.failures > _FEW_FAILURES)
    root = apart(lambda: _read(text)) if names is Names.FOREIGN else _read(text)
    _check_depth_and_text(root, len(text), limits)
    return ParsedMessage(root, decoded.encoding, text if names is Names.USUAL and is_regular(text) else None)


def _read(text: bytes) -> etree._Element:
    if _here.parser is None:
        _here.parser = _make_parser()
    try:
        return etree.fromstring(text, _here.parser)
    except etree.XMLSyntaxError as error:
        _here.failures += 1
        raise refusal_of(error) from None


def _make_parser() -> etree.XMLParser:
    return etree.XMLParser(**GUARDED)


def refusal_of(error: etree.XMLSyntaxError) -> Refusal:
    """The refusal that libxml2's complaint stands for."""
    line = error.lineno if isinstance(error.lineno, int) and error.lineno > 0 else None
    code = getattr(error, "code", None)
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        return LimitExceeded("depth" if "depth" in str(error) else "size", line)
    return NotWellFormed(_REASONS.get(code, "syntax"), line)


@cache
def _deeper_than(depth: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/*" * (depth + 1) + ")", regexp=False, smart_strings=False)


def _check_depth_and_text(root: etree._Element, size: int, limits: Limits) -> None:
    if _deeper_than(limits.depth)(root):
        raise LimitExceeded("depth", None, {"most": str(limits.depth)})
    if size > limits.text and (longest := max(map(len, root.itertext()), default=0)) > limits.text:
        raise LimitExceeded("text", None, {"most": str(limits.text), "found": str(longest)})
