"""FM-1 as typed, frozen models for those who read it: `FM1.model_validate(content)`.

The models mirror the content of an accepted message under names that say what a field holds, whatever its tag says:
in `PersonalData` the tag `FirstName` holds the surname and `SecondName` the given name, the tags of the document's
series and number are swapped, and `IsFullNameSetup` = True means that the name can NOT be established. Codes stay
strings (`121` is not `0121`), amounts are exact decimals, days are dates, moments carry the zone Asia/Almaty.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from validators.values import LEGAL_ZONE, read_date, read_moment


def _day(value: Any) -> Any:
    return read_date(value) or value if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    read = read_moment(value) if isinstance(value, str) else None
    return read.replace(tzinfo=LEGAL_ZONE) if read is not None else value


Day = Annotated[date, BeforeValidator(_day)]
"""A day, read from `dd.mm.yyyy`."""

Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment of Asia/Almaty, read from `dd.mm.yyyy hh24:mm:ss`."""


class Block(BaseModel):
    """A block of FM-1: frozen; what a later edition adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


class Territory(Block):
    """A territory by its KATO code, with its name where the block has one."""

    code: str | None = Field(None, alias="@Code")
    name: str = Field("", alias="#text")


class PaymentPurpose(Block):
    """The payment purpose code (3.3); empty where `cannot_be_established`."""

    code: str = Field("", alias="#text")
    cannot_be_established: bool = Field(False, alias="@IsEknpNotSetup")


class EntityPerson(Block):
    """The reporting entity as a natural person (2.2, 2.6); all but `is_natural_person` are empty otherwise.

    The annex swaps the tags: `SeriesDocIdentity` holds the number and `NumberDocIdentity` the series.
    """

    is_natural_person: bool = Field(False, alias="@IsAc")
    given_name: str | None = Field(None, alias="FirstName")
    surname: str | None = Field(None, alias="LastName")
    patronymic: str | None = Field(None, alias="MiddleName")
    document_kind: str | None = Field(None, alias="DocumentIdentity")
    document_number: str | None = Field(None, alias="SeriesDocIdentity")
    document_series: str | None = Field(None, alias="NumberDocIdentity")
    document_date: Day | None = Field(None, alias="DateIssuance")
    document_issuer: str | None = Field(None, alias="DocumentIssued")


class Reporter(Block):
    """Who reports (`PersonalData`, section 2).

    The tags are the reverse of what they hold: `FirstName` is the officer's surname, `SecondName` the given name.
    """

    officer_surname: str | None = Field(None, alias="FirstName")
    officer_given_name: str | None = Field(None, alias="SecondName")
    officer_patronymic: str | None = Field(None, alias="MiddleName")
    officer_position: str | None = Field(None, alias="JobName")
    phone: str | None = Field(None, alias="Phone")
    email: str | None = Field(None, alias="Email")
    kind: str = Field(alias="OrganisationCode")
    legal_form: str | None = Field(None, alias="OrganisationOPF")
    name: str | None = Field(None, alias="Organisation")
    area: Territory | None = Field(None, alias="OrganisationArea")
    city: Territory | None = Field(None, alias="OrganisationCity")
    district: Territory | None = Field(None, alias="OrganisationDistrict")
    street: str | None = Field(None, alias="OrganisationStreet")
    house: str | None = Field(None, alias="OrganisationHouse")
    office: str | None = Field(None, alias="OrganisationOffice")
    postal_index: str | None = Field(None, alias="OrganisationPostalIndex")
    identifier: str = Field(alias="IINBIN")
    person: EntityPerson | None = Field(None, alias="AdditionalAcData")


class Message(Block):
    """The message and the operation (`MessageInformation`, sections 1 and 3)."""

    document_type: str = Field(alias="DocumentType")
    number: str = Field(alias="MessageNumber")
    form_date: Day = Field(alias="LastModifyDate")
    operation_at: Moment | None = Field(None, alias="TransactionDate")
    operation_kind: str = Field(alias="ViewOperationId")
    payment_purpose: PaymentPurpose | None = Field(None, alias="EknpId")
    operation_number: str | None = Field(None, alias="OperationNumber")
    deal_kind: str | None = Field(None, alias="DocOperationReason")
    deal_date: Day | None = Field(None, alias="DocOperationDate")
    deal_number: str | None = Field(None, alias="DocOperationNumber")
    currency: str = Field(alias="CurrencyCodeId")
    amount: Decimal = Field(alias="AmountCurrency")
    amount_tenge: Decimal = Field(alias="AmountCurrencyTenge")
    status: str = Field(alias="OperationStatusId")
    reason: str = Field(alias="ReasonFilingId")
    counter_measure: str | None = Field(None, alias="CounterMeasure")
    first_indicator: str | None = Field(None, alias="SuspicionFirst")
    second_indicator: str | None = Field(None, alias="SuspicionSecond")
    third_indicator: str | None = Field(None, alias="SuspicionThird")
    difficulties: str | None = Field(None, alias="DescriptionDifficulties")
    more_information: str | None = Field(None, alias="MoreInformation")
    participant_count: int = Field(alias="ParticipantCount")
    property_kind: str | None = Field(None, alias="MerchTypes")
    property_registration: str | None = Field(None, alias="MerchReginfo")
    reference_count: str | None = Field(None, alias="ReferCount")

    @property
    def indicators(self) -> tuple[str, ...]:
        """The suspicion indicators that are given, the first one first."""
        given = (self.first_indicator, self.second_indicator, self.third_indicator)
        return tuple(indicator for indicator in given if indicator)


class Reference(Block):
    """A link to another FM-1 (1.1(2))."""

    number: str | None = Field(None, alias="ReferenceId")
    form_number: str | None = Field(None, alias="ReferenceOperationNumber")
    form_date: Day | None = Field(None, alias="ReferenceDocOperationDate")
    operation_number: str | None = Field(None, alias="ReferenceDocOperationNumber")


class References(Block):
    """The links to other FM-1."""

    items: tuple[Reference, ...] = Field((), alias="Reference")


class CorrespondentAccount(Block):
    """A bank whose correspondent account took part (4.7(1.5))."""

    bank_name: str | None = Field(None, alias="BankName")
    bank_country: str | None = Field(None, alias="BankCountry")


class CorrespondentAccounts(Block):
    """The correspondent accounts; the annex spells the outer tag with two plural s, the inner with none."""

    items: tuple[CorrespondentAccount, ...] = Field((), alias="CorrespondentInformation")


class Bank(Block):
    """The participant's bank (4.7)."""

    is_offshore: bool | None = Field(None, alias="@IsOffshore")
    account: str | None = Field(None, alias="AccountNumber")
    name: str | None = Field(None, alias="Name")
    code: str | None = Field(None, alias="Code")
    address: str | None = Field(None, alias="BankAddress")
    country: str | None = Field(None, alias="BankCountry")
    city: str | None = Field(None, alias="BankCity")
    offshore_country: str | None = Field(None, alias="BankOffshoreAddr")
    correspondents: CorrespondentAccounts = Field(CorrespondentAccounts(), alias="CorrespondentsInformations")


