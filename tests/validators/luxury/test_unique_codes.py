import secrets
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validators.luxury.unique_codes import (
    ALPHABET,
    LENGTH,
    CodeFault,
    CodeKind,
    CodeRefused,
    UniqueCode,
    check_character,
    make_code,
    read_code,
)

RANDOM = Random(7064)
CODES = [make_code(kind, RANDOM.choice) for kind in CodeKind for _ in range(40)]
EVERY_SIGN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
codes = st.builds(lambda kind, seed: make_code(kind, Random(seed).choice), st.sampled_from(CodeKind), st.integers())


def fault_of(typed: str, kind: CodeKind | None = None) -> CodeFault | None:
    try:
        read_code(typed, kind)
    except CodeRefused as refused:
        return refused.fault
    return None


def test_the_check_character_is_that_of_other_programs() -> None:
    assert check_character("G123489654321") == "Y"


def test_every_single_wrong_character_is_detected() -> None:
    for code in CODES:
        for place, right in enumerate(code.text):
            for wrong in EVERY_SIGN:
                if wrong != right:
                    assert fault_of(code.text[:place] + wrong + code.text[place + 1 :]) is not None


def test_every_exchange_of_two_characters_is_detected_however_far_apart_they_are() -> None:
    for code in CODES:
        for first, second in combinations(range(LENGTH), 2):
            signs = list(code.text)
            signs[first], signs[second] = signs[second], signs[first]
            if "".join(signs) != code.text:
                assert fault_of("".join(signs)) is not None


def test_every_lost_and_every_doubled_character_is_detected() -> None:
    for code in CODES:
        for place in range(LENGTH):
            assert fault_of(code.text[:place] + code.text[place + 1 :]) is CodeFault.LENGTH
            assert fault_of(code.text[:place] + code.text[place] + code.text[place:]) is CodeFault.LENGTH


def test_no_sign_of_a_code_is_taken_for_another_one() -> None:
    assert not set(ALPHABET) & set("01ILO")
    assert all(set(code.text) <= set(ALPHABET) for code in CODES)
    assert {code.kind for code in CODES} == set(CodeKind)


def test_codes_are_drawn_from_the_whole_alphabet_and_do_not_repeat() -> None:
    drawn = {make_code(CodeKind.ITEM, secrets.choice).text for _ in range(5_000)}
    assert len(drawn) == 5_000
    for place in range(1, LENGTH):
        assert {text[place] for text in drawn} == set(ALPHABET)


@given(codes)
def test_a_code_reads_back_from_its_groups_in_either_case(code: UniqueCode) -> None:
    for shown in (code.text, code.grouped, code.grouped.lower(), " " + code.grouped.replace("-", " ") + "\n"):
        assert read_code(shown) == code


@given(codes)
def test_cyrillic_and_greek_look_alikes_and_odd_hyphens_are_understood(code: UniqueCode) -> None:
    cyrillic = code.text.translate(str.maketrans("ABCEHKMPTXY3", "АВСЕНКМРТХУЗ"))
    greek = code.text.translate(str.maketrans("ABEZHKMNPTYX", "ΑΒΕΖΗΚΜΝΡΤΥΧ"))
    for typed in (
        cyrillic,
        cyrillic.lower(),
        greek,
        code.grouped.replace("-", "\u2013"),
        code.text[:7] + "\u00ad" + code.text[7:],
    ):
        assert read_code(typed) == code


@pytest.mark.parametrize("ambiguous", ["0", "O", "o", "О", "1", "I", "l", "L", "|"])
def test_what_could_stand_for_two_characters_is_never_guessed(ambiguous: str) -> None:
    assert fault_of(CODES[0].text[:5] + ambiguous + CODES[0].text[6:]) is CodeFault.CHARACTER


def test_a_code_of_another_kind_is_refused_where_one_kind_is_wanted() -> None:
    item = make_code(CodeKind.ITEM, RANDOM.choice)
    assert fault_of(item.text, CodeKind.OPERATION) is CodeFault.KIND
    assert fault_of(item.text, CodeKind.ITEM) is None


@given(st.text(max_size=200))
def test_any_other_text_is_refused_and_what_is_read_is_always_a_code(text: str) -> None:
    try:
        code = read_code(text)
    except CodeRefused:
        return
    assert read_code(code.text) == code
