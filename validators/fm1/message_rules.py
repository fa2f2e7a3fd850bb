"""Rules across the fields of the message.

Each takes the content of one block; places are below it: `AdditionalAcData`, `MessageInformation` or `Root`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter

from codes import usual
from validators.calendar import end_of_hours_after_day, end_of_next_working_day
from validators.faults import Breach
from validators.fm1.parameters import Deadline
from validators.fm1.participant_rules import section
from validators.fm1.reading import Content, Setting
from validators.values import is_number, read_amount, read_date, read_moment

TENGE = "398"
MESSAGE = "MessageInformation"
INDICATORS = ("SuspicionFirst", "SuspicionSecond", "SuspicionThird")
_MINUTE = timedelta(minutes=1)
_LATEST = itemgetter(0)
_is_usual = lru_cache(maxsize=4_096)(usual.is_usual)


def participants_of(root: Content) -> list[Content]:
    """The participants that are given."""
    given: list[Content] = section(root, "Participants").get("Participant", [])
    return given


def references_of(root: Content) -> list[Content]:
    """The links to other FM-1 that are given."""
    given: list[Content] = section(root, "References").get("Reference", [])
    return given


def suspicion_has_indicator(message: Content, setting: Setting) -> Sequence[Breach]:
    """A suspicious operation names its first indicator."""
    reason = message.get("ReasonFilingId")
    if reason != setting.parameters.suspicious_reason or message.get("SuspicionFirst"):
        return ()
    return (Breach("RUL-001", "SuspicionFirst", None, {"reason": reason}),)


def no_time_when_not_carried_out(message: Content, setting: Setting) -> Sequence[Breach]:
    """What was not carried out has no time of operation."""
    status, moment = message.get("OperationStatusId"), message.get("TransactionDate")
    if status != setting.parameters.not_carried_out or moment is None:
        return ()
    return (Breach("RUL-002", "TransactionDate", moment, {"status": status}),)


def time_when_carried_out(message: Content, setting: Setting) -> Sequence[Breach]:
    """Everything else has a time of operation."""
    status = message.get("OperationStatusId")
    if "TransactionDate" in message or not status or status == setting.parameters.not_carried_out:
        return ()
    return (Breach("RUL-007", "TransactionDate", None, {"status": status}),)


def entity_document_only_for_persons(document: Content, _: Setting) -> Sequence[Breach]:
    """An entity that is no natural person gives no document of identity."""
    if document.get("@IsAc") != "False":
        return ()
    children = [tag for tag in document if not tag.startswith("@")]
    return (Breach("RUL-005", "", None, {"children": ", ".join(children)}),) if children else ()


def participants_are_counted(root: Content, _: Setting) -> Sequence[Breach]:
    """The number of participants is the number of those given; that there are none is the schema's business."""
    told, given = section(root, MESSAGE).get("ParticipantCount"), len(participants_of(root))
    if not told or not given or _counts(told, given) or not is_number(told):
        return ()
    return (Breach("RUL-006", f"{MESSAGE}/ParticipantCount", told, {"given": str(given)}),)


def references_are_counted(root: Content, _: Setting) -> Sequence[Breach]:
    """The number of links is the number of those given."""
    told = section(root, MESSAGE).get("ReferCount")
    if not told:
        return ()
    given = len(references_of(root))
    if is_number(told) and _counts(told, given):
        return ()
    return (Breach("RUL-012", f"{MESSAGE}/ReferCount", told, {"given": str(given)}),)


def replacement_refers(root: Content, setting: Setting) -> Sequence[Breach]:
    """A replacement or withdrawal refers to the earlier message."""
    kind = section(root, MESSAGE).get("DocumentType")
    if kind not in setting.parameters.referring_documents or references_of(root):
        return ()
    return (Breach("RUL-011", "References", None, {"type": kind}),)


def list_match_has_measure(message: Content, setting: Setting) -> Sequence[Breach]:
    """A match with a list and a counter-measure come together."""
    reason, measure = message.get("ReasonFilingId"), message.get("CounterMeasure")
    match = setting.parameters.list_match_reason
    if reason == match:
        return () if measure else (Breach("RUL-008", "CounterMeasure", None, {"reason": reason}),)
    if not reason or measure is None:
        return ()
    return (Breach("RUL-009", "CounterMeasure", measure, {"reason": reason, "expected": match}),)


def indicators_only_for_suspicion(message: Content, setting: Setting) -> Sequence[Breach]:
    """Indicators belong to suspicious operations."""
    reason, expected = message.get("ReasonFilingId"), setting.parameters.suspicious_reason
    if not reason or reason == expected:
        return ()
    return [
        Breach("RUL-010", tag, message[tag], {"reason": reason, "expected": expected})
        for tag in INDICATORS
        if tag in message
    ]