class Founder(Block):
    """A founder of a legal person (4.9); here the tags of names are not reversed."""

    kind: str | None = Field(None, alias="FounderType")
    legal_form: str | None = Field(None, alias="FounderOPF")
    name: str | None = Field(None, alias="Name")
    given_name: str | None = Field(None, alias="FirstName")
    surname: str | None = Field(None, alias="SecondName")
    patronymic: str | None = Field(None, alias="MiddleName")
    residence: str | None = Field(None, alias="Residence")


class Founders(Block):
    """The founders of a legal person."""

    items: tuple[Founder, ...] = Field((), alias="Founder")


class Address(Block):
    """A legal (4.21) or actual (4.24) address."""

    country: str | None = Field(None, alias="Country")
    area: Territory | None = Field(None, alias="Area")
    district: Territory | None = Field(None, alias="District")
    town: Territory | None = Field(None, alias="Town")
    street: str | None = Field(None, alias="Street")
    house: str | None = Field(None, alias="HomeNumber")
    office: str | None = Field(None, alias="OfficeNumber")
    postal_code: str | None = Field(None, alias="PostalCode")


class Head(Block):
    """The first head of a legal person (4.10); here the tags of names are not reversed."""

    given_name: str | None = Field(None, alias="FirstName")
    surname: str | None = Field(None, alias="SecondName")
    patronymic: str | None = Field(None, alias="MiddleName")


class PersonName(Head):
    """The name of a natural person (4.14), empty where it cannot be established."""

    cannot_be_established: bool = Field(False, alias="@IsFioNotSetup")


