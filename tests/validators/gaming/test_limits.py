"""What is too much is refused by its name, in bounded time and memory."""

import time
import tracemalloc
from collections.abc import Callable

import pytest
from lxml import etree

from tests.support.fm1 import findings
from tests.support.gaming import EVENTS, GamingCase, count_anew, events_of, example
from validators.gaming.messages import BATCH
from validators.limits import DEFAULT_LIMITS
from validators.model import Verdict
from validators.parsing import parse
from validators.refusals import LimitExceeded, Refusal, TooLarge

EVENT = (
    '<Event Sequence="1" Id="5F1C0000-0000-4000-8000-000000000001" Kind="HEARTBEAT" '
    'Time="2026-11-28T13:10:00.000+05:00" Unit="SERVER-1"/>'
)

MANY_ATTRIBUTES = "<Event " + " ".join(f'A{number}="1"' for number in range(65)) + "/>"


def _with(events: str) -> bytes:
    root = example(BATCH)
    holder = root.find(".//Events")
    assert holder is not None
    for event in list(holder):
        holder.remove(event)
    holder.text = "@"
    text = etree.tostring(root, encoding="unicode")
    return text.replace("@", events).encode()


@pytest.mark.parametrize(
    ("events", "refusal", "reason"),
    [
        pytest.param(lambda: EVENT * 1_000_000, TooLarge, "bytes", id="a million events"),
        pytest.param(lambda: "<Event/>" * 400_000, LimitExceeded, "elements", id="as many empty ones as there is room"),
        pytest.param(lambda: MANY_ATTRIBUTES, LimitExceeded, "attributes", id="65 attributes"),
    ],
)
def test_a_message_beyond_the_limits_is_refused_by_name_before_it_is_parsed(
    events: Callable[[], str], refusal: type[Refusal], reason: str
) -> None:
    body = _with(events())
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(refusal) as refused:
        parse(body)
    spent, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.reason == reason
    assert spent < 10
    assert peak < 128 * 1024 * 1024


def test_sixty_thousand_events_are_too_many_and_are_not_looked_at() -> None:
    root = parse(_with("<Event/>" * 60_000)).root
    started = time.process_time()
    judgement = GamingCase(root).judge()
    assert judgement.verdict is Verdict.REFUSED
    assert findings(judgement) == [f"GAM-005 {EVENTS.replace('/ExportData/SignedData/Data/Root', '~')}"]
    assert judgement.items == ()
    assert time.process_time() - started < 10


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_the_largest_batch_is_within_the_limits(encoding: str) -> None:
    case = GamingCase(example(BATCH)).change("copy //Event[last()] = 4988")
    for number, event in enumerate(events_of(case.root), 1):
        event.set("Sequence", str(number))
        event.set("Id", f"5F1C0000-0000-4000-8000-{number:012}")
    count_anew(case.root)
    case.change("set //LastEventSequence = 5000")
    body = etree.tostring(case.root, encoding=encoding, xml_declaration=True)
    assert isinstance(body, bytes)
    assert len(body) < DEFAULT_LIMITS.bytes
    case.root = parse(body).root
    judgement = case.judge()
    assert judgement.verdict is Verdict.ACCEPTED
    assert len(judgement.items) == 5000
