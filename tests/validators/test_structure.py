"""Findings about structure: each defect at its place, all of them, and no nonsense beside them."""

import time
from pathlib import Path

import pytest
from lxml import etree

from validators.model import Finding, Severity
from validators.parsing import parse
from validators.paths import path_of, path_of_attribute
from validators.schemas import Schema, schema_for
from validators.structure import LARGE, MOST_FINDINGS, structure_findings

SAMPLES = Path(__file__).parents[1] / "samples"
BANK = (SAMPLES / "fm1-suspicious-bank-rsa.xml").read_bytes().decode("utf-16")
SIGNED = "/ExportData/SignedData"
ROOT = f"{SIGNED}/Data/Root"
PERSONAL = f"{ROOT}/PersonalData"
MESSAGE = f"{ROOT}/MessageInformation"
FIRST = f"{ROOT}/Participants/Participant[1]"
SECOND = f"{ROOT}/Participants/Participant[2]"
PERSON = f"{FIRST}/AdditionalPersonInfo/AdditionalInformationAc"


def findings_of(text: str, message: str = "doc") -> list[Finding]:
    return structure_findings(parse(text.encode("utf-16")).root, schema_for("fm1", "2025-07-10", message))


def changed(before: str, after: str) -> str:
    assert before in BANK
    return BANK.replace(before, after, 1)


def brief(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(finding.code, finding.path, finding.field) for finding in findings]


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.xml")))
def test_the_samples_have_no_finding(name: str) -> None:
    assert findings_of((SAMPLES / name).read_bytes().decode("utf-16")) == []


