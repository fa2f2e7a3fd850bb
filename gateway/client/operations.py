"""Reports of operations as a dealer's own software makes them: plain objects in, lxml trees out."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from lxml import etree

from gateway.client.envelopes import Attributes, Content, Envelope, add_text, add_totals, enveloped, totals_by_kind


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a report is about, both included."""

    first: date
    last: date

    @classmethod
    def month(cls, year: int, month: int) -> Self:
        """A whole month."""
        return cls(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class ReportHeader:
    """The place of a report in its dealer's series, its period and the KATO code of the premises."""

    number: int
    period: Period
    premises: str


def report_xml(
    envelope: Envelope, tag: str, header: ReportHeader, attributes: Attributes, operations: Sequence[Content]
) -> etree._Element:
    """A report with its totals, a nil report where there is no operation; raises UnknownAttribute."""
    message = etree.Element(tag)
    add_text(message, "ReportSequence", str(header.number))
    add_text(message, "PeriodFrom", header.period.first.isoformat())
    add_text(message, "PeriodTo", header.period.last.isoformat())
    add_text(message, "Premises", header.premises)
    add_text(message, "Nil", str(not operations))
    add_totals(message, totals_by_kind(operations, ("price_tenge", "price")))
    place = etree.SubElement(message, "Operations")
    for operation in operations:
        etree.SubElement(place, "Operation", attributes.written(operation))
    return enveloped(envelope, message)
