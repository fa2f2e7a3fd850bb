"""FM-1 messages as reporting entities would file them, made up from a seed: for the demo, the tests and the benchmarks.

The order of the tags is the annex's; the values of fields whose official values are not known are plausible ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from lxml import etree

from gateway.local.people import Firm, Person, make_account, make_firm, make_person

LEGAL_TIME = ZoneInfo("Asia/Almaty")
MOMENT = "%d.%m.%Y %H:%M:%S"
DAY = "%d.%m.%Y"
ROOT = "SignedData/Data/Root/"
SELLER, BUYER, RECIPIENT, PAYER = "01", "02", "57", "56"
SENDER_WORDS = {"093": "CASINO", "150": "JEWELLER", "011": "BANK"}


class Scenario(StrEnum):
    """What is reported."""

    CASINO_WINNINGS = "casino-winnings"
    JEWELLERY_PURCHASE = "jewellery-purchase"
    SUSPICIOUS_DEAL = "suspicious-deal"
    LIST_MATCH = "list-match"


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: BIN or IIN, code of `reporting_entity_kinds`, and name."""

    identifier: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake: what changes below `SignedData/Data/Root/` (None removes), and the form field that is then wrong."""

    changes: Mapping[str, str | None]
    field: str


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    least: int
    reason: str
    text: str
    extra: tuple[tuple[str, str], ...] = ()


OPERATIONS: Mapping[Scenario, _Operation] = {
    Scenario.CASINO_WINNINGS: _Operation("0121", 1_000_000, "1", "Ұтысты қолма-қол беру"),
    Scenario.JEWELLERY_PURCHASE: _Operation("1711", 5_000_000, "1", "Зергерлік бұйымдарды сатып алу"),
    Scenario.SUSPICIOUS_DEAL: _Operation(
        "1811", 50_000_000, "2", "Пәтерді нарықтан төмен бағамен сату", (("SuspicionFirst", "1036"),)
    ),
    Scenario.LIST_MATCH: _Operation(
        "6040", 150_000, "4", "Тізбедегі тұлғаның шотына түсім", (("CounterMeasure", "1"),)
    ),
}

_OPERATION = "MessageInformation/"
DEFECTS: Mapping[str, Defect] = {
    "unknown operation": Defect({_OPERATION + "ViewOperationId": "9999"}, "3.2(1)"),
    "lost leading zero": Defect({_OPERATION + "ViewOperationId": "121"}, "3.2(1)"),
    "amount with a comma": Defect({_OPERATION + "AmountCurrencyTenge": "12000000,00"}, "3.7"),
    "no amount": Defect({_OPERATION + "AmountCurrencyTenge": None}, "3.7"),
    "wrong check digit": Defect({"Participants/Participant/IndividualIssue": "800101300000"}, "4.13"),
    "no such day": Defect({_OPERATION + "LastModifyDate": "31.02.2026"}, "1.2"),
    "participants miscounted": Defect({_OPERATION + "ParticipantCount": "7"}, "3.4"),
    "unknown currency": Defect({_OPERATION + "CurrencyCodeId": "000"}, "3.5"),
    "suspicion without indicator": Defect(
        {_OPERATION + "ReasonFilingId": "2", _OPERATION + "SuspicionFirst": None}, "3.10"
    ),
}


def build_fm1(
    scenario: Scenario,
    reporter: Reporter,
    *,
    now: datetime,
    random: Random,
    changes: Mapping[str, str | None] = MappingProxyType({}),
) -> etree._Element:
    """An FM-1 of that scenario, sent at `now` (aware) about an operation of the hour before; `Signature` is empty.

    `changes` are put on top: paths below `SignedData/Data/Root/`, `@Name` for attributes, None to remove, such as
    `{"MessageInformation/AmountCurrency": "5"}`. The same seed gives the same message.
    """
    local = now.astimezone(LEGAL_TIME)
    participants = _participants(scenario, random, local)
    root = _e(
        "Root",
        _e("Version", _guid(random)),
        _e("DocumentUniqueIdentifier", _guid(random)),
        _personal_data(reporter, random, local),
        _information(OPERATIONS[scenario], random, local, len(participants)),
        _e("Participants", *participants),
    )
    message = _e(
        "ExportData",
        _e(
            "SignedData",
            _e("Sender", f"{SENDER_WORDS.get(reporter.kind, 'ENTITY')}{reporter.identifier}"),
            _e("Receiver", "AFM"),
            _e("TimeStamp", local.strftime(MOMENT)),
            _e("Data", root),
            _e(
                "Signature",
            ),
        ),
        _e("TransportType", "1"),
    )
    return change(message, changes)


def with_defect(message: etree._Element, name: str) -> etree._Element:
    """The same message with one of DEFECTS, its signature emptied."""
    return change(message, DEFECTS[name].changes)


def change(message: etree._Element, changes: Mapping[str, str | None]) -> etree._Element:
    """Sets or removes elements and attributes below `SignedData/Data/Root/` in place, and returns the message.

    A new element is appended to its parent, whose path must exist; KeyError when it does not.
    """
    for path, value in changes.items():
        place, _, attribute = path.partition("/@")
        element = message.find(ROOT + place)
        if element is None and value is not None:
            element = _appended(message, place)
        if element is not None:
            _set(element, attribute, value)
    return message


def _appended(message: etree._Element, place: str) -> etree._Element:
    above, _, tag = place.rpartition("/")
    parent = message.find((ROOT + above).rstrip("/"))
    if parent is None:
        raise KeyError(place)
    return etree.SubElement(parent, tag)


def _set(element: etree._Element, attribute: str, value: str | None) -> None:
    if attribute:
        if value is None:
            element.attrib.pop(attribute, "")
        else:
            element.set(attribute, value)
        return
    parent = element.getparent()
    if value is not None:
        element.text = value
    elif parent is not None:
        parent.remove(element)


def _guid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4)).upper()


def _personal_data(reporter: Reporter, random: Random, local: datetime) -> etree._Element:
    officer = make_person(random, local.date())
    return _e(
        "PersonalData",
        _e("FirstName", officer.surname),
        _e("SecondName", officer.given),
        _e("MiddleName", officer.patronymic),
        _e("JobName", "Комплаенс-офицер"),
        _e("Phone", f"727/{random.randrange(2_000_000, 4_000_000)}/12"),
        _e("Email", "aml@example.kz"),
        _e("OrganisationCode", reporter.kind),
        _e("Organisation", reporter.name),
        _e("OrganisationArea", Code="750000000"),
        _e("OrganisationCity", Code="750000000"),
        _e("OrganisationDistrict", Code="751710000"),
        _e("OrganisationStreet", "улица Абая"),
        _e("OrganisationHouse", str(random.randrange(1, 200))),
        _e("OrganisationOffice", str(random.randrange(1, 90))),
        _e("OrganisationPostalIndex", "050000"),
        _e("IINBIN", reporter.identifier),
        _e("AdditionalAcData", IsAc="False"),
    )


def _information(operation: _Operation, random: Random, local: datetime, participants: int) -> etree._Element:
    amount = f"{random.randrange(operation.least, operation.least * 4)}.{random.randrange(100):02d}"
    done = local - timedelta(minutes=random.randrange(5, 60))
    return _e(
        "MessageInformation",
        _e("DocumentType", "1"),
        _e("MessageNumber", str(random.randrange(1, 1_000_000))),
        _e("LastModifyDate", local.strftime(DAY)),
        _e("TransactionDate", done.strftime(MOMENT)),
        _e("ViewOperationId", operation.kind),
        _e("EknpId", "119", IsEknpNotSetup="False"),
        _e("OperationNumber", f"OP-{random.randrange(10**9):09d}"),
        _e("CurrencyCodeId", "398"),
        _e("AmountCurrency", amount),
        _e("AmountCurrencyTenge", amount),
        _e("OperationStatusId", "1"),
        _e("ReasonFilingId", operation.reason),
        *(_e(name, value) for name, value in operation.extra),
        _e("MoreInformation", operation.text),
        _e("ParticipantCount", str(participants)),
    )


def _participants(scenario: Scenario, random: Random, local: datetime) -> Sequence[etree._Element]:
    today = local.date()
    client = make_person(random, today)
    match scenario:
        case Scenario.CASINO_WINNINGS:
            return [_natural(client, RECIPIENT, random)]
        case Scenario.JEWELLERY_PURCHASE:
            return [_natural(client, BUYER, random)]
        case Scenario.SUSPICIOUS_DEAL:
            head = make_person(random, today)
            return [_natural(client, SELLER, random), _legal(make_firm(random, today), head, BUYER, random)]
        case Scenario.LIST_MATCH:
            return [_natural(client, RECIPIENT, random)]


def _natural(person: Person, view: str, random: Random) -> etree._Element:
    issued = person.born.replace(year=person.born.year + 18, day=1)
    details = _e(
        "AdditionalInformationAc",
        *_addresses(random),
        _e(
            "FIO",
            _e("FirstName", person.given),
            _e("SecondName", person.surname),
            _e("MiddleName", person.patronymic),
            IsFioNotSetup="False",
        ),
        _e("PlaceBirth", person.birthplace),
        _e("DateBirth", person.born.strftime(DAY)),
        _e("DocumentIdentity", "01"),
        _e("SeriesDocIdentity", "N"),
        _e("NumberDocIdentity", f"{random.randrange(10**9):09d}"),
        _e("DocumentIssued", "МВД РК"),
        _e("DateIssuance", issued.strftime(DAY)),
    )
    return _participant("2", view, [_e("IndividualIssue", person.iin)], [_e("AdditionalPersonInfo", details)], random)


def _legal(firm: Firm, head: Person, view: str, random: Random) -> etree._Element:
    founders = _e(
        "Founders",
        _e(
            "Founder",
            _e("FounderType", "2"),
            _e("FirstName", head.given),
            _e("SecondName", head.surname),
            _e("MiddleName", head.patronymic),
            _e("Residence", "KZ"),
        ),
    )
    details = _e(
        "AdditionalInformationUr",
        *_addresses(random),
        _e("FullName", firm.name, IsFullNameSetup="False"),
        _e("FirstHead", _e("FirstName", head.given), _e("SecondName", head.surname), _e("MiddleName", head.patronymic)),
    )
    identity = [_e("IndividualIssue", firm.bin), _e("OKED", "47770")]
    return _participant("1", view, identity, [founders, _e("AdditionalPersonInfo", details)], random)


def _participant(
    kind: str, view: str, identity: Sequence[etree._Element], details: Sequence[etree._Element], random: Random
) -> etree._Element:
    return _e(
        "Participant",
        _e("ParticipantsView", view),
        _e("ParticipantsType", kind),
        _e("IsClientSubject", "2"),
        _e("Residence", "KZ"),
        _e("ForeignPerson", "1"),
        _e(
            "CorrespondentBank",
            _e("AccountNumber", make_account(random)),
            _e("Name", "АО Қазақ Банкі"),
            _e("Code", "KZBKKZKA"),
            _e("BankCountry", "KZ"),
            _e("BankCity", "Алматы"),
            IsOffshore="False",
        ),
        *identity,
        _e("PhoneNumber", f"727/{random.randrange(2_000_000, 4_000_000)}/0"),
        _e("Email", "client@example.kz"),
        _e("AdditionalInformation", "жоқ"),
        *details,
    )


def _addresses(random: Random) -> tuple[etree._Element, etree._Element]:
    return _address("URAddress", random), _address("ACAddress", random)


def _address(tag: str, random: Random) -> etree._Element:
    return _e(
        tag,
        _e("Country", "KZ"),
        _e("Area", "Алматы қ.", Code="750000000"),
        _e("District", "Медеу ауданы", Code="751710000"),
        _e("Town", "Алматы", Code="750000000"),
        _e("Street", "Достық даңғылы"),
        _e("HomeNumber", str(random.randrange(1, 300))),
        _e("OfficeNumber", str(random.randrange(1, 100))),
        _e("PostalCode", "050010"),
    )


def _e(tag: str, *content: str | etree._Element, **attributes: str) -> etree._Element:
    element = etree.Element(tag, attributes)
    for part in content:
        if isinstance(part, str):
            element.text = part
        else:
            element.append(part)
    return element
