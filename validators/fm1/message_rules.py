"""Rules across the fields of the message.

Each takes the content of one block; places are below it: `AdditionalAcData`, `MessageInformation` or `Root`.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from codes import usual
from validators.calendar import end_of_hours_after_day, end_of_next_working_day
from validators.faults import Breach
from validators.fm1.parameters import Deadline
from validators.fm1.participant_rules import section
from validators.fm1.reading import Content, Setting
from validators.values import read_amount, read_date, read_moment

TENGE = "398"
MESSAGE = "MessageInformation"
INDICATORS = ("SuspicionFirst", "SuspicionSecond", "SuspicionThird")
_MINUTE = timedelta(minutes=1)
_is_usual = lru_cache(maxsize=4_096)(usual.is_usual)


def participants_of(root: Content) -> list[Content]:
    """The participants that are given."""
    given: list[Content] = section(root, "Participants").get("Participant", [])
    return given


def references_of(root: Content) -> list[Content]:
    """The links to other FM-1 that are given."""
    given: list[Content] = section(root, "References").get("Reference", [])
    return given


def suspicion_has_indicator(message: Content, setting: Setting) -> Iterator[Breach]:
    """A suspicious operation names its first indicator."""
    reason = message.get("ReasonFilingId")
    if reason == setting.parameters.suspicious_reason and not message.get("SuspicionFirst"):
        yield Breach("RUL-001", "SuspicionFirst", None, {"reason": reason})


def no_time_when_not_carried_out(message: Content, setting: Setting) -> Iterator[Breach]:
    """What was not carried out has no time of operation."""
    status, moment = message.get("OperationStatusId"), message.get("TransactionDate")
    if status == setting.parameters.not_carried_out and moment is not None:
        yield Breach("RUL-002", "TransactionDate", moment, {"status": status})


def time_when_carried_out(message: Content, setting: Setting) -> Iterator[Breach]:
    """Everything else has a time of operation."""
    status = message.get("OperationStatusId")
    if status and status != setting.parameters.not_carried_out and "TransactionDate" not in message:
        yield Breach("RUL-007", "TransactionDate", None, {"status": status})


def entity_document_only_for_persons(document: Content, _: Setting) -> Iterator[Breach]:
    """An entity that is no natural person gives no document of identity."""
    if document.get("@IsAc") != "False":
        return
    children = [tag for tag in document if not tag.startswith("@")]
    if children:
        yield Breach("RUL-005", "", None, {"children": ", ".join(children)})


def participants_are_counted(root: Content, _: Setting) -> Iterator[Breach]:
    """The number of participants is the number of those given; that there are none is the schema's business."""
    told, given = section(root, MESSAGE).get("ParticipantCount"), len(participants_of(root))
    if told and given and _is_number(told) and not _counts(told, given):
        yield Breach("RUL-006", f"{MESSAGE}/ParticipantCount", told, {"given": str(given)})


def references_are_counted(root: Content, _: Setting) -> Iterator[Breach]:
    """The number of links is the number of those given."""
    told, given = section(root, MESSAGE).get("ReferCount"), len(references_of(root))
    if told and not (_is_number(told) and _counts(told, given)):
        yield Breach("RUL-012", f"{MESSAGE}/ReferCount", told, {"given": str(given)})


def replacement_refers(root: Content, setting: Setting) -> Iterator[Breach]:
    """A replacement or withdrawal refers to the earlier message."""
    kind = section(root, MESSAGE).get("DocumentType")
    if kind in setting.parameters.referring_documents and not references_of(root):
        yield Breach("RUL-011", "References", None, {"type": kind})


def list_match_has_measure(message: Content, setting: Setting) -> Iterator[Breach]:
    """A match with a list and a counter-measure come together."""
    reason, measure = message.get("ReasonFilingId"), message.get("CounterMeasure")
    match = setting.parameters.list_match_reason
    if reason == match and not measure:
        yield Breach("RUL-008", "CounterMeasure", None, {"reason": reason})
    elif reason and reason != match and measure is not None:
        yield Breach("RUL-009", "CounterMeasure", measure, {"reason": reason, "expected": match})


def indicators_only_for_suspicion(message: Content, setting: Setting) -> Iterator[Breach]:
    """Indicators belong to suspicious operations."""
    reason, expected = message.get("ReasonFilingId"), setting.parameters.suspicious_reason
    if not reason or reason == expected:
        return
    for tag in INDICATORS:
        if tag in message:
            parameters = {"reason": reason, "expected": expected}
            yield Breach("RUL-010", tag, message[tag], parameters)


