"""Whatever is outside the profile, or wrong, is refused by name; what signxml refuses is refused here too."""

import base64
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.sealing.refusals import SignatureRefused
from gateway.sealing.sigform import base64_value, read_form
from gateway.sealing.xmldsig import verify_signature
from tests.sealing.attacks import ATTACKS
from tests.sealing.kit import AT, Making, leaf, root, store
from tests.sealing.oracle import accepted_by_signxml


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_name_and_leaves_the_tree_as_it_was(name: str) -> None:
    attack = ATTACKS[name]
    tree = attack.making.tree()
    before = etree.tostring(tree)
    with pytest.raises(SignatureRefused) as refusal:
        verify_signature(tree, store(), AT)
    assert (refusal.value.code, refusal.value.reason) == (attack.code, attack.reason)
    assert etree.tostring(tree) == before


def test_there_are_more_than_a_hundred_attacks_and_signxml_falls_for_some() -> None:
    accepted = [name for name, attack in ATTACKS.items() if accepted_by_signxml(attack.making.tree(), root().pem, AT)]
    assert len(ATTACKS) > 150
    assert len(accepted) > 20, accepted


@given(seed=st.integers(0, 2**32), changes=st.integers(1, 3), kind=st.sampled_from(["p256", "rsa2048"]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_signxml_refuses_of_a_changed_signature_is_refused(seed: int, changes: int, kind: str) -> None:
    generator = random.Random(seed)
    making = Making(signer=leaf(kind))
    signature = bytearray(making.signature().encode())
    for _ in range(changes):
        _change(signature, generator)
    text = base64.b64encode(bytes(signature)).decode()
    tree = making.but_encoded(text).tree()
    try:
        verify_signature(tree, store(), AT)
    except SignatureRefused:
        return
    assert accepted_by_signxml(tree, root().pem, AT)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_signxml_refuses_of_a_changed_message_is_refused(seed: int) -> None:
    generator = random.Random(seed)
    body = bytearray(Making().text().encode())
    _change(body, generator)
    try:
        tree = etree.fromstring(bytes(body))
    except etree.XMLSyntaxError:
        return
    try:
        verify_signature(tree, store(), AT)
    except SignatureRefused:
        return
    assert accepted_by_signxml(tree, root().pem, AT)


@given(
    value=st.binary(min_size=1, max_size=200),
    breaks=st.lists(st.tuples(st.integers(0, 300), st.sampled_from(" \t\r\n"))),
)
def test_base64_is_read_with_white_space_anywhere(value: bytes, breaks: list[tuple[int, str]]) -> None:
    text = base64.b64encode(value).decode()
    for place, blank in breaks:
        text = text[:place] + blank + text[place:]
    assert base64_value(text, "x") == value


@given(text=st.text(max_size=40))
def test_text_that_is_not_the_one_base64_of_its_bytes_is_refused(text: str) -> None:
    compact = "".join(character for character in text if character not in " \t\r\n")
    try:
        value = base64_value(text, "x")
    except SignatureRefused:
        return
    assert base64.b64encode(value).decode() == compact


@given(content=st.binary(max_size=300))
def test_no_bytes_in_place_of_a_signature_do_more_than_be_refused(content: bytes) -> None:
    with pytest.raises(SignatureRefused):
        read_form(base64.b64encode(content).decode())


def _change(data: bytearray, generator: random.Random) -> None:
    """One change somewhere: a byte replaced, a piece taken out, doubled or moved."""
    start = generator.randrange(len(data))
    end = min(len(data), start + generator.choice((1, 1, 2, 8, 40, 200)))
    piece = bytes(data[start:end])
    match generator.randrange(4):
        case 0:
            data[start] = generator.choice(b"AZaz09+/=<>\"' &;\n!-\x00")
        case 1:
            del data[start:end]
        case 2:
            data[start:start] = piece
        case _:
            del data[start:end]
            place = generator.randrange(len(data) + 1)
            data[place:place] = piece
