"""Documents too big to keep, each with the code and the reason of its refusal; as a program it tries them all.

The program may take so much memory and so much of a processor, and is killed by the system where it takes more.
"""

import codecs
import json
import resource
import sys
from collections.abc import Callable

from validators.parsing import parse
from validators.refusals import Refusal

MEGABYTE = 1024 * 1024
MOST_MEMORY = 768 * MEGABYTE
MOST_SECONDS = 60
"""Of processor time for all of them, some thirty times what they take: a guard against what never ends."""


def many(part: Callable[[int], str], count: int) -> bytes:
    return f"<ExportData>{''.join(part(number) for number in range(count))}</ExportData>".encode()


BIG: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "bytes": ("too-large", "bytes", lambda: b"<a>" + b" " * 5 * MEGABYTE + b"</a>"),
    "depth 100000": ("limit", "elements", lambda: b"<a>" * 100_000 + b"</a>" * 100_000),
    "depth 60000": ("limit", "depth", lambda: b"<a>" * 60_000 + b"</a>" * 60_000),
    "depth 60000 of known names": ("limit", "depth", lambda: b"<Root>" * 60_000 + b"</Root>" * 60_000),
    "elements": ("limit", "elements", lambda: many(lambda _: "<Root/>", 500_000)),
    "million attributes": (
        "limit",
        "attributes",
        lambda: b"<a " + b" ".join(b'%x=""' % n for n in range(10**6, 10**6 + 380_000)) + b"/>",
    ),
    "million equal attributes": ("limit", "attributes", lambda: b"<a" + b' a=""' * 800_000 + b"/>"),
    "many names": ("limit", "names", lambda: many(lambda number: f"<a{number}/>", 60_000)),
    "many namespaces": ("limit", "names", lambda: many(lambda n: f'<Root xmlns:a{n}="urn:{n}"/>', 60_000)),
    "long name": ("limit", "name", lambda: b"<" + b"a" * 4_000_000 + b"/>"),
    "long prefix": ("limit", "name", lambda: b"<" + b"a" * 4_000_000 + b":b/>"),
    "long attribute value": ("limit", "attribute", lambda: b'<a b="' + b"x" * 4_000_000 + b'"/>'),
    "long text": ("limit", "text", lambda: b"<a>" + b"x" * 4_000_000 + b"</a>"),
    "long text in pieces": ("limit", "text", lambda: b"<a>" + b"x&#65;" * 300_000 + b"x" * 1_900_000 + b"</a>"),
    "unclosed quotes": ("not-well-formed", "attribute", lambda: b'<a b="' + b"<a b='" * 600_000),
    "open brackets": ("not-well-formed", "tag-name", lambda: b"<" * 4_000_000),
    "open brackets apart": ("not-well-formed", "tag-name", lambda: b"<a " * 1_300_000),
    "ampersands": ("not-well-formed", "ampersand", lambda: b"<a>" + b"&" * 4_000_000),
    "unclosed cdata": ("not-well-formed", "markup", lambda: b"<a>" + b"<![CDATA[" * 400_000),
    "comments": ("hostile", "comment", lambda: b"<a>" + b"<!---->" * 500_000 + b"</a>"),
    "entity bomb": (
        "hostile",
        "dtd",
        lambda: b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 3_000_000 + b'">]><a>' + b"&x;" * 100_000 + b"</a>",
    ),
    "white space declaration": ("not-well-formed", "declaration", lambda: b"<?xml" + b" " * 4_000_000 + b"?><a/>"),
    "end tags": ("not-well-formed", "tag-name", lambda: b"</a>" * 1_000_000),
    "nothing but nul": ("encoding", "utf-32", lambda: b"\0\0<\0" * MEGABYTE),
    "nul in utf-16": ("encoding", "nul", lambda: codecs.BOM_UTF16_LE + b"<\0" + b"\0" * 4_000_000),
}


def outcome(body: bytes) -> list[str]:
    """The code and the reason of the refusal; nothing where there was none."""
    try:
        parse(body)
    except Refusal as refusal:
        return [refusal.code, refusal.reason]
    return []


def main() -> None:
    """Prints what became of each as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    json.dump({name: outcome(make()) for name, (_, _, make) in BIG.items()}, sys.stdout)


if __name__ == "__main__":
    main()
