"""libxml2 and xmlschema hold the same opinion of thousands of mutated messages, and each refusal is explained."""

import copy
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from validators.parsing import parse
from validators.schemas import Schema, schema_for
from validators.structure import structure_findings

SAMPLES = Path(__file__).parents[1] / "samples"
GUID = "B7576134-162F-4EF7-B855-C7238E653E43"
LEAST = (
    "<ExportData><SignedData><Sender>A</Sender><Receiver>AFM</Receiver><TimeStamp>20.11.2026 15:30:00</TimeStamp>"
    f"<Data><Root><Version>{GUID}</Version><DocumentUniqueIdentifier>{GUID}</DocumentUniqueIdentifier>"
    "<PersonalData><OrganisationCode>011</OrganisationCode><OrganisationArea Code='1'/>"
    "<IINBIN>170141572457</IINBIN></PersonalData>"
    "<MessageInformation><DocumentType>1</DocumentType><MessageNumber>1</MessageNumber>"
    "<LastModifyDate>20.11.2026</LastModifyDate><ViewOperationId>1811</ViewOperationId>"
    "<EknpId IsEknpNotSetup='True'/><CurrencyCodeId>398</CurrencyCodeId><AmountCurrency>1.5</AmountCurrency>"
    "<AmountCurrencyTenge>0</AmountCurrencyTenge><OperationStatusId>1</OperationStatusId>"
    "<ReasonFilingId>1</ReasonFilingId><ParticipantCount>1</ParticipantCount></MessageInformation>"
    "<Participants><Participant><ParticipantsView>01</ParticipantsView><ParticipantsType>2</ParticipantsType>"
    "<IsClientSubject>1</IsClientSubject><Residence>KZ</Residence>"
    "<AdditionalPersonInfo><AdditionalInformationAc/></AdditionalPersonInfo></Participant></Participants>"
    "</Root></Data><Signature>AAAA</Signature></SignedData><TransportType/></ExportData>"
)
NOTICE = (
    "<ExportData><SignedData><Sender>AFM</Sender><Receiver>A</Receiver><TimeStamp>20.11.2026 15:30:00</TimeStamp>"
    f"<Data><Root><Version>{GUID}</Version><DocumentUniqueIdentifier>{GUID}</DocumentUniqueIdentifier>"
    f"<OriginalDocumentGuid>{GUID}</OriginalDocumentGuid><ErrorCode>7</ErrorCode>"
    "<AcceptanceDateTime>20.11.2026 15:30:00</AcceptanceDateTime></Root></Data><Signature>AA</Signature>"
    "</SignedData></ExportData>"
)
VALUES = [
    "", " ", "\n", "0", "00", "01", "1", "123", "1234", "398", " 398", "398 ", "3\n98", "-1", "+1",
    "1.5", "1.50", "1.505", "01.5", ".5", "5.", "1,5", "1e3", "9" * 20, "9" * 21, "9" * 20 + ".99",
    "٣", "１", "True", "False", "true", "1 ", GUID, GUID.lower(), GUID[:-1], GUID + "0",
    f"{{{GUID}}}", "20.11.2026", "2026-11-20", "1.1.2026", "20.11.26", "20.11.2026 15:30:00",
    "20.11.2026  15:30:00", "20.11.2026 15:30", "99.99.9999", "AFM", "afm", "A" * 32, "A" * 33,
    "КЗ", "KZ", "KZZ", "K", "a&b", "<", ">", "`", "'", '"', "x" * 100, "x" * 101, "ж" * 1000,
    "ж" * 1001, "😀" * 300, "😀" * 301, "\u00a0", "a\u00a0", "\u2028", "AAAA", "AA=A", "====", "A\nA",
    "\t", "\ud7ff", "\U0010ffff",
]  # fmt: skip

Mutation = Callable[[random.Random, list[etree._Element]], None]


def retext(chance: random.Random, elements: list[etree._Element]) -> None:
    leaves = [element for element in elements if len(element) == 0]
    chance.choice(leaves).text = chance.choice(VALUES)


def reattribute(chance: random.Random, elements: list[etree._Element]) -> None:
    bearing = [element for element in elements if element.attrib]
    element = chance.choice(bearing if bearing and chance.random() < 0.7 else elements)
    names = [*map(str, element.attrib), "Code", "IsAc", "code"]
    element.set(chance.choice(names), chance.choice(VALUES))


def remove(chance: random.Random, elements: list[etree._Element]) -> None:
    element = chance.choice(elements[1:])
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def repeat(chance: random.Random, elements: list[etree._Element]) -> None:
    element = chance.choice(elements[1:])
    element.addnext(copy.deepcopy(element))