ONE_DEFECT = [
    # what stands there, what is put instead, code, path, form field
    ("<Residence>KZ</Residence>", "", "XML-001", f"{FIRST}/Residence", "4.4"),
    ("<TimeStamp>20.11.2026 15:30:00</TimeStamp>", "", "XML-001", f"{SIGNED}/TimeStamp", None),
    ("<IINBIN>170141572457</IINBIN>", "", "XML-001", f"{PERSONAL}/IINBIN", "2.4"),
    ("<ParticipantCount>2</ParticipantCount>", "", "XML-001", f"{MESSAGE}/ParticipantCount", "3.4"),
    ("<Receiver>AFM</Receiver>", "<Receiver>AFM</Receiver><Copy/>", "XML-002", f"{SIGNED}/Copy", None),
    ("<TransportType>", "<Extra>1</Extra><TransportType>", "XML-002", "/ExportData/Extra", None),
    ("<Receiver>AFM</Receiver>", "<receiver>AFM</receiver>", "XML-003", f"{SIGNED}/receiver", None),
    ("<OKED>47770</OKED>", "<ОКЕD>47770</ОКЕD>", "XML-004", f"{SECOND}/ОКЕD", "4.12"),
    ("<Email>aml@example.kz</Email>", "<Email>a</Email><Email>b</Email>", "XML-006", f"{PERSONAL}/Email[2]", "2.9"),
    (
        "<AdditionalPersonInfo><AdditionalInformationAc>",
        "<AdditionalPersonInfo><AdditionalInformationUr/><AdditionalInformationAc>",
        "XML-007",
        PERSON,
        None,
    ),
    ('IsOffshore="False"', 'Offshore="1"', "XML-010", f"{FIRST}/CorrespondentBank/@Offshore", None),
    ('IsOffshore="False"', 'Zone="1"', "XML-009", f"{FIRST}/CorrespondentBank/@Zone", None),
    ('Area Code="750000000"/', 'Area code="750000000"/', "XML-010", f"{PERSONAL}/OrganisationArea/@code", "2.5(1)"),
    ("<PersonalData>", "<PersonalData>слово", "XML-012", PERSONAL, "2"),
    ("</FIO>", "</FIO>слово", "XML-012", PERSON, None),
    (
        '<OrganisationCity Code="750000000"/>',
        '<OrganisationCity Code="750000000">Алматы</OrganisationCity>',
        "XML-012",
        f"{PERSONAL}/OrganisationCity",
        None,
    ),
    ("<Email>aml@example.kz", "<Email><Address/>", "XML-013", f"{PERSONAL}/Email/Address", None),
    ("<MemberId>1<", "<MemberId><", "XML-014", f"{FIRST}/MemberId", "4.1"),
    ("<MemberId>1<", "<MemberId> \n<", "XML-014", f"{FIRST}/MemberId", "4.1"),
    ("<Residence>KZ<", "<Residence><", "XML-014", f"{FIRST}/Residence", "4.4"),
    ('Code="750000000"/', 'Code=""/', "XML-014", f"{PERSONAL}/OrganisationArea/@Code", "2.5(1)"),
    ('IsAc="False"', 'IsAc=""', "XML-014", f"{PERSONAL}/AdditionalAcData/@IsAc", None),
    ("<LastModifyDate>20.11.2026", "<LastModifyDate>", "XML-014", f"{MESSAGE}/LastModifyDate", "1.2"),
    ("<OKED>47770<", "<OKED>4777 <", "XML-015", f"{SECOND}/OKED", "4.12"),
    ("<MemberId>1<", "<MemberId>1\n<", "XML-015", f"{FIRST}/MemberId", "4.1"),
    ("<Residence>KZ<", "<Residence>KZ <", "XML-015", f"{FIRST}/Residence", "4.4"),
    ("<OKED>47770<", "<OKED>\n47770<", "XML-015", f"{SECOND}/OKED", "4.12"),
    ("<ViewOperationId>1811", "<ViewOperationId>\u00a01811", "XML-015", f"{MESSAGE}/ViewOperationId", "3.2(1)"),
    ('IsOffshore="False"', 'IsOffshore="False "', "XML-015", f"{FIRST}/CorrespondentBank/@IsOffshore", None),
    ("<Version>C6EE", "<Version>\tC6EE", "XML-015", f"{ROOT}/Version", None),
    ("<Residence>KZ<", "<Residence>KAZ<", "XML-016", f"{FIRST}/Residence", "4.4"),
    (
        "<OrganisationHouse>10<",
        f"<OrganisationHouse>{'1' * 101}<",
        "XML-016",
        f"{PERSONAL}/OrganisationHouse",
        "2.5(5)",
    ),
    ("<SeriesDocIdentity>N<", "<SeriesDocIdentity>NNNNNNNNNNN<", "XML-016", f"{PERSON}/SeriesDocIdentity", "4.16(2)"),
    ("<Version>C6EE", "<Version>c6ee", "XML-020", f"{ROOT}/Version", None),
    ("<Version>C6EE", "<Version>{C6EE", "XML-020", f"{ROOT}/Version", None),
    ("<LastModifyDate>20.11.2026", "<LastModifyDate>2026-11-20", "XML-021", f"{MESSAGE}/LastModifyDate", "1.2"),
    (
        "<TransactionDate>20.11.2026 15:30:00",
        "<TransactionDate>20.11.2026",
        "XML-022",
        f"{MESSAGE}/TransactionDate",
        None,
    ),
    ("<AmountCurrency>61000000.00", "<AmountCurrency>61 000 000.00", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<AmountCurrency>61000000.00", "<AmountCurrency>61000000,00", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<AmountCurrency>61000000.00", "<AmountCurrency>061000000", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<AmountCurrency>61000000.00", "<AmountCurrency>-1", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<AmountCurrency>61000000.00", "<AmountCurrency>1.", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<AmountCurrency>61000000.00", "<AmountCurrency>1.005", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<AmountCurrency>6", f"<AmountCurrency>{'6' * 15}", "XML-023", f"{MESSAGE}/AmountCurrency", "3.6"),
    ("<MessageNumber>229862", "<MessageNumber>№229862", "XML-024", f"{MESSAGE}/MessageNumber", "1.1(1)"),
    ("<MessageNumber>229862", "<MessageNumber>٢٢", "XML-024", f"{MESSAGE}/MessageNumber", "1.1(1)"),
    ("<CurrencyCodeId>398", "<CurrencyCodeId>KZT", "XML-024", f"{MESSAGE}/CurrencyCodeId", "3.5"),
    ('IsOffshore="False"', 'IsOffshore="false"', "XML-025", f"{FIRST}/CorrespondentBank/@IsOffshore", None),
    ('IsFioNotSetup="False"', 'IsFioNotSetup="0"', "XML-025", f"{PERSON}/FIO/@IsFioNotSetup", "4.14(2.1)"),
    (">119</EknpId>", ">19</EknpId>", "XML-026", f"{MESSAGE}/EknpId", "3.3(1)"),
    ("<Sender>CASINO", "<Sender>casino", "XML-027", f"{SIGNED}/Sender", None),
    ("<Receiver>AFM", "<Receiver>АФМ", "XML-027", f"{SIGNED}/Receiver", None),
    ("<IINBIN>170141572457", "<IINBIN>17014157245", "XML-028", f"{PERSONAL}/IINBIN", "2.4"),
    ("<JobName>", "<JobName>A &amp; B", "XML-040", f"{PERSONAL}/JobName", "2.7.1"),
    ("<JobName>", "<JobName><![CDATA[<b>]]>", "XML-040", f"{PERSONAL}/JobName", "2.7.1"),
    ("<JobName>", "<JobName>a > b", "XML-040", f"{PERSONAL}/JobName", "2.7.1"),
    ("<JobName>", "<JobName>&#96;", "XML-040", f"{PERSONAL}/JobName", "2.7.1"),
    ('Code="750000000"/', 'Code="75&lt;"/', "XML-040", f"{PERSONAL}/OrganisationArea/@Code", "2.5(1)"),
    (
        "<ExportData>",
        '<ExportData xml:lang="kk">',
        "XML-041",
        "/ExportData/@Q{http://www.w3.org/XML/1998/namespace}lang",
        None,
    ),
    (
        "<ExportData>",
        '<ExportData xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:noNamespaceSchemaLocation="a.xsd">',
        "XML-041",
        "/ExportData/@Q{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation",
        None,
    ),
    (
        "<Receiver>AFM</Receiver>",
        '<Receiver xmlns="urn:x">AFM</Receiver>',
        "XML-041",
        f"{SIGNED}/Q{{urn:x}}Receiver",
        None,
    ),
]


