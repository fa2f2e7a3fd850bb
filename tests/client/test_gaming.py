"""The gaming family's messages as the contract writes them, and their signature."""

from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.client.amounts import in_tiyn, written
from gateway.client.envelopes import Envelope, UnknownAttribute, new_guid
from gateway.client.gaming import (
    Action,
    BatchHeader,
    Figure,
    Repairs,
    State,
    Unit,
    batch_xml,
    chain_repair_xml,
    end_of_day_xml,
    registration_xml,
    totals_of,
)
from gateway.sealing.generation import Subject, issue, make_authority
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import Encoded, sign_xml, verify_signature

NOW = datetime(2026, 11, 28, 8, 10, tzinfo=UTC)
OWNER = "050140000017"
ENVELOPE = Envelope(OWNER, "093", NOW)
TIME = "2026-11-28T13:10:00.000+05:00"


def event(sequence: int, kind: str = "BUY-IN", **more: object) -> dict[str, object]:
    return {"sequence": sequence, "id": new_guid(), "kind": kind, "time": TIME, "unit": "DESK-1", **more}


def test_a_batch_names_its_place_its_totals_and_its_events() -> None:
    events = [event(7, amount="10.50"), event(8, amount="1"), event(9, "HEARTBEAT")]
    root = batch_xml(ENVELOPE, BatchHeader("KZ-1", 3, "ab" * 32), events)
    batch = root.find("SignedData/Data/Root/GamingBatch")
    assert batch is not None
    assert [child.tag for child in batch] == [
        "ComplexId", "BatchSequence", "PreviousBatchHash", "FirstEventSequence", "LastEventSequence", "MadeAt",
        "Totals", "Events",
    ]  # fmt: skip
    assert [batch.findtext(tag) for tag in ("FirstEventSequence", "LastEventSequence", "MadeAt")] == [
        "7", "9", "2026-11-28T08:10:00.000Z",
    ]  # fmt: skip
    assert [dict(total.attrib) for total in batch.iterfind("Totals/Total")] == [
        {"Kind": "BUY-IN", "Count": "2", "Amount": "11.50"},
        {"Kind": "HEARTBEAT", "Count": "1", "Amount": "0"},
    ]


def test_attributes_stand_in_one_order_however_the_event_was_written() -> None:
    content = event(1, "REPLACE", replaced_kind="BUY-IN", original_sequence=1, coin_in=5, birth_date="1980-01-01")
    backwards = dict(reversed(content.items()))
    made = batch_xml(ENVELOPE, BatchHeader("KZ-1", 1), [backwards]).find(".//Event")
    assert made is not None
    assert list(made.attrib) == [
        "Sequence", "Id", "Kind", "Time", "Unit", "BirthDate", "OriginalSequence", "ReplacedKind", "CoinIn",
    ]  # fmt: skip


def test_a_member_that_no_attribute_stands_for_is_named() -> None:
    with pytest.raises(UnknownAttribute, match="'amunt'"):
        batch_xml(ENVELOPE, BatchHeader("KZ-1", 1), [event(1, amunt="1")])


def test_the_other_messages_have_their_parts() -> None:
    state = State("093", "Казино", "750000000", 60, (Unit("M-1", "MACHINE"),), ("cd" * 32,), "ef" * 32)
    trees = [
        end_of_day_xml(ENVELOPE, "KZ-1", date(2026, 11, 28), 9, [Figure("M-1", "BUY-IN", 13, 2, "11.50")]),
        registration_xml(ENVELOPE, "KZ-1", Action.REGISTER, state),
        registration_xml(ENVELOPE, "KZ-1", Action.RETIRE, reason="closed"),
        chain_repair_xml(ENVELOPE, "KZ-1", 4, Repairs.CHAIN, reason="disk replaced", previous="ab" * 32),
    ]
    tags = [[child.tag for child in tree.findall("SignedData/Data/Root/*")[-1]] for tree in trees]
    assert tags == [
        ["ComplexId", "Day", "LastEventSequence", "Figures"],
        [
            "ComplexId", "Action", "Kind", "Name", "Premises", "HeartbeatSeconds", "Certificate", "Units", "Software",
        ],
        ["ComplexId", "Action", "Reason"],
        ["ComplexId", "BatchSequence", "Repairs", "PreviousBatchHash", "Reason"],
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_a_signed_batch_verifies_in_either_encoding(encoding: Encoded) -> None:
    authority = make_authority("Test CA", NOW)
    issued = issue(authority, Subject(common_name="Casino", bin=OWNER), NOW)
    root = batch_xml(ENVELOPE, BatchHeader("KZ-1", 1), [event(1, reason="Қазақша")])
    body = sign_xml(root, issued.key, [issued.certificate], encoding)
    signer = verify_signature(etree.fromstring(body), TrustStore([authority.certificate]), NOW)
    assert signer.bin == OWNER
    assert len(sha256(body).hexdigest()) == 64


@given(st.lists(st.integers(0, 10**20), max_size=20))
def test_totals_are_exact_to_the_tiyn(amounts: list[int]) -> None:
    events = [event(number, amount=written(amount)) for number, amount in enumerate(amounts, 1)]
    for count, amount in totals_of(events).values():
        assert (count, in_tiyn(amount)) == (len(amounts), sum(amounts))
