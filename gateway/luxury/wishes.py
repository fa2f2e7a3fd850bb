"""What is asked for, read from plain data: a code for a thing, or for an operation with a thing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from gateway.journal.luxury_rows import WantedCode
from gateway.luxury.refusals import WishRefused
from gateway.model import Finding
from validators.catalogue import found
from validators.identifiers import is_guid
from validators.luxury.items import LuxuryTables
from validators.luxury.unique_codes import CodeKind, CodeRefused, UniqueCode, read_code

OPERATION, ITEM, CLASS = "operation", "item", "class"


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
    texts = {name: value for name, value in member.items() if isinstance(value, str)}
    odd = [found("LUX-008", name, value=name) for name in member if name not in texts]
    if odd:
        raise WishRefused(odd)
    if OPERATION in texts or ITEM in texts:
        return _operation(texts, owner)
    reading = tables.read_item(texts.pop(CLASS, ""), texts)
    if not reading.stands:
        raise WishRefused(reading.findings)
    identifiers = orjson.dumps(dict(reading.values), option=orjson.OPT_SORT_KEYS).decode()
    return ItemWish(WantedCode(reading.digest, owner, reading.item_class, identifiers), reading.findings)


def read_item_code(typed: str, field: str = ITEM) -> UniqueCode:
    """The code of a thing that was typed; raises WishRefused."""
    return _code(typed, field, CodeKind.ITEM)


def _operation(texts: Mapping[str, str], owner: str) -> OperationWish:
    odd = [found("LUX-002", name, value=name) for name in texts if name not in (OPERATION, ITEM)]
    guid = texts.get(OPERATION, "").strip().upper()
    if not is_guid(guid):
        odd.append(found("LUX-006", OPERATION, value=texts.get(OPERATION)))
    if odd:
        raise WishRefused(odd)
    return OperationWish(owner, UUID(guid), read_item_code(texts.get(ITEM, "")))


def _code(typed: str, field: str, kind: CodeKind | None) -> UniqueCode:
    try:
        return read_code(typed, kind)
    except CodeRefused as refused:
        raise WishRefused([code_finding(typed, field, refused)]) from refused


def code_finding(typed: str, field: str, refused: CodeRefused) -> Finding:
    """Why a text is no unique code, as a finding."""
    return found("LUX-007", field, value=typed, parameters={"fault": refused.fault.value})


def read_any_code(typed: str, field: str) -> UniqueCode:
    """The code of either kind that was typed; raises WishRefused."""
    return _code(typed, field, None)
