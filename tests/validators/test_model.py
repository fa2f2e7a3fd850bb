from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, ValidationError

from tests.support.fm1 import Case, clean, fm1_rules
from validators.fm1.model import FM1
from validators.fm1.reading import Shape


def _read(base: str, changes: str = "") -> FM1:
    return FM1.model_validate(Case(clean(base)).change(changes).judge().content)


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part)) is not None), None)


def _compare(shape: Shape, model: type[BaseModel], place: str) -> None:
    fields = {field.alias: field for field in model.model_fields.values()}
    expected = set(shape.children) | ({f"@{shape.attribute}"} if shape.attribute else set())
    expected |= set() if shape.container else {"#text"}
    missing = expected - fields.keys()
    extra = fields.keys() - expected
    assert not missing, f"{place}: {missing}"
    assert extra <= {"#text"}, f"{place}: {extra}"
    for tag, below in shape.children.items():
        inner = _inner(fields[tag].annotation)
        if below.container or below.attribute:
            assert inner is not None, f"{place}/{tag}"
            _compare(below, inner, f"{place}/{tag}")


def test_the_models_mirror_every_element_that_the_rules_read() -> None:
    signed = fm1_rules().shape.children["SignedData"]
    _compare(signed, FM1, "SignedData")


def test_the_reversed_tags_of_the_officer_have_honest_names() -> None:
    reporter = _read("casino").reporter
    assert reporter.officer_surname == "Садыкова"
    assert reporter.officer_given_name == "Динара"


def test_the_swapped_series_and_number_of_the_entitys_document_have_honest_names() -> None:
    person = _read(
        "casino",
        "set //AdditionalAcData/@IsAc = True ; add //AdditionalAcData = <LastName>Иванов</LastName> ; "
        "add //AdditionalAcData = <DocumentIdentity>01</DocumentIdentity> ; "
        "add //AdditionalAcData = <SeriesDocIdentity>123456789</SeriesDocIdentity> ; "
        "add //AdditionalAcData = <NumberDocIdentity>N</NumberDocIdentity>",
    ).reporter.person
    assert person is not None
    assert person.is_natural_person
    assert (person.document_number, person.document_series) == ("123456789", "N")


def test_a_participants_document_is_not_swapped() -> None:
    person = _read("casino").participants[0].branch.natural_person
    assert person is not None
    assert (person.document_series, person.document_number) == ("N", "725676699")
    assert person.name is not None
    assert person.name.given_name == "Әсем"
    assert person.born == date(1998, 9, 12)


def test_values_are_typed_and_codes_stay_strings() -> None:
    read = _read("casino")
    assert read.message.operation_kind == "0121"
    assert read.message.amount_tenge == Decimal("12000000.00")
    assert read.message.operation_at == datetime(2026, 11, 20, 15, 30, tzinfo=ZoneInfo("Asia/Almaty"))
    assert read.message.form_date == date(2026, 11, 20)
    assert read.message.payment_purpose is not None
    assert read.message.payment_purpose.code == "119"
    assert read.message.indicators == ()
    assert read.references == ()
    assert read.document == "A16DF06D-9D30-447A-8CDE-63A5BEDB6867"


def test_a_suspicious_operation_is_read_with_both_participants() -> None:
    read = _read("bank")
    assert read.message.indicators == ("1036",)
    assert read.version == "C6EEACFB-BB8D-4CAF-ABEA-60AA57F98A5B"
    company = read.participants[1].branch.legal_person
    assert company is not None
    assert company.full_name is not None
    assert company.full_name.name == "ТОО Ромашка"
    assert not company.full_name.cannot_be_established
    assert read.participants[1].founders.items[0].kind == "2"


def test_models_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(_read("casino"), "sen" + "der", "OTHER")


def test_content_without_a_required_block_is_no_fm1() -> None:
    with pytest.raises(ValidationError):
        FM1.model_validate({"Sender": "A", "Receiver": "AFM", "TimeStamp": "20.11.2026 15:30:00", "Data": {}})