def offshore_where_asked(root: Content, setting: Setting) -> Iterator[Breach]:
    """The offshore country of a bank is given where the operation asks for it."""
    operation, asking = section(root, MESSAGE).get("ViewOperationId"), setting.parameters.offshore_operations
    if not operation or operation in asking:
        return
    for nth, participant in enumerate(participants_of(root), 1):
        given = section(participant, "CorrespondentBank").get("BankOffshoreAddr")
        if given is not None:
            place = f"Participants/Participant[{nth}]/CorrespondentBank/BankOffshoreAddr"
            parameters = {"operation": operation, "asking": ", ".join(sorted(asking))}
            yield Breach("RUL-013", place, given, parameters)


def property_where_asked(message: Content, setting: Setting) -> Iterator[Breach]:
    """The kind of property is given where the operation asks for it."""
    operation, asking = message.get("ViewOperationId"), setting.parameters.property_operations
    given = message.get("MerchTypes")
    if operation and given is not None and operation not in asking:
        parameters = {"operation": operation, "asking": ", ".join(sorted(asking))}
        yield Breach("RUL-014", "MerchTypes", given, parameters)


def amount_reaches_threshold(message: Content, setting: Setting) -> Iterator[Breach]:
    """A threshold operation reaches the threshold of its kind."""
    operation, told = message.get("ViewOperationId"), message.get("AmountCurrencyTenge")
    amount = read_amount(told)
    if amount is None or not operation or message.get("ReasonFilingId") != setting.parameters.threshold_reason:
        return
    entry = setting.edition.table("operation_kinds").get(operation, setting.day)
    threshold = entry.attributes["threshold_tenge"] if entry is not None else ""
    if threshold and amount[0] < int(threshold):
        parameters = {"operation": operation, "threshold": threshold}
        yield Breach("RUL-015", "AmountCurrencyTenge", told, parameters)


def operation_is_usual(root: Content, setting: Setting) -> Iterator[Breach]:
    """The operation is one that entities of this kind report."""
    operation = section(root, MESSAGE).get("ViewOperationId")
    kind = setting.kind or section(root, "PersonalData").get("OrganisationCode")
    if operation and kind and _is_usual(setting.edition, kind, operation, setting.day) is False:
        yield Breach("RUL-016", f"{MESSAGE}/ViewOperationId", operation, {"kind": kind})


def kind_is_enrolled(root: Content, setting: Setting) -> Iterator[Breach]:
    """The entity's kind is the one it is enrolled with."""
    told = section(root, "PersonalData").get("OrganisationCode")
    if told and setting.kind is not None and told != setting.kind:
        yield Breach("RUL-017", "PersonalData/OrganisationCode", told, {"enrolled": setting.kind})


def tenge_amounts_agree(message: Content, _: Setting) -> Iterator[Breach]:
    """An operation in tenge has one amount."""
    if message.get("CurrencyCodeId") != TENGE:
        return
    told, tenge = message.get("AmountCurrency"), message.get("AmountCurrencyTenge")
    amounts = read_amount(told), read_amount(tenge)
    if None not in amounts and amounts[0] != amounts[1]:
        yield Breach("RUL-018", "AmountCurrencyTenge", tenge, {"amount": str(told)})


def filed_in_time(message: Content, setting: Setting) -> Iterator[Breach]:
    """The message was received before the latest of its deadlines."""
    due = [
        (end, deadline)
        for deadline in setting.parameters.deadlines
        if message.get(deadline.field) == deadline.value and (end := _end(deadline, message)) is not None
    ]
    if not due:
        return
    end, deadline = max(due, key=lambda pair: pair[0])
    if setting.received >= end:
        parameters = {
            "rule": deadline.rule,
            "deadline": f"{end - _MINUTE:%d.%m.%Y %H:%M}",
            "received": f"{setting.received:%d.%m.%Y %H:%M}",
        }
        yield Breach("RUL-019", deadline.start, message[deadline.start], parameters)


def _end(deadline: Deadline, message: Content) -> datetime | None:
    told = message.get(deadline.start)
    day = read_moment(told) or read_date(told)
    if day is None:
        return None
    if deadline.hours is None:
        return end_of_next_working_day(day)
    return end_of_hours_after_day(day, deadline.hours)


def _is_number(told: str) -> bool:
    return told.isascii() and told.isdigit()


def _counts(told: str, given: int) -> bool:
    return told.lstrip("0") == (str(given) if given else "")


ENTITY_PERSON_RULES = (entity_document_only_for_persons,)
MESSAGE_RULES = (
    suspicion_has_indicator,
    no_time_when_not_carried_out,
    time_when_carried_out,
    list_match_has_measure,
    indicators_only_for_suspicion,
    property_where_asked,
    amount_reaches_threshold,
    tenge_amounts_agree,
    filed_in_time,
)
ROOT_RULES = (
    participants_are_counted,
    references_are_counted,
    replacement_refers,
    offshore_where_asked,
    operation_is_usual,
    kind_is_enrolled,
)
