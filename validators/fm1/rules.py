"""Every rule of FM-1 at its place in the message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lxml import etree

from codes.editions import Edition
from validators.faults import Breach, Fault
from validators.fm1 import checks, luxury_rules, message_rules, participant_rules
from validators.fm1.parameters import Parameters
from validators.fm1.reading import Check, Content, Setting, Shape, block, carrier, leaf, read
from validators.luxury.items import LuxuryTables
from validators.model import Circumstances
from validators.values import later, local, read_date, read_moment

_MESSAGE = "SignedData[1]/Data[1]/Root[1]/MessageInformation[1]"
_DAYS = tuple(
    etree.XPath(place, regexp=False)
    for place in (f"{_MESSAGE}/TransactionDate[1]", f"{_MESSAGE}/LastModifyDate[1]", "SignedData[1]/TimeStamp[1]")
)


@dataclass(frozen=True, slots=True)
class EffectiveDay:
    """The day that chooses the edition, and the element it was read from (None: the day of receipt)."""

    day: date
    element: etree._Element | None


def effective_day(root: etree._Element, circumstances: Circumstances) -> EffectiveDay:
    """The day of the operation; without one that of the form, of sending, or of receipt in Asia/Almaty."""
    for place in _DAYS:
        found: Any = place(root)
        for element in found:
            told = read_moment(element.text) or read_date(element.text)
            if told is not None:
                return EffectiveDay(date(told.year, told.month, told.day), element)
    return EffectiveDay(local(circumstances.received_at).date(), None)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of FM-1 with the code tables and parameters of one edition."""

    edition: Edition
    parameters: Parameters
    shape: Shape

    @classmethod
    def of(cls, edition: Edition, parameters: Parameters, luxury: LuxuryTables) -> "Rules":
        """The rules with those tables and parameters."""
        return cls(edition, parameters, _message(edition, luxury))

    def examine(self, root: etree._Element, circumstances: Circumstances, day: date) -> tuple[Content, list[Fault]]:
        """The content of `SignedData` as plain data, and every fault that the rules find; never raises."""
        received = local(circumstances.received_at)
        latest = later(received, timedelta(hours=self.parameters.future_hours))
        kind = circumstances.reporter_kind
        setting = Setting(day, received, latest, kind, self.edition, self.parameters)
        faults: list[Fault] = []
        content = read(root, self.shape, setting, faults)
        return content.get("SignedData", {}), faults


def _message(edition: Edition, luxury: LuxuryTables) -> Shape:
    root = block(
        {
            "Version": leaf(),
            "DocumentUniqueIdentifier": leaf(),
            "PersonalData": _personal_data(edition),
            "MessageInformation": _message_information(edition, luxury),
            "References": block({"Reference": _reference()}),
            "Participants": block({"Participant": _participant(edition)}),
        },
        *message_rules.ROOT_RULES,
    )
    signed = {
        "Sender": leaf(),
        "Receiver": leaf(checks.to_agency),
        "TimeStamp": leaf(checks.past_moment),
        "Data": block({"Root": root}),
    }
    return block({"SignedData": block(signed), "TransportType": leaf(checks.transport)})


def _personal_data(edition: Edition) -> Shape:
    plain = (
        "FirstName SecondName MiddleName JobName OrganisationOPF Organisation OrganisationStreet OrganisationHouse "
        "OrganisationOffice OrganisationPostalIndex IINBIN"
    )
    document = "FirstName LastName MiddleName SeriesDocIdentity NumberDocIdentity DocumentIssued"
    return block(
        {
            **_leaves(plain),
            "Phone": leaf(checks.phone),
            "Email": leaf(checks.email),
            "OrganisationCode": leaf(_listed(edition, "reporting_entity_kinds")),
            "OrganisationArea": carrier("Code", checks.kato),
            "OrganisationCity": carrier("Code", checks.kato),
            "OrganisationDistrict": carrier("Code", checks.kato),
            "AdditionalAcData": block(
                {
                    **_leaves(document),
                    "DocumentIdentity": leaf(_listed(edition, "identity_document_kinds")),
                    "DateIssuance": leaf(checks.day),
                },
                *message_rules.ENTITY_PERSON_RULES,
                attribute="IsAc",
            ),
        }
    )


