"""Countries (ISO 3166-1 alpha-2) and currencies (ISO 4217 numeric), as pycountry holds them."""

import functools
import gettext
from collections.abc import Mapping
from types import MappingProxyType

import pycountry

from codes.manifest import LANGUAGES


def is_country(alpha2: str) -> bool:
    """Whether that is a country's code: two capital letters of ISO 3166-1, `KZ` but not `kz`."""
    return alpha2 in _countries()


def is_currency(numeric3: str) -> bool:
    """Whether that is a currency's code: three digits of ISO 4217, `398` for the tenge, `036` but not `36`."""
    return numeric3 in _currencies()


def country_names(alpha2: str) -> Mapping[str, str]:
    """The country's names by language (kk, ru, en), empty for no country; only languages that are known."""
    return _names("iso3166-1", _countries().get(alpha2))


def currency_names(numeric3: str) -> Mapping[str, str]:
    """The currency's names by language (ru, en), empty for no currency; only languages that are known."""
    return _names("iso4217", _currencies().get(numeric3))


def currency_letters(numeric3: str) -> str | None:
    """The currency's three letters of ISO 4217 (`KZT`), None for no currency."""
    return _currency_letters().get(numeric3)


@functools.cache
def _countries() -> Mapping[str, str]:
    return MappingProxyType({country.alpha_2: country.name for country in pycountry.countries})


@functools.cache
def _currencies() -> Mapping[str, str]:
    return MappingProxyType({currency.numeric: currency.name for currency in pycountry.currencies})


@functools.cache
def _currency_letters() -> Mapping[str, str]:
    return MappingProxyType({currency.numeric: currency.alpha_3 for currency in pycountry.currencies})


def _names(domain: str, english: str | None) -> Mapping[str, str]:
    if english is None:
        return MappingProxyType({})
    translated = {
        language: _translation(domain, language).gettext(english) for language in LANGUAGES if language != "en"
    }
    known = {language: name for language, name in translated.items() if name != english}
    return MappingProxyType({**known, "en": english})


@functools.cache
def _translation(domain: str, language: str) -> gettext.NullTranslations:
    return gettext.translation(domain, pycountry.LOCALES_DIR, languages=[language], fallback=True)
