from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from validators.identifiers import (
    IdentifierProblem,
    birth_dates,
    check_digit,
    has_kato_form,
    has_known_region,
    iban_check_digits,
    identifier_problem,
    is_bin,
    is_guid,
    is_iban,
    is_identifier,
    is_iin,
    is_knp,
    is_oked,
    looks_like_iban,
    regions,
)

ELEVEN = st.from_regex(r"[0-9]{11}", fullmatch=True)
ACCOUNTS = st.from_regex(r"[0-9]{3}[A-Z0-9]{13}", fullmatch=True)


@pytest.mark.parametrize("value", ["123456789011", "123456789021"])
def test_the_demonstration_values_of_the_certification_centre_fail(value: str) -> None:
    assert identifier_problem(value) is IdentifierProblem.CHECK_DIGIT


@pytest.mark.parametrize("value", ["980912498058", "230941821107", "991013409860", "220543346978", "170141572457"])
def test_identifiers_of_the_samples_hold(value: str) -> None:
    assert is_identifier(value)


@pytest.mark.parametrize("value", ["", "98091249805", "9809124980588", "98091249805A", " 980912498058", "٩٨٠٩١٢٤٩٨٠٥٨"])
def test_what_is_not_twelve_ascii_digits_has_the_wrong_form(value: str) -> None:
    assert identifier_problem(value) is IdentifierProblem.FORM


@given(eleven=ELEVEN)
def test_at_most_one_twelfth_digit_completes_eleven(eleven: str) -> None:
    right = check_digit(eleven)
    fitting = [digit for digit in "0123456789" if is_identifier(eleven + digit)]
    assert fitting == ([] if right is None else [str(right)])


@given(eleven=ELEVEN, place=st.integers(0, 9), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_of_the_first_ten_is_found_where_the_first_weights_decide(
    eleven: str, place: int, digit: str
) -> None:
    changed = eleven[:place] + digit + eleven[place + 1 :]
    assume(changed != eleven)
    totals = [sum(int(d) * w for w, d in enumerate(number, 1)) % 11 for number in (eleven, changed)]
    assume(10 not in totals)
    assert not is_identifier(changed + str(check_digit(eleven)))


def test_the_second_weights_decide_where_the_first_give_ten() -> None:
    eleven = "00000000010"
    assert sum(int(digit) * weight for weight, digit in enumerate(eleven, 1)) % 11 == 10
    assert check_digit(eleven) == 1


def test_no_number_begins_with_eleven_digits_that_give_ten_twice() -> None:
    impossible = [f"{number:011d}" for number in range(2_000) if check_digit(f"{number:011d}") is None]
    assert impossible
    assert not any(is_identifier(impossible[0] + digit) for digit in "0123456789")


@pytest.mark.parametrize(
    ("iin", "born"),
    [
        ("980912498058", {date(1998, 9, 12)}),
        ("850101100000", {date(1885, 1, 1)}),
        ("050101500000", {date(2005, 1, 1)}),
        ("000229600000", {date(2000, 2, 29)}),
        ("000229400000", set[date]()),
        ("980912098058", {date(1898, 9, 12), date(1998, 9, 12), date(2098, 9, 12)}),
        ("980932498058", set[date]()),
    ],
)
def test_the_seventh_digit_names_the_century_of_birth(iin: str, born: set[date]) -> None:
    assert birth_dates(iin) == born


def test_an_iin_begins_with_a_day_and_a_bin_with_a_month_and_a_type() -> None:
    assert is_iin("980912498058")
    assert not is_bin("980912498058")
    assert is_bin("230941821107")
    assert not is_iin("230941821107")


def test_the_iban_of_the_act_holds() -> None:
    assert is_iban("KZ86125KZT5004100100")
    assert iban_check_digits("125KZT5004100100") == "86"


@given(account=ACCOUNTS)
def test_an_account_with_its_check_digits_is_an_iban(account: str) -> None:
    value = f"KZ{iban_check_digits(account)}{account}"
    assert is_iban(value)
    assert looks_like_iban(value)


@given(account=ACCOUNTS, digits=st.from_regex(r"[0-9]{2}", fullmatch=True))
def test_other_check_digits_make_no_iban(account: str, digits: str) -> None:
    assume((int(digits) - int(iban_check_digits(account))) % 97)
    assert not is_iban(f"KZ{digits}{account}")


@pytest.mark.parametrize(
    "value", ["kz86125KZT5004100100", "KZ86125KZT500410010", "KZ86ABCKZT5004100100", "KZ86125kzt5004100100"]
)
def test_another_form_is_no_iban(value: str) -> None:
    assert not is_iban(value)


def test_check_digits_are_refused_for_what_cannot_be_an_account() -> None:
    with pytest.raises(ValueError, match="upper-case"):
        iban_check_digits("125kzt")


def test_regions_are_the_twenty_of_kato_with_names_in_three_languages() -> None:
    assert len(regions()) == 20
    assert regions()["75"].name("ru") == "Город Алматы"
    assert regions()["62"].name("kk") == "Ұлытау облысы"
    assert regions()["10"].name("en") == "Abai region"


def test_a_kato_code_is_nine_digits_that_begin_with_a_region() -> None:
    assert has_kato_form("751710000")
    assert not has_kato_form("75171000")
    assert has_known_region("751710000")
    assert not has_known_region("120000000")


def test_payment_purposes_activities_and_guids_have_their_forms() -> None:
    assert is_knp("119")
    assert not is_knp("19")
    assert is_oked("47770")
    assert not is_oked("4777A")
    assert is_guid("A16DF06D-9D30-447A-8CDE-63A5BEDB6867")
    assert not is_guid("a16df06d-9d30-447a-8cde-63a5bedb6867")