@pytest.mark.parametrize(("before", "after", "code", "path", "field"), ONE_DEFECT)
def test_one_defect_gives_one_finding_at_its_path(
    before: str, after: str, code: str, path: str, field: str | None
) -> None:
    findings = findings_of(changed(before, after))
    assert brief(findings) == [(code, path, field)]
    assert findings[0].severity is Severity.ERROR


MISPRINTS = [
    ("TimeStamp", "TieStamp"),
    ("Organisation", "Organisatio"),
    ("PersonalData", "PrsonalData"),
    ("PersonalData", "PesonalData"),
    ("MessageInformation", "Messagenformation"),
    ("MessageInformation", "MessageInforation"),
    ("MessageInformation", "MessageInformaton"),
    ("MessageInformation", "MessageInormation"),
    ("MessageNumber", "MessageNumbe"),
    ("SuspicionFirst", "SuspicionFrist"),
    ("SignedData", "Signeddata"),
    ("ExportData", "Exportdata"),
    ("Participants", "Partisipants"),
    ("BankCountry", "BankCounty"),
]


@pytest.mark.parametrize(("right", "wrong"), MISPRINTS)
def test_a_misprinted_tag_is_named_with_the_right_one_and_nothing_else_is_said(right: str, wrong: str) -> None:
    text = BANK.replace(f"<{right}>", f"<{wrong}>", 1).replace(f"</{right}>", f"</{wrong}>", 1)
    (finding,) = findings_of(text)
    assert finding.code == "XML-003"
    assert finding.path.endswith(f"/{wrong}")
    assert finding.parameters["suggestion"] == right


