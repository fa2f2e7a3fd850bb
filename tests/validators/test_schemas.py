"""The XSD against the annex's table of tags, and what is looked up in it."""

import csv
import re
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from lxml import etree
from xmlschema import XMLSchema10
from xmlschema.validators import XsdAttribute, XsdComplexType, XsdElement, XsdGroup, XsdSimpleType

from validators.forms import kind_of
from validators.parsing import parse
from validators.schemas import Schema, SchemaMissing, message_type_of, schema_for, schema_root, vocabulary

EDITION = "2025-07-10"
SAMPLES = Path(__file__).parents[1] / "samples"
ROWS_OF = {"doc": {"all", "doc"}, "Ack1": {"all", "Ack1", "Ack1(doc)"}, "Ack2": {"all", "Ack2(doc)"}}
KINDS_OF_TYPE = {
    "string": {"text", "code", "identifier", "party"},
    "number": {"number", "amount", "eknp", "failure", "anything"},
    "unspecified": {"text", "code"},
    "guid": {"guid"},
    "date": {"date"},
    "datetime": {"datetime"},
    "bool": {"boolean"},
    "base64": {"base64"},
}


def table_of(message: str) -> dict[str, tuple[str, str, str]]:
    """Type, length and form field by path, as the annex's table has them for one message."""
    text = files("codes").joinpath("data", EDITION, "xml_tags.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    address = [row for row in rows if row["message"] == "type:Address"]
    found: dict[str, tuple[str, str, str]] = {}
    for row in rows:
        if row["message"] not in ROWS_OF[message]:
            continue
        path = row["path"]
        if message == "Ack1" and row["message"] == "all":
            path = path.replace("/Data/Root/", "/Data/Check/")
        found[path] = (row["type"], row["max_length"], row["form_field"])
        if row["type"] == "Address":
            for part in address:
                found[f"{path}/{part['path']}"] = (part["type"], part["max_length"], part["form_field"])
    return found


def schema_table_of(message: str) -> dict[str, tuple[str, str, str, str | None]]:
    """The same read from the XSD, and the kind of value that its type has."""
    root = XMLSchema10(str(schema_root() / "fm1" / EDITION / f"{message}.xsd")).elements["ExportData"]
    return dict(walk(root, "/ExportData"))


def walk(element: XsdElement, path: str) -> Iterator[tuple[str, tuple[str, str, str, str | None]]]:
    type_ = element.type
    yield path, facts(element, type_)
    if isinstance(type_, XsdComplexType):
        for name, attribute in type_.attributes.items():
            assert isinstance(attribute, XsdAttribute)
            yield f"{path}/@{name}", facts(attribute, attribute.type)
        if isinstance(type_.content, XsdGroup):
            for child in type_.content.iter_elements():
                assert isinstance(child, XsdElement)
                yield from walk(child, f"{path}/{child.name}")


def facts(component: XsdElement | XsdAttribute, type_: object) -> tuple[str, str, str, str | None]:
    forms = [form for note in component.annotations for info in note.appinfo if (form := info.find("form")) is not None]
    annex_type = forms[0].get("type", "") if forms else ""
    field = forms[0].get("field", "") if forms else ""
    simple = type_.content if isinstance(type_, XsdComplexType) else type_
    if not isinstance(simple, XsdSimpleType):
        return annex_type, "", field, None
    return annex_type, str(simple.max_length or ""), field, kind_of(simple)


@pytest.mark.parametrize("message", ["doc", "Ack1", "Ack2"])
def test_every_row_of_the_annex_stands_in_the_xsd_with_its_type_length_and_form_field(message: str) -> None:
    found = schema_table_of(message)
    for path, (annex_type, length, field) in table_of(message).items():
        assert path in found, path
        noted, most, noted_field, kind = found[path]
        assert (noted, most, noted_field) == (annex_type, length, field), path
        if kind is not None and annex_type not in ("container", "Address"):
            assert kind in KINDS_OF_TYPE[annex_type], path


@pytest.mark.parametrize("message", ["doc", "Ack1", "Ack2"])
def test_everything_in_the_xsd_stands_in_the_annex_or_carries_what_does(message: str) -> None:
    table = table_of(message)
    for path, (noted, *_rest, kind) in schema_table_of(message).items():
        if path not in table:
            assert any(row.startswith(f"{path}/") for row in table), path
            assert (noted, kind) in (("", None), ("", "nothing")), path


@pytest.mark.parametrize("message", ["doc", "Ack1", "Ack2"])
def test_elements_stand_in_the_order_of_the_annex(message: str) -> None:
    last: dict[str, int] = {}
    order = {path: number for number, path in enumerate(schema_table_of(message)) if "/@" not in path}
    envelope = {path for path in table_of(message) if path.count("/") <= 3}
    for path in table_of(message):
        element = path.partition("/@")[0]
        parent = element.rpartition("/")[0]
        if element in envelope:
            continue
        assert order[element] >= last.get(parent, -1), path
        last[parent] = order[element]


def test_the_envelope_is_sender_receiver_time_data_signature_and_transport() -> None:
    root = schema_for("fm1", EDITION, "doc").explainer().elements["ExportData"]
    assert isinstance(root.type, XsdComplexType)
    assert isinstance(root.type.content, XsdGroup)
    signed, transport = root.type.content.iter_elements()
    assert isinstance(signed, XsdElement)
    assert isinstance(signed.type, XsdComplexType)
    assert isinstance(signed.type.content, XsdGroup)
    names = [part.name for part in signed.type.content.iter_elements()]
    assert names == ["Sender", "Receiver", "TimeStamp", "Data", "Signature"]
    assert (signed.name, transport.name, transport.min_occurs) == ("SignedData", "TransportType", 0)


@pytest.mark.parametrize("message", ["doc", "Ack1", "Ack2", "common"])
def test_each_schema_says_that_it_is_ours_and_what_is_official(message: str) -> None:
    text = (schema_root() / "fm1" / EDITION / f"{message}.xsd").read_text(encoding="utf-8")
    assert "No XSD is published: this one is ours" in text
    assert 'provenance="official"' in text
    assert "proposed" in text


def test_form_fields_are_found_by_path() -> None:
    schema = schema_for("fm1", EDITION, "doc")
    base = "/ExportData/SignedData/Data/Root"
    assert schema.field_of(f"{base}/MessageInformation/SuspicionFirst") == "3.10"
    assert schema.field_of(f"{base}/PersonalData/OrganisationArea/@Code") == "2.5(1)"
    branch = f"{base}/Participants/Participant/AdditionalPersonInfo/AdditionalInformationIp"
    assert schema.field_of(f"{branch}/FIO/FirstName") == "4.14(1.2)"
    assert schema.field_of(f"{branch}/URAddress/Street") is None
    assert schema.field_of("/ExportData/Nowhere") is None


@pytest.mark.parametrize("message", ["doc", "Ack1", "Ack2"])
def test_form_fields_agree_with_the_annex_everywhere(message: str) -> None:
    expected = {path: field for path, (_, _, field) in table_of(message).items() if field}
    assert dict(schema_for("fm1", EDITION, message).fields) == expected


def test_an_unknown_schema_names_the_file_that_is_missing() -> None:
    with pytest.raises(SchemaMissing, match=r"fm1/1999-01-01/doc\.xsd"):
        schema_for("fm1", "1999-01-01", "doc")


def test_the_vocabulary_holds_names_also_as_end_tags_and_empty_tags() -> None:
    assert {b"ExportData", b"/ExportData", b"ExportData/", b"IsEknpNotSetup", b"Check"} <= vocabulary()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<Root><PersonalData/><MessageInformation/><Participants/></Root>", "doc"),
        ("<Root><PersonalData/></Root>", "doc"),
        ("<Root><PrsonalData/></Root>", "doc"),
        ("<Rооt><Messagenformation/></Rооt>", "doc"),
        ("<Check><ErrorCode/></Check>", "Ack1"),
        ("<Check/>", "Ack1"),
        ("<Сheck/>", "Ack1"),
        ("<check/>", "Ack1"),
        ("<Root><ErrorCode/></Root>", "Ack2"),
        ("<Root><AcceptanceDateTime/><OriginalDocumentGuid/></Root>", "Ack2"),
        ("<Root><ErrorCode/><MessDate/></Root>", "unknown"),
        ("<Check><MessOwn/></Check>", "unknown"),
        ("<Root><OrganisationData/></Root>", "unknown"),
        ("<Root><Version/></Root>", "unknown"),
        ("<Root/>", "unknown"),
        ("", "unknown"),
        ("text", "unknown"),
    ],
)
def test_the_message_type_is_told_by_content(body: str, expected: str) -> None:
    root = parse(f"<ExportData><SignedData><Data>{body}</Data></SignedData></ExportData>".encode()).root
    assert message_type_of(root) == expected


