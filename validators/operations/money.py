"""The price of an operation: its currency, its worth in tenge, and the part that was paid in cash."""

from collections.abc import Iterator
from typing import Final

from validators.attributes import Given, ItemFlaw, has_currency
from validators.faults import Flaw
from validators.totals import hundredths

TENGE: Final = "398"


def price_in_tenge(given: Given) -> str | None:
    """The price in tenge as it was sent: `PriceTenge` where it is given, else `Price`."""
    return given.get("PriceTenge", given.get("Price"))


def money_flaws(given: Given) -> Iterator[ItemFlaw]:
    """What is wrong between the amounts of an operation; a missing price is told by its kind.

    A currency that does not exist is told by its table, and asks for nothing else.
    """
    price, cash, tenge = (given.get(name) for name in ("Price", "Cash", "PriceTenge"))
    if price is None:
        return
    if cash is not None and hundredths(cash) > hundredths(price):
        yield "Cash", Flaw("OPS-028", {"price": price})
    currency = given.get("Currency", TENGE)
    if currency != TENGE and tenge is None and has_currency(currency):
        yield "PriceTenge", Flaw("OPS-029", {"currency": currency})
    elif currency == TENGE and tenge is not None and hundredths(tenge) != hundredths(price):
        yield "PriceTenge", Flaw("OPS-030", {"price": price})