def test_tags_misprinted_in_the_annex_that_no_sample_holds_are_named_too() -> None:
    text = changed("<ParticipantCount>2</ParticipantCount>", "<ParticipantCount>2</ParticipantCount><MerchRegnfo/>")
    (finding,) = findings_of(text)
    assert (finding.parameters["suggestion"], finding.field) == ("MerchReginfo", "3.2(2.2)")
    bank = "<CorrespondentInformations><CorrespondentInformation/></CorrespondentInformations>"
    (finding,) = findings_of(changed("</BankCity>", f"</BankCity>{bank}"))
    assert (finding.parameters["suggestion"], finding.field) == ("CorrespondentsInformations", "4.7(1.5)")


def test_a_cyrillic_letter_in_a_tag_is_shown_with_its_code_point() -> None:
    text = BANK.replace("<Sender>", "<Sеnder>").replace("</Sender>", "</Sеnder>")
    (finding,) = findings_of(text)
    assert finding.code == "XML-004"
    assert finding.parameters == {"name": "Sеnder", "suggestion": "Sender", "letters": "е (U+0435)"}


def test_a_notice_with_the_cyrillic_look_alike_of_check_is_told_so() -> None:
    text = "<ExportData><SignedData><Data><Сheck/></Data></SignedData></ExportData>"
    found = [finding for finding in findings_of(text, "Ack1") if finding.code == "XML-004"]
    assert [finding.path for finding in found] == ["/ExportData/SignedData/Data/Сheck"]
    assert found[0].parameters["suggestion"] == "Check"


def test_two_neighbours_swapped_are_one_finding_with_the_order_of_the_annex() -> None:
    text = changed(
        "<Receiver>AFM</Receiver><TimeStamp>20.11.2026 15:30:00</TimeStamp>",
        "<TimeStamp>20.11.2026 15:30:00</TimeStamp><Receiver>AFM</Receiver>",
    )
    (finding,) = findings_of(text)
    assert (finding.code, finding.path) == ("XML-005", f"{SIGNED}/Receiver")
    assert finding.parameters == {"name": "Receiver", "order": "Sender, Receiver, TimeStamp", "before": "TimeStamp"}


@pytest.mark.parametrize("moved", ["<Sender>CASINO170141572457</Sender>", "<TimeStamp>20.11.2026 15:30:00</TimeStamp>"])
def test_an_element_moved_to_the_end_is_the_only_one_called_misplaced(moved: str) -> None:
    text = changed(moved, "").replace("</SignedData>", f"{moved}</SignedData>")
    (finding,) = findings_of(text)
    assert (finding.code, finding.path) == ("XML-005", f"{SIGNED}/{moved[1:].partition('>')[0]}")


def test_an_element_moved_to_the_front_is_the_only_one_called_misplaced() -> None:
    signature = BANK[BANK.index("<Signature>") : BANK.index("</SignedData>")]
    text = BANK.replace(signature, "").replace("<Sender>", f"{signature}<Sender>")
    (finding,) = findings_of(text)
    assert (finding.code, finding.path) == ("XML-005", f"{SIGNED}/Signature")
    assert finding.parameters["order"] == "Data, Signature"


def test_the_branch_of_a_participant_can_not_be_left_out() -> None:
    start, end = BANK.index("<AdditionalInformationAc>"), BANK.index("</AdditionalInformationAc>")
    text = BANK[:start] + BANK[end + len("</AdditionalInformationAc>") :]
    (finding,) = findings_of(text)
    assert (finding.code, finding.path) == ("XML-008", f"{FIRST}/AdditionalPersonInfo")