class CompanyName(Block):
    """The name of a legal person (4.8); the tag `IsFullNameSetup` lacks a Not."""

    name: str = Field("", alias="#text")
    cannot_be_established: bool = Field(False, alias="@IsFullNameSetup")


class Addressed(Block):
    """What the three kinds of participants have in common."""

    legal_address: Address | None = Field(None, alias="URAddress")
    actual_address: Address | None = Field(None, alias="ACAddress")


class LegalPerson(Addressed):
    """A participant that is a legal person (`AdditionalInformationUr`)."""

    full_name: CompanyName | None = Field(None, alias="FullName")
    head: Head | None = Field(None, alias="FirstHead")
    legal_form: str | None = Field(None, alias="ParticipantOPF")


class NaturalPerson(Addressed):
    """A participant that is a natural person (`AdditionalInformationAc`); here no tag is swapped."""

    name: PersonName | None = Field(None, alias="FIO")
    place_of_birth: str | None = Field(None, alias="PlaceBirth")
    born: Day | None = Field(None, alias="DateBirth")
    document_kind: str | None = Field(None, alias="DocumentIdentity")
    document_series: str | None = Field(None, alias="SeriesDocIdentity")
    document_number: str | None = Field(None, alias="NumberDocIdentity")
    document_issuer: str | None = Field(None, alias="DocumentIssued")
    document_date: Day | None = Field(None, alias="DateIssuance")


class Entrepreneur(NaturalPerson):
    """A participant that is an individual entrepreneur (`AdditionalInformationIp`)."""

    legal_form: str | None = Field(None, alias="ParticipantOPF")


class Branch(Block):
    """Exactly one of the three, as the participant's type asks for."""

    legal_person: LegalPerson | None = Field(None, alias="AdditionalInformationUr")
    natural_person: NaturalPerson | None = Field(None, alias="AdditionalInformationAc")
    entrepreneur: Entrepreneur | None = Field(None, alias="AdditionalInformationIp")


class Participant(Block):
    """A participant in the operation (section 4)."""

    member: str | None = Field(None, alias="MemberId")
    kind: str = Field(alias="ParticipantsView")
    type: str = Field(alias="ParticipantsType")
    client: str = Field(alias="IsClientSubject")
    residence: str = Field(alias="Residence")
    foreign_official: str | None = Field(None, alias="ForeignPerson")
    bank: Bank | None = Field(None, alias="CorrespondentBank")
    identifier: str | None = Field(None, alias="IndividualIssue")
    activity: str | None = Field(None, alias="OKED")
    phone: str | None = Field(None, alias="PhoneNumber")
    email: str | None = Field(None, alias="Email")
    more_information: str | None = Field(None, alias="AdditionalInformation")
    money_transfer_system: str | None = Field(None, alias="MoneyTransSys")
    founders: Founders = Field(Founders(), alias="Founders")
    branch: Branch = Field(alias="AdditionalPersonInfo")


class Participants(Block):
    """The participants in the operation, in the order given."""

    items: tuple[Participant, ...] = Field(alias="Participant")


class Root(Block):
    """The four blocks of the message and its GUIDs."""

    version: str = Field(alias="Version")
    document: str = Field(alias="DocumentUniqueIdentifier")
    reporter: Reporter = Field(alias="PersonalData")
    message: Message = Field(alias="MessageInformation")
    references: References = Field(References(), alias="References")
    participants: Participants = Field(alias="Participants")


class Data(Block):
    """The wrapper of the root."""

    root: Root = Field(alias="Root")


class FM1(Block):
    """One FM-1: its envelope and content, without the signature."""

    sender: str = Field(alias="Sender")
    receiver: str = Field(alias="Receiver")
    sent_at: Moment = Field(alias="TimeStamp")
    data: Data = Field(alias="Data")

    @property
    def document(self) -> str:
        """The document's GUID; with `version` it tells a message apart."""
        return self.data.root.document

    @property
    def version(self) -> str:
        """The GUID of this version of the document."""
        return self.data.root.version

    @property
    def reporter(self) -> Reporter:
        """Who reports."""
        return self.data.root.reporter

    @property
    def message(self) -> Message:
        """The message and the operation."""
        return self.data.root.message

    @property
    def references(self) -> tuple[Reference, ...]:
        """The links to other FM-1."""
        return self.data.root.references.items

    @property
    def participants(self) -> tuple[Participant, ...]:
        """The participants in the operation."""
        return self.data.root.participants.items