def swap(chance: random.Random, elements: list[etree._Element]) -> None:
    element = chance.choice(elements[1:])
    following = element.getnext()
    if following is not None:
        following.addnext(element)


def move(chance: random.Random, elements: list[etree._Element]) -> None:
    element, target = chance.choice(elements[1:]), chance.choice(elements)
    if target not in list(element.iter()):
        target.insert(chance.randint(0, len(target)), element)


def rename(chance: random.Random, elements: list[etree._Element]) -> None:
    element = chance.choice(elements)
    tag = str(element.tag)
    cut = chance.randrange(len(tag))
    other = str(chance.choice(elements).tag)
    element.tag = chance.choice([tag[:cut] + tag[cut + 1 :] or "x", tag + "x", tag.lower(), other, "{urn:x}" + tag])


def add(chance: random.Random, elements: list[etree._Element]) -> None:
    target = chance.choice(elements)
    made = etree.Element(str(chance.choice([*elements[1:], etree.Element("Junk")]).tag))
    made.text = chance.choice(VALUES)
    target.insert(chance.randint(0, len(target)), made)


# xmlschema takes U+2028 and other blanks of Unicode between elements for white space, which XML does not.
def write_between(chance: random.Random, elements: list[etree._Element]) -> None:
    chance.choice(elements[1:]).tail = chance.choice(["", " ", "\n\t", "x", "&", "1"])


MUTATIONS: list[Mutation] = [
    retext, retext, retext, retext, reattribute, reattribute, remove, repeat, swap, move, rename, add, write_between,
]  # fmt: skip


def mutated(chance: random.Random, base: etree._Element) -> etree._Element:
    root = copy.deepcopy(base)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        elements = list(root.iter())
        if len(elements) > 1:
            chance.choice(MUTATIONS)(chance, elements)
    return root


def differences(schema: Schema, base: etree._Element, count: int, seed: int) -> tuple[Counter[str], list[str]]:
    chance = random.Random(seed)
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(count):
        root = mutated(chance, base)
        libxml2 = schema.compiled.validate(root)
        xmlschema = schema.explainer().is_valid(root)
        findings = structure_findings(root, schema)
        seen["accepted" if libxml2 else "refused"] += 1
        seen.update(finding.code for finding in findings)
        explained = bool(findings) is not libxml2 and all(finding.code != "XML-099" for finding in findings)
        if libxml2 is not xmlschema or not explained:
            text = etree.tostring(root, encoding="unicode")
            wrong.append(f"{seed}/{number}: {libxml2} {xmlschema} {findings} {text[:3000]}")
    return seen, wrong


@pytest.mark.parametrize("seed", range(4))
def test_both_validators_agree_on_mutations_of_the_least_message(seed: int) -> None:
    base = parse(LEAST.encode()).root
    schema = schema_for("fm1", "2025-07-10", "doc")
    assert schema.accepts(base)
    seen, wrong = differences(schema, base, 600, seed)
    assert wrong == []
    assert min(seen["accepted"], seen["refused"]) > 30


@pytest.mark.parametrize("name", ["fm1-suspicious-bank-rsa.xml", "fm1-threshold-jeweller.xml"])
def test_both_validators_agree_on_mutations_of_the_samples(name: str) -> None:
    base = parse((SAMPLES / name).read_bytes()).root
    seen, wrong = differences(schema_for("fm1", "2025-07-10", "doc"), base, 150, 7)
    assert wrong == []
    assert min(seen["accepted"], seen["refused"]) > 12


@pytest.mark.parametrize("message", ["Ack1", "Ack2"])
def test_both_validators_agree_on_mutations_of_notices(message: str) -> None:
    text = NOTICE.replace("Root>", "Check>") if message == "Ack1" else NOTICE
    base = parse(text.encode()).root
    schema = schema_for("fm1", "2025-07-10", message)
    assert schema.accepts(base)
    _, wrong = differences(schema, base, 400, 11)
    assert wrong == []


@pytest.mark.parametrize("value", VALUES)
def test_both_validators_agree_on_every_value_in_every_place(value: str) -> None:
    schema = schema_for("fm1", "2025-07-10", "doc")
    base = parse(LEAST.encode()).root
    for number, element in enumerate(base.iter()):
        if len(element) == 0:
            root = copy.deepcopy(base)
            list(root.iter())[number].text = value
            libxml2 = schema.compiled.validate(root)
            assert bool(structure_findings(root, schema)) is not libxml2, (element.tag, value)
