"""What is digested off a regular text is, to the byte, what is digested of the tree."""

import random
from collections.abc import Callable

import pytest

from gateway.model import Signer
from gateway.sealing.canonical import signed_pieces
from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.xmldsig import digest_input, verify_message, verify_signature
from tests.sealing.attacks import ATTACKS
from tests.sealing.kit import AT, Making, store
from validators.encodings import decode
from validators.limits import DEFAULT_LIMITS
from validators.parsing import parse
from validators.refusals import Refusal
from validators.regular import is_regular
from validators.scanning import Names, scan
from validators.schemas import vocabulary

SIGNATURE = "<Signature>AAAA</Signature>"
PLAIN = (
    "<ExportData><SignedData><Sender>A</Sender><Data><Root><PersonalData><Organisation>ҚР ә</Organisation>"
    '<OrganisationArea Code="1 "/><AdditionalAcData /></PersonalData><Participants>\n<Participant/></Participants>'
    f"</Root></Data>{SIGNATURE}</SignedData><TransportType>1</TransportType></ExportData>"
)
SNIPPETS = [
    " ", "\n", "\t", "/", ">", "<", "!", "&amp;", "`", '"', "x", "<Code/>", "<Code />", "<Code  />", "<Code\n/>",
    "</Code>", '<Code Code="1"/>', "<Code Code='1'></Code>", "<Code ></Code >", "<Signature/>", SIGNATURE,
    "<Signature>", "</Signature>", "<Signature >", "<SignatureX/>",
    "<SignedData>", "</SignedData>", "<SignedData/>", "<SignedData></SignedData>",
    "<TransportType/>", "<TransportType><SignedData></SignedData></TransportType>", "</ExportData>", "<ExportData>",
    "<Data><Signature>A</Signature></Data>", "<![CDATA[x]]>", ' Code="1"', ' xmlns="urn:x"', "\r\n", "\u2028",
]  # fmt: skip


def told(check: Callable[[], Signer]) -> object:
    """Who signed, or the refusal by its names."""
    try:
        return check()
    except (Refusal, SignatureRefused) as refusal:
        return refusal.code, refusal.reason


def changed(chance: random.Random) -> str:
    """The message with some snippets between its letters, most of them where a tag begins or ends."""
    text = chance.choice(["", "<?xml version='1.0'?>", '<?xml version="1.0" encoding="UTF-8"?>\n']) + PLAIN
    for _ in range(chance.choice([1, 1, 2, 3])):
        places = [place for place, letter in enumerate(text) if letter in "<>"]
        place = chance.choice(places) + chance.choice([0, 1]) if chance.random() < 0.8 else chance.randrange(len(text))
        text = text[:place] + chance.choice(SNIPPETS) + text[place:]
    return text


def test_thousands_of_changed_texts_are_digested_as_their_trees_are() -> None:
    read = 0
    for seed in range(5_000):
        body = changed(random.Random(seed)).encode()
        try:
            root, decoded = parse(body).root, decode(body)
        except Refusal:
            continue
        text = decoded.text.encode()
        # not `parse(...).regular`: a thread that often met wrong end tags looks at them more closely
        names = scan(text, decoded.declaration_end, DEFAULT_LIMITS, vocabulary())
        pieces = signed_pieces(text) if names is Names.USUAL and is_regular(text) else None
        held = list(root.iterchildren("SignedData"))
        inside = [list(one.iterchildren("Signature")) for one in held]
        if pieces is None or len(held) != 1 or len(inside[0]) != 1 or len(inside[0][0]):
            continue
        read += 1
        assert b"".join(pieces) == digest_input(held[0]), seed
    assert read > 300


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Data>", f"<Data>{SIGNATURE}"),
        (SIGNATURE, f"{SIGNATURE}<Code><Signature/></Code>"),
        (SIGNATURE, "<Signature>AAAA</Signature >"),
        ("</Data>", "</Data >"),
        ("</Data>", "</Data\n>"),
        ("</Data>", "</Data\t>"),
        ("<TransportType>1</TransportType>", "<TransportType><SignedData></SignedData></TransportType>"),
        ("<ExportData>", "<ExportData><Data><SignedData></SignedData></Data>"),
        ("<ExportData>", "<ExportData>1"),
        ("<SignedData>", '<SignedData Code="1">'),
    ],
)
def test_what_can_not_be_read_off_a_text_is_left_to_the_tree(old: str, new: str) -> None:
    assert signed_pieces(PLAIN.encode()) is not None
    text = PLAIN.replace(old, new, 1).encode()
    assert parse(text).root.tag == "ExportData"
    assert is_regular(text)
    assert signed_pieces(text) is None


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_a_message_is_refused_as_one_on_its_tree(name: str) -> None:
    def by(verify: Callable[[bytes], Signer]) -> object:
        return told(lambda: verify(ATTACKS[name].making.body()))

    assert by(lambda body: verify_message(parse(body), store(), AT)) == by(
        lambda body: verify_signature(parse(body).root, store(), AT)
    )


def test_an_honest_message_is_verified_off_its_text() -> None:
    message = parse(Making(message=PLAIN.replace(SIGNATURE, "<Signature></Signature>")).body())
    assert message.regular is not None
    assert signed_pieces(message.regular) is not None
    assert verify_message(message, store(), AT).bin == "230941821107"


def test_a_text_that_was_changed_after_signing_is_refused() -> None:
    making = Making(message=PLAIN.replace(SIGNATURE, "<Signature></Signature>"))
    message = parse(making.text().replace("<Sender>A", "<Sender>B").encode())
    assert message.regular is not None
    assert told(lambda: verify_message(message, store(), AT)) == ("signature-wrong", "digest")
