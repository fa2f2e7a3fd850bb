"""Messages are signed by the profile, and what is signed here is accepted here and by signxml."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import ConfigurationError
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.refusals import SignatureMissing, SignatureOutsideProfile, SignatureRefused
from gateway.sealing.xmldsig import sign_tree, sign_xml, verify_signature
from tests.sealing.kit import AT, MESSAGE, SAMPLES, Certificate, deep_leaf, intermediate, leaf, root, store
from tests.sealing.oracle import accepted_by_signxml

characters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\t\n\r")
texts = st.text(characters, max_size=20)


def signed(message: str, signer: Certificate, *others: Certificate) -> etree._Element:
    pems = [signer.pem, *(other.pem for other in others)]
    return etree.fromstring(sign_xml(etree.fromstring(message), signer.key_pem, pems))


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_message_is_signed_with_either_kind_of_key(kind: str) -> None:
    tree = signed(MESSAGE, leaf(kind))
    assert verify_signature(tree, store(), AT).bin == "230941821107"
    assert accepted_by_signxml(tree, root().pem, AT)


def test_intermediate_certificates_go_along() -> None:
    tree = signed(MESSAGE, deep_leaf(), intermediate())
    assert verify_signature(tree, store(), AT).bin == "230941821107"
    assert accepted_by_signxml(tree, root().pem, AT)


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE.replace("<Signature></Signature>", ""),
        MESSAGE.replace("<Signature></Signature>", "<Signature>old</Signature>\n"),
        MESSAGE.replace("</Data><Signature></Signature>", "\n</Data>\n<Signature/>\n"),
    ],
)
def test_the_signature_is_put_in_its_place_whatever_was_there(message: str) -> None:
    tree = signed(message, leaf())
    verify_signature(tree, store(), AT)
    place = tree.find("SignedData")
    assert place is not None
    assert [child.tag for child in place][-2:] == ["Data", "Signature"]


def test_the_result_is_utf_16_with_a_byte_order_mark_and_a_declaration() -> None:
    body = sign_xml(etree.fromstring(MESSAGE), leaf().key_pem, [leaf().pem])
    assert body.startswith(b"\xff\xfe")
    assert body.decode("utf-16").startswith("<?xml version='1.0' encoding='UTF-16'?>")


async def test_a_key_that_lives_elsewhere_signs_the_same() -> None:
    holder = LocalKeyHolder.from_pem(leaf().key_pem, leaf().pem)
    here = sign_xml(etree.fromstring(MESSAGE), leaf().key_pem, [leaf().pem])
    assert await sign_tree(etree.fromstring(MESSAGE), holder) == here


def test_a_sample_signed_again_is_accepted() -> None:
    tree = etree.fromstring((SAMPLES / "fm1-tampered-after-signing.xml").read_bytes())
    body = sign_xml(tree, leaf().key_pem, [leaf().pem])
    assert verify_signature(etree.fromstring(body), store(), AT).bin == "230941821107"


def test_a_key_of_another_certificate_signs_nothing() -> None:
    with pytest.raises(ConfigurationError):
        sign_xml(etree.fromstring(MESSAGE), leaf().key_pem, [leaf("rsa2048").pem])


@pytest.mark.parametrize("message", ["<a/>", "<ExportData/>"])
def test_what_is_no_message_is_not_signed(message: str) -> None:
    with pytest.raises(SignatureMissing):
        sign_xml(etree.fromstring(message), leaf().key_pem, [leaf().pem])


def test_a_message_with_two_signatures_is_not_signed() -> None:
    with pytest.raises(SignatureOutsideProfile):
        signed(MESSAGE.replace("<Signature></Signature>", "<Signature/><Signature/>"), leaf())


@given(note=texts, attribute=texts, blank=st.text(" \t\n\r", max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_signed_is_accepted_and_any_other_value_is_not(note: str, attribute: str, blank: str) -> None:
    tree = etree.fromstring(MESSAGE)
    place = tree.find("SignedData/Data/Root/Note")
    assert place is not None
    place.text, place.tail = note, blank
    place.set("Code", attribute)
    body = sign_xml(tree, leaf().key_pem, [leaf().pem])
    read = etree.fromstring(body)
    verify_signature(read, store(), AT)
    assert accepted_by_signxml(read, root().pem, AT)
    changed = read.find("SignedData/Data/Root/Note")
    assert changed is not None
    changed.set("Code", attribute + "x")
    with pytest.raises(SignatureRefused):
        verify_signature(read, store(), AT)


def test_signing_needs_no_event_loop_and_works_inside_one() -> None:
    async def inside() -> bytes:
        return sign_xml(etree.fromstring(MESSAGE), leaf().key_pem, [leaf().pem])

    assert asyncio.run(inside()) == sign_xml(etree.fromstring(MESSAGE), leaf().key_pem, [leaf().pem])
