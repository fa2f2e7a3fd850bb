"""Signatures of the profile are accepted in every form that the profile allows, and signxml accepts them too."""

import base64
import textwrap

import pytest
from lxml import etree

from gateway.model import Signer
from gateway.sealing.certificates import fingerprint_of
from gateway.sealing.refusals import SignatureWrong
from gateway.sealing.trust import TrustStore
from gateway.sealing.xmldsig import digest_input, verify_signature
from tests.sealing.kit import (
    AT,
    DSIG,
    MESSAGE,
    SAMPLES,
    Making,
    deep_leaf,
    high_s,
    independent_input,
    intermediate,
    leaf,
    raw_signature,
    root,
    store,
    swap,
)
from tests.sealing.oracle import accepted_by_signxml

GOOD_SAMPLES = ["fm1-threshold-casino.xml", "fm1-threshold-jeweller.xml", "fm1-suspicious-bank-rsa.xml"]
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def wrapped(text: str) -> str:
    return "\r\n" + "\n".join(textwrap.wrap(text, 64)) + "\t \n"


def unprefixed(text: str) -> str:
    return text.replace("ds:", "").replace("xmlns:ds", "xmlns")


def spaced(text: str) -> str:
    return text.replace("><ds:", ">\n  <ds:").replace("></ds:", ">\n</ds:")


