"""Lines of the complex become events, each checked before it gets a number."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson

from gateway.client.agent.model import NewEvent, Told
from gateway.client.agent.texts import told
from gateway.client.gaming import ATTRIBUTES, rfc3339

LONGEST_LINE = 16_384
LARGEST_NUMBER = 2**53 - 1
GIVEN_BY_THE_AGENT = "sequence"
NEEDED = ("kind", "unit")
GUIDS = ("id", "original")
TIMES = ("time", "from", "to")
DECIMALS = ("amount", "stake", "odds", "stakes", "winnings")

_MEMBERS = frozenset(ATTRIBUTES) - {GIVEN_BY_THE_AGENT}
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_TEXT = re.compile("[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]{0,300}")


class EventCheck(Protocol):
    """The rules of the family for one event, its form being right already; nothing found means that it is taken."""

    def __call__(self, content: Mapping[str, Any], now: datetime, /) -> Sequence[Told]: ...


def form_alone(_content: Mapping[str, Any], _now: datetime) -> Sequence[Told]:
    """The check that asks for nothing beyond the form."""
    return ()


def read_event(line: bytes, now: datetime, check: EventCheck, fallback: uuid.UUID | None) -> NewEvent | Sequence[Told]:
    """The event of a line of JSON, or what is wrong with it.

    An id that is not given is `fallback`, or a new one; a time that is not given is `now`. What is returned can be
    written into a batch, whatever the line held.
    """
    if len(line) > LONGEST_LINE:
        return (told("AGT-010", value=LONGEST_LINE),)
    try:
        given = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return (told("AGT-001", value=error),)
    if not isinstance(given, dict):
        return (told("AGT-001", value=type(given).__name__),)
    return event_of(given, now, check, fallback)


def event_of(
    given: Mapping[str, Any], now: datetime, check: EventCheck, fallback: uuid.UUID | None = None
) -> NewEvent | Sequence[Told]:
    """The same from plain data."""
    content: dict[str, Any] = {} if "id" in given else {"id": str(fallback or uuid.uuid4())}
    content |= {name: str(value) if name in DECIMALS and type(value) is int else value for name, value in given.items()}
    timed = "time" in content
    if not timed:
        content["time"] = rfc3339(now)
    wrong = form_of(content)
    if wrong:
        return wrong
    for name in GUIDS:
        if name in content:
            content[name] = content[name].upper()
    return tuple(check(content, now)) or NewEvent(uuid.UUID(content["id"]).bytes, content, timed)


def form_of(content: Mapping[str, Any]) -> list[Told]:
    """Everything that is wrong with the form of an event's members."""
    wrong = [told("AGT-003", name) for name in NEEDED if name not in content]
    for name, value in content.items():
        code = _wrong(name, value)
        if code:
            wrong.append(told(code, name, value))
    return wrong


def _wrong(name: str, value: object) -> str:
    if name not in _MEMBERS:
        return "AGT-002"
    if type(value) is int:
        fits = 0 <= value <= LARGEST_NUMBER and name not in (*GUIDS, *TIMES, *NEEDED)
        return "" if fits else "AGT-004"
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        return "AGT-004"
    if name in GUIDS and not _GUID.fullmatch(value):
        return "AGT-005"
    return "AGT-006" if name in TIMES and not _is_time(value) else ""


def _is_time(value: str) -> bool:
    if not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