def test_what_has_no_envelope_is_of_unknown_type() -> None:
    assert message_type_of(parse(b"<x/>").root) == "unknown"


@pytest.mark.parametrize(("kind", "tag", "code"), [("Ack1", "Check", "0"), ("Ack2", "Root", "1042")])
def test_a_notice_is_accepted_under_its_own_tag(kind: str, tag: str, code: str) -> None:
    schema = schema_for("fm1", EDITION, kind)
    assert schema.accepts(parse(notice(tag, code)).root)
    assert not schema.accepts(parse(notice("Root" if tag == "Check" else "Check", code)).root)


@pytest.mark.parametrize("message", ["doc", "Ack1", "Ack2"])
def test_texts_are_judged_by_a_schema_without_the_slow_pattern(message: str) -> None:
    schema = schema_for("fm1", EDITION, message)
    assert schema.lenient is not schema.compiled


@pytest.mark.parametrize("character", ["&amp;", "&lt;", "&gt;", "`", "<![CDATA[&]]>"])
@pytest.mark.parametrize("tag", ["MoreInformation", "FirstName", "Street", "PhoneNumber", "Town"])
def test_a_forbidden_character_is_refused_wherever_text_stands(tag: str, character: str) -> None:
    schema = schema_for("fm1", EDITION, "doc")
    text = (SAMPLES / "fm1-threshold-casino.xml").read_bytes().decode("utf-16")
    root = parse(text.encode("utf-16")).root
    assert schema.accepts(root)
    changed = re.sub(rf"(<{tag}\b[^>]*>)[^<]*(</{tag}>)", rf"\1a{character}b\2", text, count=1)
    assert changed != text
    assert not schema.accepts(parse(changed.encode("utf-16")).root)


