"""Complexes as their owners register them; an identifier belongs to the first owner for ever."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.oversight.facts import Registration
from gateway.oversight.state import Progress, Working
from validators.gaming.model import Complex, ComplexState

STATES = {
    "SUSPEND": ComplexState.SUSPENDED,
    "RESUME": ComplexState.ACTIVE,
    "RETIRE": ComplexState.RETIRED,
}


def register(state: Working, made: Registration) -> Complex | None:
    """The complex as it stands now; None where another owner's has this identifier, or there is none to change."""
    known = state.complexes.get(made.complex)
    if known is not None and (known.owner != made.owner or known.state is ComplexState.RETIRED):
        return None
    if made.action in STATES:
        now = replace(known, state=STATES[made.action]) if known else None
    else:
        now = _stated(made, known)
    if now is not None:
        state.complexes[now.id] = state.changes.complexes[now.id] = now
        state.progress.setdefault(now.id, Progress(now.owner))
        state.changes.progress.add(now.id)
    return now


def _stated(made: Registration, known: Complex | None) -> Complex:
    content = made.content
    return Complex(
        id=made.complex,
        owner=made.owner,
        state=known.state if known else ComplexState.ACTIVE,
        kind=str(content["Kind"]),
        name=str(content["Name"]),
        premises=str(content["Premises"]),
        heartbeat_seconds=int(content["HeartbeatSeconds"]),
        certificate=str(content["Certificate"]).lower() if content.get("Certificate") else None,
        units={unit["@Id"]: unit["@Kind"] for unit in _members(content, "Units", "Unit")},
        software=frozenset(str(digest).lower() for digest in _members(content, "Software", "Hash")),
    )


def _members(content: Mapping[str, Any], block: str, name: str) -> list[Any]:
    found = (content.get(block) or {}).get(name)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
