import pytest

from codes.countries import country_names, currency_letters, currency_names, is_country, is_currency


@pytest.mark.parametrize("code", ["KZ", "RU", "DE", "US", "CN"])
def test_two_capital_letters_of_the_standard_are_a_country(code: str) -> None:
    assert is_country(code)


@pytest.mark.parametrize("code", ["kz", "Kz", "KAZ", "XX", "ZZ", "", " KZ", "КZ"])
def test_anything_else_is_no_country(code: str) -> None:
    assert not is_country(code)
    assert country_names(code) == {}


@pytest.mark.parametrize("code", ["398", "840", "978", "643", "036", "008"])
def test_three_digits_of_the_standard_are_a_currency(code: str) -> None:
    assert is_currency(code)


@pytest.mark.parametrize("code", ["36", "0398", "KZT", "000", "", "398 ", "٣٩٨"])
def test_anything_else_is_no_currency(code: str) -> None:
    assert not is_currency(code)
    assert currency_names(code) == {}
    assert currency_letters(code) is None


def test_names_are_given_in_the_languages_that_are_known() -> None:
    assert country_names("KZ") == {"kk": "Қазақстан", "ru": "Казахстан", "en": "Kazakhstan"}
    assert currency_names("398") == {"ru": "Тенге", "en": "Tenge"}
    assert currency_letters("398") == "KZT"
