"""Checks of single values: each takes the value and says what is wrong with it, or nothing."""

from functools import lru_cache

from codes.countries import is_country, is_currency
from codes.tables import CodeEntry, CodeTable
from validators.envelope import moment_flaw, receiver_flaw, transport_flaw
from validators.faults import Flaw
from validators.fm1.reading import Check, Setting
from validators.identifiers import has_kato_form, has_known_region, is_iban, is_oked, looks_like_iban
from validators.values import (
    has_date_form,
    is_usual_email,
    is_usual_phone,
    read_date,
)

_COUNTRY_LENGTH = 2
_CURRENCY_LENGTH = 3
_KATO_LENGTH = 9
_is_country = lru_cache(maxsize=1_024)(is_country)
_is_currency = lru_cache(maxsize=1_024)(is_currency)

_COUNTRY = Flaw("COD-005")
_CURRENCY = Flaw("COD-006")
_KATO_FORM = Flaw("COD-007")
_OKED = Flaw("COD-010")
_IBAN = Flaw("IDN-004")
_NO_SUCH_TIME = Flaw("TIM-001")
_PHONE = Flaw("FRM-001")
_EMAIL = Flaw("FRM-002")


def listed(*tables: CodeTable, under: str | None = None) -> Check:
    """The value is a code of one of the tables; of a table with several keys, one that stands under the first one.

    An unknown code is an error where the first table is complete, else a warning that it can't be verified. A code
    that differs by leading zeros alone is pointed out. A code that was closed counts until its day.
    """
    name = tables[0].name
    complete = tables[0].complete if under is None else tables[0].complete_for(under)
    codes: dict[str, list[CodeEntry]] = {}
    for table in tables:
        for entry in table if under is None else table.under(under):
            codes.setdefault(entry.key[under is not None], []).append(entry)
    always = frozenset(code for code, entries in codes.items() if any(map(_is_open, entries)))
    alike: dict[str, str] = {}
    for code in codes:
        bare = code.lstrip("0")
        alike[bare] = f"{alike[bare]}, {code}" if bare in alike else code

    def check(value: str, setting: Setting) -> Flaw | None:
        if value in always or any(entry.valid_on(setting.day) for entry in codes.get(value, ())):
            return None
        known = alike.get(value.lstrip("0")) if value not in codes else None
        if known is not None:
            return Flaw("COD-002" if complete else "COD-004", {"table": name, "known": known})
        return Flaw("COD-001" if complete else "COD-003", {"table": name})

    return check


def _is_open(entry: CodeEntry) -> bool:
    return entry.valid_from is None and entry.valid_to is None


def country(value: str, _: Setting) -> Flaw | None:
    """Two capital letters of ISO 3166-1."""
    return None if len(value) == _COUNTRY_LENGTH and _is_country(value) else _COUNTRY


def currency(value: str, _: Setting) -> Flaw | None:
    """Three digits of ISO 4217."""
    return None if len(value) == _CURRENCY_LENGTH and _is_currency(value) else _CURRENCY


def kato(value: str, _: Setting) -> Flaw | None:
    """Nine digits that begin with a region."""
    return _kato_flaw(value) if len(value) == _KATO_LENGTH else _KATO_FORM


@lru_cache(maxsize=4_096)
def _kato_flaw(value: str) -> Flaw | None:
    if not has_kato_form(value):
        return _KATO_FORM
    return None if has_known_region(value) else Flaw("COD-008", {"region": value[:2]})


def oked(value: str, _: Setting) -> Flaw | None:
    """Five digits."""
    return None if is_oked(value) else _OKED


def account(value: str, _: Setting) -> Flaw | None:
    """An account that begins with KZ and has 20 characters is an IBAN."""
    trimmed = value.strip()
    return _IBAN if looks_like_iban(trimmed) and not is_iban(trimmed) else None


def day(value: str, _: Setting) -> Flaw | None:
    """A date exists in the calendar; a value of another form is the schema's business."""
    return _NO_SUCH_TIME if read_date(value) is None and has_date_form(value) else None


def past_moment(value: str, setting: Setting) -> Flaw | None:
    """A moment exists in the calendar and does not lie in the future of receipt."""
    return moment_flaw(value, setting.received, setting.latest, setting.parameters.future_hours)


def phone(value: str, _: Setting) -> Flaw | None:
    """Telephone numbers in a usual form, or nothing."""
    return _PHONE if value and not is_usual_phone(value) else None


def email(value: str, _: Setting) -> Flaw | None:
    """E-mail addresses in a usual form, or nothing."""
    return _EMAIL if value and not is_usual_email(value) else None


def to_agency(value: str, _: Setting) -> Flaw | None:
    """The receiver of an entity's message is the agency."""
    return receiver_flaw(value)


def transport(value: str, _: Setting) -> Flaw | None:
    """The kind of transport is a number; nothing depends on it."""
    return transport_flaw(value)