def offshore_where_asked(root: Content, setting: Setting) -> Sequence[Breach]:
    """The offshore country of a bank is given where the operation asks for it."""
    operation, asking = section(root, MESSAGE).get("ViewOperationId"), setting.parameters.offshore_operations
    if not operation or operation in asking:
        return ()
    breaches = []
    for nth, participant in enumerate(participants_of(root), 1):
        given = section(participant, "CorrespondentBank").get("BankOffshoreAddr")
        if given is not None:
            place = f"Participants/Participant[{nth}]/CorrespondentBank/BankOffshoreAddr"
            parameters = {"operation": operation, "asking": ", ".join(sorted(asking))}
            breaches.append(Breach("RUL-013", place, given, parameters))
    return breaches


def property_where_asked(message: Content, setting: Setting) -> Sequence[Breach]:
    """The kind of property is given where the operation asks for it."""
    operation, given = message.get("ViewOperationId"), message.get("MerchTypes")
    asking = setting.parameters.property_operations
    if given is None or not operation or operation in asking:
        return ()
    parameters = {"operation": operation, "asking": ", ".join(sorted(asking))}
    return (Breach("RUL-014", "MerchTypes", given, parameters),)


def amount_reaches_threshold(message: Content, setting: Setting) -> Sequence[Breach]:
    """A threshold operation reaches the threshold of its kind."""
    operation, told = message.get("ViewOperationId"), message.get("AmountCurrencyTenge")
    if not operation or message.get("ReasonFilingId") != setting.parameters.threshold_reason:
        return ()
    entry = setting.edition.table("operation_kinds").get(operation, setting.day)
    threshold = entry.attributes["threshold_tenge"] if entry is not None else ""
    amount = read_amount(told) if threshold else None
    if amount is None or amount[0] >= int(threshold):
        return ()
    return (Breach("RUL-015", "AmountCurrencyTenge", told, {"operation": operation, "threshold": threshold}),)


def operation_is_usual(root: Content, setting: Setting) -> Sequence[Breach]:
    """The operation is one that entities of this kind report."""
    operation = section(root, MESSAGE).get("ViewOperationId")
    kind = setting.kind or section(root, "PersonalData").get("OrganisationCode")
    if not operation or not kind or operation not in setting.edition.table(usual.OPERATIONS):
        return ()
    if kind not in setting.edition.table(usual.ENTITIES):
        return ()
    if _is_usual(setting.edition, kind, operation, setting.day) is not False:
        return ()
    return (Breach("RUL-016", f"{MESSAGE}/ViewOperationId", operation, {"kind": kind}),)


def kind_is_enrolled(root: Content, setting: Setting) -> Sequence[Breach]:
    """The entity's kind is the one it is enrolled with."""
    told = section(root, "PersonalData").get("OrganisationCode")
    if not told or setting.kind is None or told == setting.kind:
        return ()
    return (Breach("RUL-017", "PersonalData/OrganisationCode", told, {"enrolled": setting.kind}),)


def tenge_amounts_agree(message: Content, _: Setting) -> Sequence[Breach]:
    """An operation in tenge has one amount."""
    if message.get("CurrencyCodeId") != TENGE:
        return ()
    told, tenge = message.get("AmountCurrency"), message.get("AmountCurrencyTenge")
    if told == tenge:
        return ()
    amounts = read_amount(told), read_amount(tenge)
    if None in amounts or amounts[0] == amounts[1]:
        return ()
    return (Breach("RUL-018", "AmountCurrencyTenge", tenge, {"amount": str(told)}),)


def filed_in_time(message: Content, setting: Setting) -> Sequence[Breach]:
    """The message was received before the latest of its deadlines."""
    due = [
        (end, deadline)
        for deadline in setting.parameters.deadlines
        if message.get(deadline.field) == deadline.value and (end := _end(deadline, message)) is not None
    ]
    if not due:
        return ()
    end, deadline = max(due, key=_LATEST)
    if setting.received < end:
        return ()
    parameters = {
        "rule": deadline.rule,
        "deadline": f"{end - _MINUTE:%d.%m.%Y %H:%M}",
        "received": f"{setting.received:%d.%m.%Y %H:%M}",
    }
    return (Breach("RUL-019", deadline.start, message[deadline.start], parameters),)


def _end(deadline: Deadline, message: Content) -> datetime | None:
    told = message.get(deadline.start)
    day = read_moment(told) or read_date(told)
    if day is None:
        return None
    if deadline.hours is None:
        return end_of_next_working_day(day)
    return end_of_hours_after_day(day, deadline.hours)


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
