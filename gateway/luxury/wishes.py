"""What is asked for, read from plain data: a code for a thing, or for an operation with a thing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from gateway.journal.luxury_rows import WantedCode
from gateway.luxury.refusals import WishRefused
from gateway.model import Finding
from validators.luxury.items import LuxuryTables
from validators.luxury.unique_codes import CodeRefused, UniqueCode, read_code
from validators.luxury.wishes import CLASS, ITEM, OPERATION, code_finding, not_texts, read_operation


@dataclass(frozen=True, slots=True)
class ItemWish:
    """A code is wanted for a thing; `findings` are warnings."""

    wanted: WantedCode
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class OperationWish:
    """A code is wanted for an operation of this owner, whose class is that of the thing."""

    owner: str
    operation: UUID
    item: UniqueCode

    def wanted(self, item_class: str) -> WantedCode:
        """The wish, once the class of its thing is known."""
        named = f"\x00{OPERATION}\x00{self.owner}\x00{self.operation}".encode()
        digest = hashlib.sha256(named).digest()
        return WantedCode(digest, self.owner, item_class, item=self.item.text, operation=self.operation)


def read_wish(member: Mapping[str, object], owner: str, tables: LuxuryTables) -> ItemWish | OperationWish:
    """The wish in `{"class": ..., identifiers ...}` or `{"operation": GUID, "item": code}`; raises WishRefused."""
    if odd := not_texts(member):
        raise WishRefused(odd)
    texts = {name: value for name, value in member.items() if isinstance(value, str)}
    if OPERATION in texts or ITEM in texts:
        reading = read_operation(texts)
        if reading.item is None or reading.findings:
            raise WishRefused(reading.findings)
        return OperationWish(owner, UUID(reading.operation), reading.item)
    item = tables.read_item(texts.pop(CLASS, ""), texts)
    if not item.stands:
        raise WishRefused(item.findings)
    identifiers = orjson.dumps(dict(item.values), option=orjson.OPT_SORT_KEYS).decode()
    return ItemWish(WantedCode(item.digest, owner, item.item_class, identifiers), item.findings)


def read_any_code(typed: str, field: str) -> UniqueCode:
    """The code of either kind that was typed; raises WishRefused."""
    try:
        return read_code(typed)
    except CodeRefused as refused:
        raise WishRefused([code_finding(typed, field, refused.fault)]) from refused
