"""Schema, code tables, documentation and model agree with each other."""

import re
from datetime import date
from importlib.resources import files

import pytest
from lxml import etree

from codes.editions import load_codebook
from gateway.client.gaming import ATTRIBUTES
from gateway.docs.gaming import render_events
from tests.support.gaming import PAGE, GamingCase, examples, gaming_rules
from validators.attributes import snake
from validators.gaming.messages import BATCH, MESSAGES
from validators.gaming.vocabulary import COMMON
from validators.model import Verdict
from validators.numbers import MOST
from validators.parsing import parse
from validators.profiles import ProfileBook
from validators.schemas import schema_for, schema_root

XS = "{http://www.w3.org/2001/XMLSchema}"
EDITION = "2026-01-01"
FOLDER = schema_root() / "gaming" / EDITION
CODES = load_codebook().edition("gaming-2026-01-01")
ORDER_13 = load_codebook().on(date(2026, 11, 28))


def _schema_attributes() -> list[etree._Element]:
    return etree.parse(FOLDER / "GamingBatch.xsd").findall(f"{XS}element[@name='Event']//{XS}attribute")


def test_the_attributes_of_an_event_are_those_of_the_tables_and_of_the_builders() -> None:
    declared = [str(attribute.get("name")) for attribute in _schema_attributes()]
    in_tables = {entry.key[1] for entry in CODES.table("event_fields")}
    assert set(declared) == {*COMMON, *in_tables}
    assert [snake(name) for name in declared] == list(ATTRIBUTES)
    assert {name for name in declared if name in COMMON} == {
        str(attribute.get("name")) for attribute in _schema_attributes() if attribute.get("use") == "required"
    }


def test_what_is_a_number_in_the_schema_is_a_number_in_the_content() -> None:
    readers = gaming_rules().vocabulary.readers
    for attribute in _schema_attributes():
        whole = attribute.get("type") in ("SequenceNumber", "Whole")
        assert (readers[str(attribute.get("name"))].convert is int) == whole, attribute.get("name")


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*.xsd")))
def test_every_element_and_attribute_is_annotated_with_its_provenance(file: str) -> None:
    tree = etree.parse(FOLDER / file)
    assert "No XSD is published: this one is ours" in (FOLDER / file).read_text("utf-8")
    for declaration in tree.iter(f"{XS}element", f"{XS}attribute"):
        if declaration.get("name") in (None, "ExportData", "SignedData", "Data", "Root"):
            continue
        form = declaration.find(f"{XS}annotation/{XS}appinfo/form")
        words = declaration.findtext(f"{XS}annotation/{XS}documentation")
        assert form is not None, declaration.get("name")
        assert form.get("provenance") in ("proposed", "official")
        assert words, declaration.get("name")


def test_every_kind_has_its_fields_and_units_and_its_outcomes_an_attribute() -> None:
    units = {entry.code for entry in CODES.table("unit_kinds")}
    for kind in CODES.table("event_kinds"):
        assert set(kind.attributes["units"].split()) <= units
        uses = {entry.attributes["use"] for entry in CODES.table("event_fields").under(kind.code)}
        assert uses <= {"required", "optional"}
    for outcome in CODES.table("outcomes"):
        fields = {entry.key[1] for entry in CODES.table("event_fields").under(outcome.key[0])}
        assert "Outcome" in fields, outcome.code


def test_winnings_are_operations_of_order_13_and_events_that_have_an_amount_and_means() -> None:
    for row in CODES.table("winnings"):
        event, entity, _ = row.key
        operation = ORDER_13.table("operation_kinds").get(row.attributes["operation_kind"])
        assert operation is not None
        assert operation.attributes["threshold_tenge"] == "1000000"
        assert ORDER_13.table("reporting_entity_kinds").get(entity) is not None
        assert entity in gaming_rules().parameters.kinds.allowed
        assert {"Amount", "Means"} <= {entry.key[1] for entry in CODES.table("event_fields").under(event)}


def test_the_complex_kinds_are_codes_of_order_13() -> None:
    kinds = ORDER_13.table("reporting_entity_kinds")
    assert all(kind in kinds for kind in gaming_rules().parameters.kinds.allowed)


@pytest.mark.parametrize("message_type", MESSAGES)
def test_the_documentations_example_is_accepted_as_it_stands(message_type: str) -> None:
    root = parse(examples()[message_type]).root
    assert schema_for("gaming", EDITION, message_type).accepts(root)
    assert GamingCase(root).judge().verdict is Verdict.ACCEPTED


def test_the_page_names_what_the_parameters_say() -> None:
    text, parameters = PAGE.read_text("utf-8"), gaming_rules().parameters
    assert f"{MOST} (2^53-1)" in text
    assert f"more than {parameters.maximum_events} events" in text
    assert f"a time more than {parameters.skew_seconds} seconds after receipt" in text
    assert f"not {parameters.minimum_age} years old" in text
    assert f"more than {parameters.future_hours} hours after receipt" in text
    assert all(f"## {message_type}" in text for message_type in MESSAGES)


def test_the_generated_page_tells_every_kind_and_attribute() -> None:
    page = render_events()
    assert all(f"| `{entry.code}` |" in page for entry in CODES.table("event_kinds"))
    assert all(f"| `{attribute.get('name')}` |" in page for attribute in _schema_attributes())
    assert "proposed" in page


def test_the_profile_is_marked_as_proposed_and_routed_by_message() -> None:
    profile = ProfileBook.load().family("gaming").first
    assert (profile.provenance, profile.codes.name) == ("proposed", CODES.name)
    assert profile.accepted == set(MESSAGES) == set(profile.routing.event_types)
    assert profile.routing.topic(BATCH) == "fma.gaming.events.v1"
    assert profile.routing.topic("ComplexRegistration") == "fma.registrations.v1"


def test_kinds_of_values_and_tables_are_told_in_words() -> None:
    text = files("validators").joinpath("data/findings.toml").read_text("utf-8")
    kinds = set(re.findall(r'<value kind="(\w+)"', (FOLDER / "common.xsd").read_text("utf-8")))
    assert all(f"[terms.kind_{kind}]" in text for kind in kinds - {"anything", "nothing"})
    tables = {name for name in CODES.tables if f"[terms.table_{name}]" in text}
    assert tables >= {"event_kinds", "unit_kinds", "means", "player_kinds"}