def test_every_defect_is_found_in_document_order_whatever_stands_before_it() -> None:
    text = (
        BANK.replace("<Sender>", "<Junk/><Sender>", 1)
        .replace("<Version>C6EE", "<Version>c6ee", 1)
        .replace(
            "<FirstName>Садыкова</FirstName><SecondName>Динара</SecondName>",
            "<SecondName>Д</SecondName><FirstName>С</FirstName>",
            1,
        )
        .replace("<ReasonFilingId>2</ReasonFilingId>", "", 1)
        .replace("<MemberId>1</MemberId>", "<MemberId>x</MemberId>", 2)
        .replace("<OKED>47770</OKED>", "<OKED>477700</OKED>", 1)
        .replace("</ExportData>", "<Tail/></ExportData>")
    )
    assert brief(findings_of(text)) == [
        ("XML-002", f"{SIGNED}/Junk", None),
        ("XML-020", f"{ROOT}/Version", None),
        ("XML-005", f"{PERSONAL}/FirstName", "2.7(1)"),
        ("XML-001", f"{MESSAGE}/ReasonFilingId", "1.5"),
        ("XML-024", f"{FIRST}/MemberId", "4.1"),
        ("XML-024", f"{SECOND}/MemberId", "4.1"),
        ("XML-016", f"{SECOND}/OKED", "4.12"),
        ("XML-002", "/ExportData/Tail", None),
    ]


def test_defects_inside_a_misprinted_element_are_found_too() -> None:
    text = BANK.replace("PersonalData>", "PrsonalData>").replace("<IINBIN>1", "<IINBIN>x", 1)
    found = brief(findings_of(text))
    wrong = f"{ROOT}/PrsonalData"
    assert found == [("XML-003", wrong, "2"), ("XML-028", f"{wrong}/IINBIN", "2.4")]


def test_a_finding_carries_line_value_and_what_the_text_needs() -> None:
    text = BANK.replace("<", "\n<").replace("\n</", "</").replace("\n<?xml", "<?xml")
    wrong = text.replace("<Residence>KZ</Residence>", "<Residence>KAZ</Residence>", 1)
    (finding,) = findings_of(wrong)
    assert finding.line == wrong[: wrong.index("<Residence>KAZ")].count("\n") + 1
    assert (finding.value, finding.parameters) == ("KAZ", {"length": "3", "most": "2"})


def test_a_long_value_is_cut_in_the_finding() -> None:
    (finding,) = findings_of(changed("<JobName>", f"<JobName>{'ж' * 400}"))
    assert finding.value == "ж" * 200
    assert finding.parameters["most"] == "300"


def test_a_value_both_too_long_and_with_a_forbidden_character_gives_both_findings() -> None:
    findings = findings_of(changed("<OrganisationHouse>10<", f"<OrganisationHouse>{'`' * 101}<"))
    assert [finding.code for finding in findings] == ["XML-040", "XML-016"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<JobName>Комплаенс-офицер</JobName>", "<JobName> О'Коннор \n строка\t</JobName>"),
        ("<JobName>Комплаенс-офицер</JobName>", "<JobName/>"),
        ("<JobName>Комплаенс-офицер</JobName>", "<JobName><![CDATA[x]]>&#1178;</JobName>"),
        (
            "<TransportType>1</TransportType>",
            "<TransportType> не & число &lt;`</TransportType>".replace("&", "&amp;", 1),
        ),
        ("<TransportType>1</TransportType>", ""),
        ('<EknpId IsEknpNotSetup="False">119</EknpId>', '<EknpId IsEknpNotSetup="True"/>'),
        ('<EknpId IsEknpNotSetup="False">119</EknpId>', ""),
        ("<MemberId>1</MemberId>", ""),
        ('<OrganisationArea Code="750000000"/>', "<OrganisationArea>\n</OrganisationArea>"),
        ('<AdditionalAcData IsAc="False"/>', "<AdditionalAcData/>"),
        ("<Participants>", "<References/><Participants>"),
        ("<Founder>", "<Founder/><Founder>"),
        ("<ParticipantCount>2</ParticipantCount>", "<ParticipantCount>2</ParticipantCount><ReferCount>x</ReferCount>"),
        ("<AmountCurrency>61000000.00", "<AmountCurrency>99999999999999999999.99"),
        ("<AmountCurrency>61000000.00", "<AmountCurrency>0"),
        ("<BankCountry>KZ", "<BankAddress>что угодно</BankAddress><BankCountry>KZ"),
        ("<Signature>PGRz", "<Signature> \nPG\tRz"),
        ("<IndividualIssue>991013409860", "<IndividualIssue>AB 12/3"),
        ("<PhoneNumber>727/2501010/0", f"<PhoneNumber>{'7' * 5000}"),
        ("\n<ExportData><SignedData>", "\n<ExportData>\n  <SignedData>\n\t"),
        ("<ExportData>", '<ExportData xmlns:unused="urn:x">'),
    ],
)
def test_what_the_decisions_allow_has_no_finding(before: str, after: str) -> None:
    assert findings_of(changed(before, after)) == []


