"""Notices: `Ack1` and `Ack2` that the schemas accept and signxml verifies."""

from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from gateway.model import Receipt, Severity, Verdict
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.notices import error_number, make_notice
from gateway.sealing.xmldsig import verify_signature
from tests.sealing.facts import MOMENT, finding, holder, receipt, receipts
from tests.sealing.kit import AT, leaf, root, store
from tests.sealing.oracle import accepted_by_signxml, accepted_with_certificate
from validators.catalogue import catalogue

REFUSED = receipt(finding("MSG-001"), finding("COD-001", Severity.WARNING), verdict=Verdict.REFUSED)


def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(files("schemas").joinpath(f"xsd/fm1/2025-07-10/{name}.xsd"))))


SCHEMAS = {True: schema("Ack1"), False: schema("Ack2")}


async def notice(of: Receipt, receiver: str | None = None) -> etree._Element:
    body = await make_notice(of, holder(), receiver)
    assert body.startswith((b"\xff\xfe", b"\xfe\xff"))
    return etree.fromstring(body)


@pytest.mark.parametrize(
    ("of", "inner", "number"),
    [
        (receipt(document="A16DF06D-9D30-447A-8CDE-63A5BEDB6867"), "Check", "0"),
        (receipt(finding("COD-001", Severity.WARNING), verdict=Verdict.ACCEPTED_WITH_WARNINGS), "Check", "0"),
        (REFUSED, "Root", "131907001"),
        (receipt(verdict=Verdict.UNDETERMINED), "Root", "1"),
    ],
)
async def test_a_notice_is_valid_signed_and_tells_the_outcome(of: Receipt, inner: str, number: str) -> None:
    tree = await notice(of)
    SCHEMAS[of.verdict.stands].assertValid(tree)
    assert tree.findtext(f"SignedData/Data/{inner}/ErrorCode") == number
    assert tree.findtext("SignedData/TimeStamp") == "22.11.2026 21:45:00"
    assert tree.findtext("SignedData/Sender") == "AFM"
    assert tree.findtext("SignedData/Receiver") == "BIN230941821107"
    assert accepted_with_certificate(tree, holder().certificate, MOMENT)


async def test_a_notice_is_the_same_bytes_each_time() -> None:
    assert await make_notice(REFUSED, holder()) == await make_notice(REFUSED, holder())


async def test_a_notice_of_a_certified_gateway_passes_the_check_of_senders_too() -> None:
    signer = leaf()
    body = await make_notice(REFUSED, LocalKeyHolder.from_pem(signer.key_pem, signer.pem))
    verify_signature(etree.fromstring(body), store(), AT)
    assert accepted_by_signxml(etree.fromstring(body), root().pem, AT)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CASINO1", "CASINO1"), ("", "BIN230941821107"), ("casino", "BIN230941821107"), ("A" * 33, "BIN230941821107")],
)
async def test_the_receiver_is_the_name_that_the_sender_gave_itself(name: str, expected: str) -> None:
    assert (await notice(REFUSED, name)).findtext("SignedData/Receiver") == expected


@given(original=receipts)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
async def test_every_receipt_makes_a_valid_notice(original: Receipt) -> None:
    known = list(catalogue().entries)
    findings = tuple(
        finding(known[len(each.path) % len(known)], each.severity, (each.value or "").translate(CONTROLS))
        for each in original.findings
    )
    tree = await notice(receipt(*findings * 20, verdict=original.verdict, document=original.document))
    SCHEMAS[original.verdict.stands].assertValid(tree)


CONTROLS = dict.fromkeys([*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF])


def test_error_numbers_are_one_a_code_and_never_zero() -> None:
    numbers = [error_number(code) for code in catalogue().entries]
    assert len(set(numbers)) == len(numbers)
    assert all(int(number) > 1 for number in numbers)
    assert error_number("odd") == "1"
