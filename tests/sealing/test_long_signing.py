"""A message is signed from file to file in bounded memory, and its signature is one that everybody accepts."""

import io
import tempfile
from pathlib import Path

import pytest
from lxml import etree

from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.long_signing import sign_file, sign_long
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.xmldsig import Encoded, sign_xml, verify_signature
from tests.sealing.kit import AT, MESSAGE, leaf, root, store
from tests.sealing.oracle import accepted_by_signxml
from validators.limits import DEFAULT_LIMITS, Limits
from validators.long_text import settle
from validators.parsing import parse
from validators.refusals import Refusal, TooLarge

EMPTY = "<Signature></Signature>"
OLD = "<Signature><![CDATA[</Signature>]]>old</Signature >"
PLACES = {
    "empty": MESSAGE,
    "short": MESSAGE.replace(EMPTY, "<Signature />\n"),
    "old": MESSAGE.replace(EMPTY, OLD),
    "missing": MESSAGE.replace(EMPTY, "\n"),
    "first": MESSAGE.replace(EMPTY, "").replace("<Sender>", f"{EMPTY}\n<Sender>"),
    "misleading": MESSAGE.replace("<Note>", "<Note><![CDATA[<Signature></SignedData>]]>&lt;Signature/>"),
}
NOT_SIGNABLE = {
    "nested": MESSAGE.replace("<Note>", "<Note><Signature/>"),
    "nested only": MESSAGE.replace(EMPTY, "").replace("<Note>", "<Note><Signature/>"),
    "outside": MESSAGE.replace("<TransportType>", "<Signature/><TransportType>"),
    "twice": MESSAGE.replace(EMPTY, EMPTY + EMPTY),
    "attribute": MESSAGE.replace(EMPTY, '<Signature a="b"/>'),
    "closed": "<ExportData><SignedData/></ExportData>",
    "another": "<a/>",
    "namespace": MESSAGE.replace("<Data>", '<Data xmlns="relative">'),
}


def holder(kind: str = "p256") -> LocalKeyHolder:
    return LocalKeyHolder.from_pem(leaf(kind).key_pem, leaf(kind).pem)


def signed(message: str, size: int, encoding: Encoded = "UTF-16", kind: str = "p256") -> bytes:
    out = io.BytesIO()
    with tempfile.TemporaryFile() as file:
        file.write(message.encode())
        file.flush()
        sign_long(settle(file, DEFAULT_LIMITS, size), holder(kind), out, encoding)
    return out.getvalue()


@pytest.mark.parametrize("size", [5, 64, 4_096])
@pytest.mark.parametrize("name", PLACES)
def test_the_result_is_what_signing_the_tree_gives(name: str, size: int) -> None:
    body = signed(PLACES[name], size)
    of_tree = sign_xml(etree.fromstring(PLACES[name]), leaf("p256").key_pem, [leaf("p256").pem])
    assert canonical(body) == canonical(of_tree)
    assert verify_signature(parse(body).root, store(), AT).bin == "230941821107"
    assert accepted_by_signxml(etree.fromstring(body), root().pem, AT)


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_it_is_written_in_either_encoding_with_either_kind_of_key(encoding: Encoded, kind: str) -> None:
    body = signed("\ufeff<?xml version='1.0' encoding='utf-8'?>\r\n" + MESSAGE, 100, encoding, kind)
    verify_signature(parse(body).root, store(), AT)
    text = body.decode(encoding)
    assert text.startswith(f"<?xml version='1.0' encoding='{encoding}'?>\n<ExportData>")


@pytest.mark.parametrize("name", NOT_SIGNABLE)
def test_what_has_no_one_place_for_a_signature_is_not_signed(name: str) -> None:
    with pytest.raises(SignatureRefused):
        signed(NOT_SIGNABLE[name], 64)


def test_a_file_is_signed_in_place_or_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "batch.xml"
    file.write_text(MESSAGE)
    sign_file(file, file, holder())
    whole = file.read_bytes()
    verify_signature(parse(whole).root, store(), AT)
    file.write_bytes(whole[:-20])
    with pytest.raises(Refusal):
        sign_file(file, file, holder())
    assert file.read_bytes() == whole[:-20]
    assert list(tmp_path.iterdir()) == [file]


def test_what_nobody_would_take_for_its_length_is_not_written(tmp_path: Path) -> None:
    file, out = tmp_path / "batch.xml", tmp_path / "signed.xml"
    file.write_text(MESSAGE)
    limits = Limits(bytes=len(MESSAGE.encode()) + 2_500)
    sign_file(file, out, holder(), "UTF-8", limits)
    written = out.read_bytes()
    with pytest.raises(TooLarge):
        sign_file(file, out, holder(), "UTF-16", limits)
    assert out.read_bytes() == written


def canonical(body: bytes) -> bytes:
    return etree.tostring(etree.fromstring(body), method="c14n", exclusive=True)