@pytest.mark.parametrize("blank", ["\u2028", "\u00a0", "\ufeff"])
def test_only_the_blanks_of_xml_may_stand_between_elements(blank: str) -> None:
    (finding,) = findings_of(changed("</Sender>", f"</Sender>{blank}"))
    assert (finding.code, finding.path) == ("XML-012", SIGNED)


def test_another_root_element_is_told_in_one_finding() -> None:
    (finding,) = findings_of("<Invoice><SignedData/></Invoice>")
    assert (finding.code, finding.path) == ("XML-018", "/Invoice")
    assert finding.parameters == {"name": "Invoice", "expected": "ExportData"}


def test_the_list_of_findings_ends_with_a_word_when_there_are_too_many_in_bounded_time() -> None:
    started = time.process_time()
    findings = findings_of(BANK.replace("<Root>", f"<Root>{'<Junk/>' * 60_000}"))
    assert time.process_time() - started < 5
    assert len(findings) == MOST_FINDINGS + 1
    assert findings[-1].code == "XML-098"
    assert findings[MOST_FINDINGS - 1].path == f"{ROOT}/Junk[{MOST_FINDINGS}]"


def test_libxml2_is_not_asked_about_a_large_message_that_the_explanation_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(_schema: Schema, _root: etree._Element, *, regular: bool) -> bool:
        raise AssertionError(regular)

    monkeypatch.setattr(Schema, "accepts", never)
    findings = findings_of(BANK.replace("</Participants>", f"{'<Participant/>' * LARGE}</Participants>"))
    assert findings[-1].code == "XML-098"


def test_positions_are_written_only_where_siblings_of_one_name_repeat() -> None:
    single = BANK[: BANK.index("<Participant>")] + BANK[BANK.rindex("<Participant>") :]
    (finding,) = findings_of(single.replace("<OKED>47770", "<OKED>477700"))
    assert finding.path == f"{ROOT}/Participants/Participant/OKED"


def test_paths_of_elements_lead_back_to_them_and_agree_with_findings() -> None:
    root = parse(BANK.encode("utf-16")).root
    for element in root.iter():
        assert root.getroottree().xpath(path_of(element)) == [element]
    bank = root.find("SignedData/Data/Root/Participants/Participant/CorrespondentBank")
    assert bank is not None
    assert path_of_attribute(bank, "IsOffshore") == f"{FIRST}/CorrespondentBank/@IsOffshore"


def test_a_path_names_the_namespace_of_an_element_that_has_one() -> None:
    root = parse(b'<a xmlns:x="urn:x"><x:b/><x:b/></a>').root
    assert [path_of(element) for element in root] == ["/a/Q{urn:x}b[1]", "/a/Q{urn:x}b[2]"]


def test_a_schema_that_only_libxml2_refuses_by_still_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = schema_for("fm1", "2025-07-10", "doc")
    monkeypatch.setattr(type(schema), "accepts", lambda *_, **__: False)
    (finding,) = structure_findings(parse(BANK.encode("utf-16")).root, schema)
    assert (finding.code, finding.path) == ("XML-099", "/ExportData")
