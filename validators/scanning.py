"""A look at the text of a message before libxml2 sees it: what is hostile, what is too much, which names are new.

libxml2 never forgets a name it has met: lxml keeps one table of names a thread, for as long as the thread lives. So
names that no schema of ours knows are found here, and the message that holds them is parsed where the table is thrown
away afterwards.
"""

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple, NoReturn

from validators.limits import Limits
from validators.refusals import EncodingRefused, Hostile, LimitExceeded, NotWellFormed, Refusal

_START_TAGS: Final = re.compile(rb"<([^/][^>]*)")
_ALL_TAGS: Final = re.compile(rb"<([^>]*)")
# No turn of a possessive group may take something and fail then: Python before 3.11.5 goes on from where it failed.
_QUOTED_START_TAGS: Final = re.compile(rb"""<([^>](?:[^>"']++|"[^"]*+"?|'[^']*+'?)*+)""")
_NAME: Final = rb"""[^\s<>/="'&!?]++"""
_ATTRIBUTE: Final = rb"""\s++(""" + _NAME + rb""")\s*+=\s*+("[^"<]*+"|'[^'<]*+')"""
_BARE_NAME: Final = re.compile(_NAME)
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
_ORDERLY: Final = re.compile(_NAME + rb"(?: " + _NAME + rb"""="[^"<\t\n]*+")?(?: ?/)?""")
_CDATA_OR_MARK: Final = re.compile(
    rb"<!\[CDATA\[(?s:.*?)\]\]>|<!--|<!DOCTYPE|<!|<\?xml(?=[\s?])|<\?|&(?!amp;|lt;|gt;|quot;|apos;|#)[^\s;<&]*+;?"
)
_CDATA: Final = re.compile(rb"<!\[CDATA\[(?s:.*?)\]\]>")
_ENTITY: Final = re.compile(rb"&(?!amp;|lt;|gt;|quot;|apos;|#)[^\s;<&]*+;?")
_LONG_BLANK: Final = re.compile(rb">(\s{16,59})<")
_INDENT: Final = re.compile(rb"\n{0,2}(?: *+|\t*+)")
_MARKS: Final[dict[bytes, tuple[type[Refusal], str]]] = {
    b"<!--": (Hostile, "comment"),
    b"<!DOCTYPE": (Hostile, "dtd"),
    b"<!": (NotWellFormed, "markup"),
    b"<?xml": (NotWellFormed, "declaration-not-first"),
    b"<?": (Hostile, "processing-instruction"),
}
_VALUES: Final = re.compile(rb""""[^"<\0]*+"|'[^'<\0]*+'""")
_MANY_TAGS: Final = 64
_WORTH_REMEMBERING: Final = 160
_MOST_REMEMBERED: Final = 4_096


class Names(IntEnum):
    """What the start tags of a text hold: a name that no schema knows, or none.

    USUAL says further that each is written as canonical XML has it, but for empty elements (`<a/>`, `<a />`), and has
    one attribute at most.
    """

    FOREIGN = 0
    KNOWN = 1
    USUAL = 2


def scan(text: bytes, start: int, limits: Limits, vocabulary: frozenset[bytes], *, closing: bool = False) -> Names:
    """What names are in the UTF-8 text from `start` on; raises what must be refused.

    Names of end tags are looked at only when `closing` is true: in well-formed XML they repeat those of start tags.
    What is not well formed in other ways is left to the parser.
    """
    if b"\0" in text:
        raise EncodingRefused("nul", text.count(b"\n", 0, text.index(b"\0")) + 1)
    if (b"!" in text and b"<!" in text) or (text.find(b"?", start) >= 0 and text.find(b"<?", start) >= 0):
        text = _without_cdata(text, start)
    elif b"&" in text and (entity := _ENTITY.search(text, start)):
        _refuse_mark(entity.group(), text.count(b"\n", 0, entity.start()) + 1)
    tags = _START_TAGS.findall(text, start)
    _limit("elements", len(tags), limits.elements)
    if closing:
        tags = _ALL_TAGS.findall(text, start)
    usual = _usual_tags(vocabulary) if _are_roomy(limits) else vocabulary
    names = Names.USUAL
    if not usual.issuperset(tags):
        names = _examine(set(tags) - usual, text, start, limits, vocabulary)
    return names if names is Names.FOREIGN or blanks_are_usual(text, start) else Names.FOREIGN


@lru_cache(maxsize=4)
def _usual_tags(vocabulary: frozenset[bytes]) -> set[bytes]:
    """The short tags that were found to be as `Names.USUAL` says, whatever message they stood in."""
    return set(vocabulary)


