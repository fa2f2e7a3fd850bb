"""Amounts in tenge as whole tiyn, so that totals are exact."""

import re

_FORM = re.compile(r"(0|[1-9][0-9]{0,19})(?:\.([0-9]{1,2}))?")
_TIYN = 100


def in_tiyn(amount: object) -> int:
    """The amount in tiyn; 0 for what is not an amount."""
    found = _FORM.fullmatch(str(amount))
    if found is None:
        return 0
    return int(found[1]) * _TIYN + int((found[2] or "0").ljust(2, "0"))


def written(tiyn: int) -> str:
    """The amount as it is written in a message: without a fraction where there is none."""
    whole, rest = divmod(tiyn, _TIYN)
    return f"{whole}.{rest:02d}" if rest else str(whole)