ACCEPTED = {
    "plain": Making(),
    "rsa": Making(signer=leaf("rsa2048")),
    "high_s": Making(value=high_s),
    "outer_base64_with_white_space": Making(encoded=wrapped),
    "inner_base64_with_white_space": Making(whole=swap("</ds:X509Certificate>", " \n</ds:X509Certificate>")),
    "carriage_return_references_as_java_writes_them": Making(
        whole=swap("</ds:SignatureValue>", "&#13;\n</ds:SignatureValue>")
    ),
    "declaration": Making(whole=lambda text: DECLARATION + text),
    "declaration_in_small_letters_and_quotes": Making(
        whole=lambda text: "<?xml version='1.0' encoding='utf-8' standalone='no' ?>\n" + text + "\n"
    ),
    "declaration_without_encoding": Making(whole=lambda text: '<?xml version="1.0"?>' + text),
    "white_space_between_elements": Making(
        signed_info=spaced, whole=swap("<ds:KeyInfo><ds:X509Data>", "\n<ds:KeyInfo>\n\t<ds:X509Data>\r\n")
    ),
    "intermediate": Making(signer=deep_leaf(), others=(intermediate(),)),
    "root_among_the_intermediates": Making(signer=deep_leaf(), others=(root(), intermediate())),
    "root_alone_beside_the_signer": Making(others=(root(),)),
    "signature_first": Making(
        message=MESSAGE.replace("<Signature></Signature>", "").replace(
            "<SignedData>", "<SignedData><Signature></Signature>"
        )
    ),
    "white_space_around_the_signature": Making(
        message=MESSAGE.replace("<Signature></Signature>", "\n  <Signature></Signature>\n ").replace(
            "</SignedData>", "</SignedData>\n\n"
        )
    ),
    "white_space_after_a_first_signature": Making(
        message=MESSAGE.replace("<Signature></Signature>", "").replace(
            "<SignedData>", "<SignedData> <Signature></Signature>\n"
        )
    ),
    "unused_namespaces_on_the_root": Making(message=MESSAGE.replace("<ExportData>", '<ExportData xmlns:x="urn:x">')),
    "namespaces_of_the_root_used_below": Making(
        message=MESSAGE.replace("<ExportData>", '<ExportData xmlns:x="urn:x">').replace("<Note>", '<Note x:a="1">')
    ),
    "xml_attributes_of_the_root": Making(message=MESSAGE.replace("<ExportData>", '<ExportData xml:lang="kk">')),
    "character_data_sections_in_the_message": Making(
        delivered=swap("<Sender>CASINO230941821107</Sender>", "<Sender><![CDATA[CASINO230941821107]]></Sender>")
    ),
    "character_references_in_the_message": Making(delivered=swap("₸", "&#8376;")),
    "a_changed_transport_type": Making(delivered=swap("<TransportType>1<", "<TransportType>2<")),
    "signature_text_in_a_character_data_section": Making(
        delivered=lambda text: text.replace("<Signature>", "<Signature><![CDATA[").replace(
            "</Signature>", "]]></Signature>"
        )
    ),
    "an_element_whose_name_begins_with_signature": Making(
        message=MESSAGE.replace("<Note>", "<SignatureDate>1</SignatureDate><Note>")
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_signature_of_the_profile_is_accepted_here_and_by_signxml(case: str) -> None:
    making = ACCEPTED[case]
    tree = making.tree()
    before = etree.tostring(tree)
    signer = verify_signature(tree, store(), AT)
    assert signer == Signer(fingerprint_of(making.signer.der), "230941821107", "741120310224")
    assert accepted_by_signxml(tree, root().pem, AT)
    assert etree.tostring(tree) == before


@pytest.mark.parametrize("prefix", ["dsig", "signature", "Ә", "_"])
def test_any_prefix_for_the_signature_namespace_is_accepted(prefix: str) -> None:
    tree = Making().tree()
    place = tree.find("SignedData/Signature")
    assert place is not None
    text = base64.b64decode(place.text or "").decode()
    renamed = text.replace("ds:", f"{prefix}:").replace("xmlns:ds", f"xmlns:{prefix}")
    resigned = _signed_again(renamed, prefix)
    place.text = base64.b64encode(resigned.encode()).decode()
    verify_signature(tree, store(), AT)
    assert accepted_by_signxml(tree, root().pem, AT) or not prefix.isascii(), "signxml can't digest what is not ASCII"


def test_the_default_namespace_may_be_that_of_signatures() -> None:
    tree = Making().tree()
    place = tree.find("SignedData/Signature")
    assert place is not None
    text = unprefixed(base64.b64decode(place.text or "").decode())
    place.text = base64.b64encode(_signed_again(text, None).encode()).decode()
    verify_signature(tree, store(), AT)
    assert accepted_by_signxml(tree, root().pem, AT)


def test_tags_that_are_not_ascii_are_digested_like_any_other() -> None:
    making = Making(message=MESSAGE.replace("<Note>", "<Сһеck>ӘӨ</Сһеck><Note>"))
    assert verify_signature(making.tree(), store(), AT).bin == "230941821107"
    with pytest.raises(SignatureWrong):
        verify_signature(_swapped(making, "ӘӨ", "ӘҰ"), store(), AT)


@pytest.mark.parametrize("sample", GOOD_SAMPLES)
def test_the_samples_are_signed_by_those_whose_certificates_lie_beside_them(sample: str) -> None:
    anchors = (SAMPLES / "ca.pem").read_bytes()
    tree = etree.fromstring((SAMPLES / sample).read_bytes())
    signer = verify_signature(tree, TrustStore([anchors]), AT)
    assert signer.bin is not None
    assert signer.bin == tree.findtext(".//IINBIN")
    assert accepted_by_signxml(tree, anchors, AT)


def test_the_sample_that_was_changed_after_signing_is_refused_for_its_digest() -> None:
    tree = etree.fromstring((SAMPLES / "fm1-tampered-after-signing.xml").read_bytes())
    with pytest.raises(SignatureWrong) as refusal:
        verify_signature(tree, TrustStore([(SAMPLES / "ca.pem").read_bytes()]), AT)
    assert refusal.value.reason == "digest"


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE"])
def test_the_encoding_on_the_wire_makes_no_difference(encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?>{Making().text()}".encode(encoding)
    verify_signature(etree.fromstring(body), store(), AT)


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_digested_is_the_tree_with_the_signature_taken_out(case: str) -> None:
    tree = ACCEPTED[case].tree()
    signed = tree.find("SignedData")
    assert signed is not None
    assert digest_input(signed) == independent_input(tree)


def _signed_again(text: str, prefix: str | None) -> str:
    """The same signature with its value made anew, for a prefix changes what is signed."""
    parsed = etree.fromstring(text)
    info = etree.tostring(parsed[0], method="c14n", exclusive=True, with_comments=False)
    parsed[1].text = base64.b64encode(raw_signature(leaf().key, info)).decode()
    assert parsed.nsmap == {prefix: DSIG}
    return etree.tostring(parsed, encoding="unicode")


def _swapped(making: Making, old: str, new: str) -> etree._Element:
    return etree.fromstring(making.body().decode("utf-16").replace(old, new).encode("utf-16"))
