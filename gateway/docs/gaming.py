"""The reference page of the gaming family's events, made from its code tables and its schema."""

from collections.abc import Iterator
from itertools import groupby

from lxml import etree

from codes.editions import Edition
from codes.tables import CodeEntry
from validators.gaming.messages import BATCH
from validators.gaming.vocabulary import COMMON
from validators.profiles import Profile, ProfileBook

XS = "{http://www.w3.org/2001/XMLSchema}"
HEAD = """\
# Kinds of events of the gaming family

Generated from `codes/data/{codes}` and `schemas/xsd/gaming/{edition}`; do not edit by hand. All of it is
`proposed`. What the messages are and how they are judged: [the gaming family](gaming.md).
"""


def render_events() -> str:
    """The page as Markdown, for the newest edition."""
    profile = ProfileBook.load().family("gaming").profiles[-1]
    return "\n".join(
        [
            HEAD.format(codes=profile.codes.name, edition=profile.edition),
            *_attributes(profile),
            *_kinds(profile.codes),
            *_outcomes(profile.codes),
            *_winnings(profile.codes),
        ]
    )


def _attributes(profile: Profile) -> Iterator[str]:
    """Every attribute with the schema's own words."""
    yield "## Attributes\n"
    yield f"Each event has {', '.join(f'`{name}`' for name in COMMON)}.\n"
    yield "| attribute | type | what |"
    yield "|---|---|---|"
    tree = etree.parse(profile.schemas[BATCH].path)
    for attribute in tree.iterfind(f"{XS}element[@name='Event']//{XS}attribute"):
        words = " ".join(str(attribute.findtext(f".//{XS}documentation")).split())
        yield f"| `{attribute.get('name')}` | {attribute.get('type')} | {words} |"
    yield ""


def _kinds(codes: Edition) -> Iterator[str]:
    for group, entries in groupby(codes.table("event_kinds"), lambda entry: entry.attributes["group"]):
        yield f"## Kinds: {group}\n"
        yield "| kind | names (kk, ru, en) | required | may have | units |"
        yield "|---|---|---|---|---|"
        for entry in entries:
            names = " / ".join(entry.names[language] for language in ("kk", "ru", "en"))
            required, optional = (_fields(codes, entry, use) for use in ("required", "optional"))
            yield f"| `{entry.code}` | {names} | {required} | {optional} | {entry.attributes['units']} |"
        yield ""
    yield "A `REPLACE` also has the attributes of its `ReplacedKind`, which is none of `REPLACE` and `CANCEL`.\n"


def _fields(codes: Edition, kind: CodeEntry, use: str) -> str:
    fields = codes.table("event_fields").under(kind.code)
    return ", ".join(field.key[1] for field in fields if field.attributes["use"] == use) or "-"


def _outcomes(codes: Edition) -> Iterator[str]:
    yield "## Outcomes\n"
    yield "| kind | outcomes |"
    yield "|---|---|"
    for kind, entries in groupby(codes.table("outcomes"), lambda entry: entry.key[0]):
        yield f"| `{kind}` | {', '.join(entry.key[1] for entry in entries)} |"
    yield ""


def _winnings(codes: Edition) -> Iterator[str]:
    yield "## Winnings that count as an operation of Order No. 13\n"
    yield f"{codes.table('winnings').manifest.note}\n"
    yield "| event | kind of entity | means | operation |"
    yield "|---|---|---|---|"
    for entry in codes.table("winnings"):
        event, entity, means = entry.key
        yield f"| `{event}` | {entity} | {means} | {entry.attributes['operation_kind']} |"
    yield ""
