"""The sheet of a dealer in precious metals: its columns, and what its cells hold."""

from functools import cache
from typing import Final

from codes.editions import load_codebook
from gateway.client.sheets.columns import SheetForm
from gateway.client.sheets.values import ValueKind

_KINDS: Final = {
    "Date": ValueKind.DAY,
    "Time": ValueKind.CLOCK,
    **dict.fromkeys(
        ("Grams", "PureGrams", "Carats", "Count", "Price", "Cash", "PriceTenge", "OriginalSequence"), ValueKind.NUMBER
    ),
}
_LISTS: Final = {
    "Kind": "metals_operations",
    "Article": "metals_articles",
    "Metal": "metals",
    "Fineness": "finenesses",
    "Stone": "stones",
    "PartyKind": "party_kinds",
    "ReplacedKind": "metals_operations",
}
_FILLED: Final = frozenset({"Kind", "Date"})
_REQUIRED: Final = frozenset({"Kind", "Date", "Article", "Description", "Price", "PartyKind"})


@cache
def metals_form() -> SheetForm:
    """The sheet by the newest edition of the family's code tables."""
    codes = load_codebook().of("precious-metals")[-1]
    return SheetForm.of(codes, "metals_columns", _KINDS, _LISTS, required=_REQUIRED, filled=_FILLED)
