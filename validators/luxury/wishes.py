"""What a code is asked for, as plain data: what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from validators.catalogue import found
from validators.identifiers import is_guid
from validators.luxury.unique_codes import CodeFault, CodeKind, CodeRefused, UniqueCode, read_code
from validators.model import Finding

OPERATION, ITEM, CLASS = "operation", "item", "class"


@dataclass(frozen=True, slots=True)
class OperationReading:
    """An operation as somebody named it: its GUID in upper case, and the code of its thing where that can be read."""

    operation: str
    item: UniqueCode | None
    findings: tuple[Finding, ...]


def read_operation(texts: Mapping[str, str]) -> OperationReading:
    """The operation in `{"operation": GUID, "item": code}`, with every finding."""
    findings = [found("LUX-002", name, value=name) for name in texts if name not in (OPERATION, ITEM)]
    guid = texts.get(OPERATION, "").strip().upper()
    if not is_guid(guid):
        findings.append(found("LUX-006", OPERATION, value=guid))
    item = None
    typed = texts.get(ITEM, "")
    try:
        item = read_code(typed, CodeKind.ITEM)
    except CodeRefused as refused:
        findings.append(code_finding(typed, ITEM, refused.fault))
    return OperationReading(guid, item, tuple(findings))


def code_finding(typed: str, field: str, fault: CodeFault) -> Finding:
    """Why a text is no unique code, or not one of the kind that is wanted."""
    return found("LUX-007", field, value=typed, parameters={"fault": fault.value})


def unknown_item(item: UniqueCode) -> Finding:
    """The code is that of no thing."""
    return found("LUX-005", ITEM, value=item.grouped)


def not_texts(member: Mapping[str, object]) -> tuple[Finding, ...]:
    """Every value that is no text."""
    return tuple(found("LUX-008", name, value=name) for name, value in member.items() if not isinstance(value, str))