def _message_information(edition: Edition, luxury: LuxuryTables) -> Shape:
    plain = (
        "MessageNumber OperationNumber DocOperationNumber AmountCurrency AmountCurrencyTenge CounterMeasure "
        "DescriptionDifficulties MoreInformation ParticipantCount MerchReginfo ReferCount"
    )
    indicator = _listed(edition, "indicators", "proposed_indicators")
    kinds = luxury.edition.table("luxury_operation_kinds")
    return block(
        {
            **_leaves(plain),
            "DocumentType": leaf(_form(edition, "1.3")),
            "LastModifyDate": leaf(checks.day),
            "TransactionDate": leaf(checks.past_moment),
            "ViewOperationId": leaf(luxury_rules.operation(_listed(edition, "operation_kinds"), kinds)),
            "EknpId": carrier("IsEknpNotSetup", None, _purpose_or_reason),
            "DocOperationReason": leaf(_listed(edition, "deal_kinds")),
            "DocOperationDate": leaf(checks.day),
            "CurrencyCodeId": leaf(checks.currency),
            "OperationStatusId": leaf(_form(edition, "1.4")),
            "ReasonFilingId": leaf(_form(edition, "1.5")),
            "SuspicionFirst": leaf(indicator),
            "SuspicionSecond": leaf(indicator),
            "SuspicionThird": leaf(indicator),
            "MerchTypes": leaf(_form(edition, "3.2(2.1)")),
        },
        *message_rules.MESSAGE_RULES,
        luxury_rules.thing_has_code(luxury),
    )


def _purpose_or_reason(purpose: Content, _: Setting) -> Sequence[Breach]:
    """An empty payment purpose says that it cannot be established."""
    return () if purpose["#text"] or purpose.get("@IsEknpNotSetup") == "True" else (Breach("COD-009", ""),)


def _reference() -> Shape:
    plain = "ReferenceId ReferenceOperationNumber ReferenceDocOperationNumber"
    return block({**_leaves(plain), "ReferenceDocOperationDate": leaf(checks.day)}, repeated=True)


def _participant(edition: Edition) -> Shape:
    return block(
        {
            "MemberId": leaf(_form(edition, "4.1")),
            "ParticipantsView": leaf(_listed(edition, "participant_kinds")),
            "ParticipantsType": leaf(_form(edition, "4.5")),
            "IsClientSubject": leaf(_form(edition, "4.2")),
            "Residence": leaf(checks.country),
            "ForeignPerson": leaf(_form(edition, "4.6")),
            "CorrespondentBank": _bank(),
            "IndividualIssue": leaf(),
            "OKED": leaf(checks.oked),
            "PhoneNumber": leaf(checks.phone),
            "Email": leaf(checks.email),
            "AdditionalInformation": leaf(),
            "MoneyTransSys": leaf(),
            "Founders": block({"Founder": _founder(edition)}),
            "AdditionalPersonInfo": _branches(edition),
        },
        *participant_rules.RULES,
        repeated=True,
    )


def _bank() -> Shape:
    account = block({"BankName": leaf(), "BankCountry": leaf(checks.country)}, repeated=True)
    return block(
        {
            **_leaves("Name Code BankAddress BankCity"),
            "AccountNumber": leaf(checks.account),
            "BankCountry": leaf(checks.country),
            "BankOffshoreAddr": leaf(checks.country),
            "CorrespondentsInformations": block({"CorrespondentInformation": account}),
        },
        attribute="IsOffshore",
    )


def _founder(edition: Edition) -> Shape:
    kind = checks.listed(edition.table("inline_values"), under="Founder/FounderType")
    plain = "FounderOPF Name FirstName SecondName MiddleName"
    return block({**_leaves(plain), "FounderType": leaf(kind), "Residence": leaf(checks.country)}, repeated=True)


def _branches(edition: Edition) -> Shape:
    addresses = {"URAddress": _address(), "ACAddress": _address()}
    person = {
        **addresses,
        "FIO": block(_leaves("FirstName SecondName MiddleName"), attribute="IsFioNotSetup"),
        **_leaves("PlaceBirth SeriesDocIdentity NumberDocIdentity DocumentIssued"),
        "DateBirth": leaf(checks.day),
        "DocumentIdentity": leaf(_listed(edition, "identity_document_kinds")),
        "DateIssuance": leaf(checks.day),
    }
    company = {
        **addresses,
        "FullName": carrier("IsFullNameSetup"),
        "FirstHead": block(_leaves("FirstName SecondName MiddleName")),
        "ParticipantOPF": leaf(),
    }
    return block(
        {
            "AdditionalInformationUr": block(company),
            "AdditionalInformationAc": block(person),
            "AdditionalInformationIp": block({**person, "ParticipantOPF": leaf()}),
        }
    )


def _address() -> Shape:
    return block(
        {
            **_leaves("Street HomeNumber OfficeNumber PostalCode"),
            "Country": leaf(checks.country),
            "Area": carrier("Code", checks.kato),
            "District": carrier("Code", checks.kato),
            "Town": carrier("Code", checks.kato),
        },
        participant_rules.postal_code_of_address,
    )


def _leaves(tags: str) -> dict[str, Shape]:
    return {tag: leaf() for tag in tags.split()}


def _listed(edition: Edition, *tables: str) -> Check:
    return checks.listed(*(edition.table(name) for name in tables))


def _form(edition: Edition, form_field: str) -> Check:
    return checks.listed(edition.table("form_values"), under=form_field)
