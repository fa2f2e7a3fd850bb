"""Which operations are usual for which kind of reporting entity (`proposed`: no text says so)."""

from datetime import date

from codes.editions import EVERY, Edition

ENTITIES, OPERATIONS, USUAL = "reporting_entity_kinds", "operation_kinds", "usual_operations"


def is_usual(edition: Edition, entity_kind: str, operation: str, on: date | None = None) -> bool | None:
    """Whether an operation of that code is usual for a reporting entity of that kind, good for a warning only.

    None where the edition cannot tell: it has no such table, or does not know the kind or the operation.
    """
    tables = edition.tables
    if not {ENTITIES, OPERATIONS, USUAL} <= tables.keys():
        return None
    found = tables[OPERATIONS].get(operation, on)
    if found is None or tables[ENTITIES].get(entity_kind, on) is None:
        return None
    group = tables[OPERATIONS].value(found, "group")
    return any(tables[USUAL].get((kind, group), on) is not None for kind in (entity_kind, EVERY))