def _are_roomy(limits: Limits) -> bool:
    """Whether no tag that is short enough to be remembered could go beyond the limits."""
    return min(limits.attribute, limits.attributes * len(b' a=""')) >= _WORTH_REMEMBERING


def _remember(tags: set[bytes], vocabulary: frozenset[bytes]) -> None:
    usual = _usual_tags(vocabulary)
    if len(usual) > len(vocabulary) + _MOST_REMEMBERED:
        usual.intersection_update(vocabulary)
    usual.update(tag for tag in tags if len(tag) <= _WORTH_REMEMBERING and _ORDERLY.fullmatch(tag))


def _without_cdata(text: bytes, start: int) -> bytes:
    found = False
    for match in _CDATA_OR_MARK.finditer(text, start):
        mark = match.group()
        if mark.startswith(b"<![CDATA["):
            found = True
        else:
            _refuse_mark(mark, text.count(b"\n", 0, match.start()) + 1)
    return text[:start] + _CDATA.sub(_blank_lines, text[start:]) if found else text


def _blank_lines(match: re.Match[bytes]) -> bytes:
    return b"\n" * match.group().count(b"\n")


def _refuse_mark(mark: bytes, line: int) -> NoReturn:
    if mark.startswith(b"&"):
        if mark.endswith(b";") and len(mark) > len(b"&;"):
            raise Hostile("entity", line)
        raise NotWellFormed("ampersand", line)
    kind, reason = _MARKS[mark]
    raise kind(reason, line)


def _examine(tags: set[bytes], text: bytes, start: int, limits: Limits, vocabulary: frozenset[bytes]) -> Names:
    shapes = [_shape(tag) for tag in _without_values(tags, limits)]
    understood = None not in shapes
    if not understood:
        tags = set(_QUOTED_START_TAGS.findall(text, start)) - vocabulary
        shapes = [_shape(tag) for tag in tags]
        understood = None not in shapes
    names: set[bytes] = set()
    for shape in shapes:
        if shape is not None:
            _limit("attributes", len(shape.names) - 1, limits.attributes)
            _limit("attribute", shape.longest, limits.attribute)
            names.update(shape.names)
    foreign = names - vocabulary
    _limit("names", len(foreign), limits.names)
    for name in foreign:
        _limit("name", len(name.decode()), limits.name)
    if foreign or not understood:
        return Names.FOREIGN
    if len(tags) < _MANY_TAGS:
        _remember(tags, vocabulary)
    return Names.USUAL if all(map(_ORDERLY.fullmatch, tags)) else Names.KNOWN


def foreign_names(text: bytes, vocabulary: frozenset[bytes]) -> set[bytes]:
    """The names in the tags of the UTF-8 text that are not of the vocabulary; words of values may be among them."""
    tags = b"\0".join(set(_QUOTED_START_TAGS.findall(text)))
    return set(_BARE_NAME.findall(_VALUES.sub(b" ", tags).replace(b"\0", b" "))) - vocabulary


def _without_values(tags: set[bytes], limits: Limits) -> set[bytes]:
    """The tags with empty values, many alike where items repeat; as they are where a value might be too long."""
    if len(tags) < _MANY_TAGS or max(map(len, tags)) > limits.attribute:
        return tags
    return set(_VALUES.sub(b'""', b"\0".join(tags)).split(b"\0"))


class _Shape(NamedTuple):
    """The names of a start tag, its own first, and the length of its longest attribute value."""

    names: tuple[bytes, ...]
    longest: int


def _shape(tag: bytes) -> _Shape | None:
    tag = tag.removeprefix(b"/")
    name = _BARE_NAME.match(tag)
    if name is None:
        return None
    pieces = _ATTRIBUTES.split(tag[name.end() :])
    beside, names, values = pieces[::3], pieces[1::3], pieces[2::3]
    if b"".join(beside).strip() != (b"/" if tag.endswith(b"/") else b""):
        return None
    longest = max((len(value.decode()) - 2 for value in values), default=0)
    return _Shape((name.group(), *names), longest)


def _limit(reason: str, found: int, most: int) -> None:
    if found > most:
        raise LimitExceeded(reason, None, {"most": str(most), "found": str(found)})


def blanks_are_usual(text: bytes, start: int = 0) -> bool:
    """Whether white space between tags is indentation: libxml2 remembers its forms as it remembers names.

    Spaces alone, and new lines before spaces or tabs, take few forms whatever the number of messages.
    """
    if text.find(b"\n", start + 1) < 0 and text.find(b"\t", start) < 0:
        return True
    return all(_INDENT.fullmatch(blank) for blank in set(_LONG_BLANK.findall(text, start)))
