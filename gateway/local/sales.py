"""Made-up dealers' operations: a car that goes from owner to owner, with one owner left out; a jeweller's day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from gateway.client.envelopes import Envelope, new_guid
from gateway.client.luxury_report import luxury_report_xml
from gateway.client.operations import Period, ReportHeader
from gateway.local.messages import Reporter
from gateway.local.people import make_person
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.xmldsig import sign_tree

PREMISES = "750000000"
SALES = 5
BREAK_AT = 4
"""The sale, counted from 1, whose seller never bought the car."""
PRICES = ("98000000", "91000000", "84000000", "80000000", "76000000")


def car_sales(dealer: str, item: str, random: Random, today: date, first: int = 1) -> list[dict[str, Any]]:
    """Five sales of a car on five days that end today; the seller of the fourth is nobody whom the third sold it to."""
    people = [make_person(random, today).iin for _ in range(SALES + 1)]
    sellers = [dealer, *people[: SALES - 1]]
    sellers[BREAK_AT - 1] = people[SALES]
    return [
        {
            "sequence": first + number,
            "id": new_guid(),
            "kind": "SALE",
            "date": (today - timedelta(days=SALES - 1 - number)).isoformat(),
            "class": "CAR",
            "item_code": item,
            "price": PRICES[number],
            "means": "TRANSFER",
            "seller_kind": "IIN" if number else "BIN",
            "seller": sellers[number],
            "buyer_kind": "IIN",
            "buyer": people[number],
            "condition": "USED" if number else "NEW",
        }
        for number in range(SALES)
    ]


async def luxury_report(
    reporter: Reporter, keys: LocalKeyHolder, number: int, operations: Sequence[dict[str, Any]], now: datetime
) -> bytes:
    """A signed report of those operations, about the days of which they are."""
    days = [date.fromisoformat(one["date"]) for one in operations]
    header = ReportHeader(number, Period(min(days), max(days)), PREMISES)
    envelope = Envelope(reporter.identifier, reporter.kind, now)
    return await sign_tree(luxury_report_xml(envelope, header, operations), keys)
