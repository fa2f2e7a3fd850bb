"""What an FM-1 says of luxury goods: their own operation kinds, and the unique code of the thing (`proposed`)."""

import re
from collections.abc import Sequence
from typing import Final

from codes.tables import CodeTable
from validators.faults import Breach, Flaw
from validators.fm1.reading import Check, Content, Rule, Setting
from validators.luxury.items import LuxuryTables
from validators.luxury.unique_codes import CodeKind, CodeRefused, read_code
from validators.values import read_amount

_WORD: Final = re.compile(r"[^\s,;:()«»\"]+")


def operation(official: Check, kinds: CodeTable) -> Check:
    """The check of an operation kind: an official one as before, one of luxury goods accepted with a warning."""
    known = frozenset(entry.code for entry in kinds)

    def check(value: str, setting: Setting) -> Flaw | None:
        return Flaw("RUL-021", {"table": kinds.name}) if value in known else official(value, setting)

    return check


def thing_has_code(tables: LuxuryTables) -> Rule:
    """The rule that a threshold operation with a luxury good names the unique code of the thing."""

    def rule(message: Content, setting: Setting) -> Sequence[Breach]:
        parameters = setting.parameters
        item_class = parameters.things.get(message.get("MerchTypes", ""))
        if item_class is None or message.get("ReasonFilingId") != parameters.threshold_reason:
            return ()
        amount = read_amount(message.get("AmountCurrencyTenge"))
        threshold = tables.threshold(item_class, setting.day)
        if amount is None or threshold is None or amount[0] < threshold:
            return ()
        if any(_has_code(message.get(field, "")) for field in parameters.code_fields):
            return ()
        fields = " / ".join(parameters.code_fields)
        return (Breach("RUL-022", "MerchTypes", message["MerchTypes"], {"fields": fields}),)

    return rule


def _has_code(text: str) -> bool:
    """Whether one of the words of a text is the unique code of a thing."""
    return any(map(_is_code, _WORD.findall(text)))


def _is_code(word: str) -> bool:
    try:
        return bool(read_code(word.rstrip("."), CodeKind.ITEM))
    except CodeRefused:
        return False