def test_a_schema_whose_attributes_have_such_texts_keeps_the_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "f" / "e"
    folder.mkdir(parents=True)
    (folder / "doc.xsd").write_text(
        """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
        <xs:simpleType name="T"><xs:restriction base="xs:string"><xs:pattern value="[^&amp;&lt;&gt;`]*"/>
        </xs:restriction></xs:simpleType>
        <xs:simpleType name="U"><xs:restriction base="T"><xs:maxLength value="9"/></xs:restriction></xs:simpleType>
        <xs:element name="x"><xs:complexType><xs:attribute name="a" type="U"/></xs:complexType></xs:element>
        </xs:schema>"""
    )
    schema = schema_for("f", "e", "doc", tmp_path)
    assert schema.accepts(parse(b"<x a='b'/>").root)
    assert not schema.accepts(parse(b"<x a='`'/>").root)


def test_a_warm_schema_has_everything_that_a_verdict_asks_for() -> None:
    schema = Schema("fm1", EDITION, "doc", schema_root() / "fm1" / EDITION / "doc.xsd")
    schema.warm()
    assert {"compiled", "lenient", "fields"} <= vars(schema).keys()
    schema.warm(explain=True)
    assert schema.explainer() is schema.explainer()


def test_a_refusal_can_not_carry_error_code_zero() -> None:
    assert not schema_for("fm1", EDITION, "Ack2").accepts(parse(notice("Root", "000")).root)


def notice(tag: str, code: str) -> bytes:
    guid = "B7576134-162F-4EF7-B855-C7238E653E43"
    return (
        "<ExportData><SignedData><Sender>AFM</Sender><Receiver>BANK1</Receiver>"
        f"<TimeStamp>20.11.2026 15:30:00</TimeStamp><Data><{tag}><Version>{guid}</Version>"
        f"<DocumentUniqueIdentifier>{guid}</DocumentUniqueIdentifier><Description/>"
        f"<OriginalDocumentGuid>{guid}</OriginalDocumentGuid><ErrorCode>{code}</ErrorCode>"
        "<ErrorName>Қате</ErrorName><AcceptanceDateTime>20.11.2026 15:30:00</AcceptanceDateTime>"
        f"</{tag}></Data><Signature>AAAA</Signature></SignedData></ExportData>"
    ).encode()


def test_one_schema_serves_many_threads_with_the_right_verdict_each() -> None:
    schema = schema_for("fm1", EDITION, "doc")
    body = (SAMPLES / "fm1-threshold-casino.xml").read_bytes()
    good = parse(body).root
    bad = parse(body.decode("utf-16").replace("<Residence>KZ", "<Residence>KZZ").encode("utf-16")).root
    wrong: list[object] = []

    def work(root: etree._Element, expected: bool) -> None:  # noqa: FBT001 - one row of a table
        wrong.extend(1 for _ in range(200) if schema.accepts(root) is not expected)

    threads = [threading.Thread(target=work, args=pair) for pair in [(good, True), (bad, False)] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
