"""A message with many items: one record each under one signature, every record good by itself."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judging.examination import rendered
from gateway.model import Item, Judged, Receipt, Record, Series, Verdict
from gateway.sealing.jws import KeySet, sign_compact
from gateway.sealing.receipts import RECEIPT_TYPE, read_receipt, receipt_facts, seal_receipt
from gateway.sealing.records import ITEMS_REFUSED, REJECTIONS, check_record, records_for
from tests.sealing.facts import finding, holder, judgement, receipt

KEYS = KeySet.of(holder())
SERIES = Series("KZ-COMPLEX-1", 17, {"previous": "00" * 32, "first": 1, "last": 3})


def item(number: int, *, accepted: bool = True) -> Item:
    findings = () if accepted else (finding("COD-001"),)
    return Item(number, f"ID-{number}", accepted, findings, "" if accepted else "ef" * 32, {"sequence": number})


def batch(*items: Item) -> tuple[Judged, Receipt]:
    refused = tuple(one for one in items if not one.accepted)
    of = replace(receipt(verdict=Verdict.ACCEPTED_WITH_WARNINGS), items=refused, series=SERIES)
    judged = replace(
        judgement(of), items=items, series=SERIES, key="KZ-COMPLEX-1", topic="events", event_type="kz.fma.event.v1"
    )
    return rendered(judged), of


def verdict_on(record: Record, **changes: object) -> str:
    changed = replace(record, **changes)  # type: ignore[arg-type] # fields by their names
    return check_record(changed.topic, changed.headers, changed.value, KEYS)


def with_header(record: Record, name: str, value: bytes) -> tuple[tuple[str, bytes], ...]:
    return tuple((each, value if each == name else old) for each, old in record.headers)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
async def test_each_accepted_item_is_a_record_that_verifies_alone_and_no_refused_one_is(kept: list[bool]) -> None:
    items = [item(number, accepted=accepted) for number, accepted in enumerate(kept, 1)]
    records = await records_for(*batch(*items), holder())
    events = [record for record in records if record.topic == "events"]
    assert [orjson.loads(record.value)["item"]["sequence"] for record in events] == [
        one.number for one in items if one.accepted
    ]
    assert all(verdict_on(record) == "valid" for record in records)
    assert {record.key for record in events} <= {"KZ-COMPLEX-1"}
    assert len({dict(record.headers)["ce_id"] for record in records}) == len(records)


async def test_an_item_with_a_key_of_its_own_is_recorded_under_it() -> None:
    first, second = await records_for(*batch(replace(item(1), key="THING-1"), item(2)), holder())
    assert (first.key, second.key) == ("THING-1", "KZ-COMPLEX-1")
    assert dict(first.headers)["ce_subject"] == b"THING-1"
    assert (verdict_on(first), verdict_on(second)) == ("valid", "valid")


async def test_what_was_refused_is_told_on_the_topic_of_rejections() -> None:
    *_, last = await records_for(*batch(item(1), item(2, accepted=False)), holder())
    told = orjson.loads(last.value)
    assert (last.topic, dict(last.headers)["ce_type"]) == (REJECTIONS, ITEMS_REFUSED.encode())
    assert [(one["number"], one["leaf"], one["findings"][0]["code"]) for one in told["items"]] == [
        (2, "ef" * 32, "COD-001")
    ]


async def test_a_record_of_a_batch_cannot_be_moved_renamed_or_changed() -> None:
    first, second, *_ = await records_for(*batch(*(item(number) for number in range(1, 6))), holder())
    assert verdict_on(first, topic="other") == "root"
    assert verdict_on(first, value=second.value) == "root"
    assert verdict_on(first, headers=with_header(first, "ce_id", b"other")) == "root"
    assert verdict_on(first, headers=with_header(first, "ce_type", b"other")) == "root"
    assert verdict_on(first, headers=with_header(first, "seal_path", dict(second.headers)["seal_path"])) == "root"


@pytest.mark.parametrize("path", [b"", b"0", b"x/AAAA", b"-1/AAAA", b"0/!", b"0/AA==", b"0/" + b"A" * 5000])
async def test_a_path_that_is_none_is_refused(path: bytes) -> None:
    first, *_ = await records_for(*batch(item(1), item(2)), holder())
    assert verdict_on(first, headers=with_header(first, "seal_path", path)) in ("path", "malformed", "root")


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"{", b'{"root":"zz","size":2}', b'{"root":1,"size":2}'])
async def test_a_truly_signed_payload_that_names_no_root_is_refused(payload: bytes) -> None:
    first, *_ = await records_for(*batch(item(1), item(2)), holder())
    seal = await sign_compact(payload, holder(), "fma-batch+jws")
    assert verdict_on(first, headers=with_header(first, "seal", seal.encode())) == "payload"
    other_kind = await sign_compact(payload, holder(), RECEIPT_TYPE)
    assert verdict_on(first, headers=with_header(first, "seal", other_kind.encode())) == "type"


async def test_a_seal_of_another_key_is_not_believed() -> None:
    first, *_ = await records_for(*batch(item(1)), holder(1))
    assert verdict_on(first) == "unknown-key"


async def test_a_receipt_keeps_the_series_and_the_refused_items() -> None:
    _, of = batch(item(1), item(2, accepted=False))
    sealed = await seal_receipt(of, holder())
    again = read_receipt(sealed.jws, KEYS)
    assert again.series == SERIES
    assert [(one.number, one.id, one.leaf, one.findings, one.accepted) for one in again.items] == [
        (2, "ID-2", "ef" * 32, (finding("COD-001"),), False)
    ]
    told = receipt_facts(again, "en")
    assert told["series"]["name"] == "KZ-COMPLEX-1"
    assert told["items"][0]["findings"][0]["message"]


async def test_a_message_without_a_series_says_nothing_of_items() -> None:
    assert not receipt_facts(await seal_receipt(receipt(), holder()), "en").keys() & {"items", "series"}
