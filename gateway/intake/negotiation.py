"""What the client asks to be answered in: media type and language (RFC 9110, sections 12.4 and 12.5)."""

from collections.abc import Iterable
from dataclasses import dataclass

LANGUAGES = ("kk", "ru", "en")
JSON = "application/json"
XML_TYPES = ("application/xml", "text/xml")
_MOST_RANGES = 32


@dataclass(frozen=True, slots=True)
class Preference:
    """One item of an Accept or Accept-Language header: a value or range in lower case, its quality and its place."""

    value: str
    quality: float
    place: int


def preferences(header: str) -> list[Preference]:
    """The items of a header with quality values, unreadable qualities counting as 0; at most 32 are read."""
    items = []
    for place, item in enumerate(header.split(",", _MOST_RANGES)[:_MOST_RANGES]):
        value, *parameters = (part.strip().lower() for part in item.split(";"))
        if value:
            items.append(Preference(value, _quality(parameters), place))
    return items


def choose_language(header: str, default: str) -> str:
    """The one of kk, ru and en that the Accept-Language header likes best, else `default`."""
    if not header:
        return default
    best = (0.0, 0)
    chosen = default
    for item in preferences(header):
        language = default if item.value == "*" else item.value.partition("-")[0]
        rank = (item.quality, -item.place)
        if language in LANGUAGES and item.quality > 0 and rank > best:
            best, chosen = rank, language
    return chosen


def choose_media_type(header: str, offered: Iterable[str]) -> str | None:
    """The one of `offered` (the best first) that the Accept header likes best; None when it takes none of them."""
    ranges = preferences(header)
    if not ranges:
        return next(iter(offered), None)
    chosen, best = None, (0.0, 0, 0)
    for media_type in offered:
        rank = max((_rank(media_type, item) for item in ranges), key=lambda found: found[1:2] + found[:1])
        if rank[0] > 0 and (chosen is None or rank > best):
            chosen, best = media_type, rank
    return chosen


def essence(content_type: str) -> str:
    """The media type alone, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def _rank(media_type: str, item: Preference) -> tuple[float, int, int]:
    kind = media_type.partition("/")[0]
    if item.value == media_type:
        return (item.quality, 2, -item.place)
    if item.value == f"{kind}/*":
        return (item.quality, 1, -item.place)
    if item.value == "*/*":
        return (item.quality, 0, -item.place)
    return (0.0, -1, 0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value.strip())
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0
