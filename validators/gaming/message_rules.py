"""Rules over the one block of a message, its events aside."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from validators.blocks import Block
from validators.faults import Fault, Flaw
from validators.gaming.complexes import complex_flaw
from validators.gaming.messages import BATCH, END_OF_DAY, REGISTER, REGISTRATION, REPAIR
from validators.gaming.parameters import Parameters
from validators.gaming.vocabulary import Vocabulary
from validators.identifiers import has_kato_form, has_known_region
from validators.model import Circumstances
from validators.moments import local_day, read_day, read_moment
from validators.numbers import read_whole

CHAIN: Final = "CHAIN"
FORK: Final = "FORK"
CHANGE: Final = "CHANGE"
_WITHOUT_STATE: Final = ("SUSPEND", "RESUME", "RETIRE")
_STATE: Final = ("Kind", "Name", "Premises", "HeartbeatSeconds", "Units")
_STATE_ONLY: Final = (*_STATE, "Certificate", "Software")


def message_faults(
    block: Block, circumstances: Circumstances, parameters: Parameters, vocabulary: Vocabulary
) -> Iterator[Fault]:
    """What the rules of the message's type find in its block."""
    if not block.children:
        return
    flaw = complex_flaw(block.message_type, block.text("Action"), circumstances)
    if flaw is not None:
        yield block.fault("ComplexId", flaw)
    received_at = circumstances.received_at
    if block.message_type == BATCH:
        yield from _batch(block, received_at, parameters)
    elif block.message_type == END_OF_DAY:
        yield from _end_of_day(block, received_at, parameters, vocabulary)
    elif block.message_type == REGISTRATION:
        yield from _registration(block, parameters, vocabulary)
    elif block.message_type == REPAIR:
        repairs = block.text("Repairs")
        if repairs in (CHAIN, FORK):
            yield from _only(block, repairs, ("PreviousBatchHash",), given=repairs == CHAIN)


def _batch(block: Block, received_at: datetime, parameters: Parameters) -> Iterator[Fault]:
    first, last = (read_whole(block.text(f"{end}EventSequence")) for end in ("First", "Last"))
    if first is not None and last is not None and first > last:
        yield block.fault("FirstEventSequence", Flaw("GAM-004", {"last": str(last)}))
    made_at = block.text("MadeAt")
    moment = read_moment(made_at)
    if moment is None:
        yield block.fault("MadeAt", Flaw("GAM-031"))
    elif moment > received_at + timedelta(hours=parameters.future_hours):
        seconds = str(parameters.future_hours * 3600)
        yield block.fault("MadeAt", Flaw("GAM-028", {"attribute": "MadeAt", "seconds": seconds}))
    elif moment.date() < parameters.earliest:
        yield block.fault("MadeAt", Flaw("GAM-030", {"attribute": "MadeAt", "earliest": str(parameters.earliest)}))


def _end_of_day(block: Block, received_at: datetime, parameters: Parameters, vocabulary: Vocabulary) -> Iterator[Fault]:
    day = read_day(block.text("Day"))
    if day is None:
        yield block.fault("Day", Flaw("GAM-031"))
    elif day > local_day(received_at):
        yield block.fault("Day", Flaw("GAM-015"))
    elif day < parameters.earliest:
        yield block.fault("Day", Flaw("GAM-030", {"attribute": "Day", "earliest": str(parameters.earliest)}))
    figures = block.child("Figures")
    seen: set[tuple[str, str, str]] = set()
    for figure in figures.iterchildren("Figure") if figures is not None else ():
        kind, place = figure.get("Kind", ""), (figure.get("Unit", ""), figure.get("Kind", ""), figure.get("Hour", ""))
        if kind not in vocabulary.kinds:
            yield Fault("COD-001", figure, "/@Kind", kind, {"table": "event_kinds"})
        elif place in seen:
            yield Fault("GAM-016", figure, "", " ".join(place))
        seen.add(place)


def _registration(block: Block, parameters: Parameters, vocabulary: Vocabulary) -> Iterator[Fault]:
    action = block.text("Action")
    if action in (REGISTER, CHANGE):
        yield from _only(block, action, _STATE, given=True)
    elif action in _WITHOUT_STATE:
        yield from _only(block, action, _STATE_ONLY, given=False)
    kind, premises = block.text("Kind"), block.text("Premises")
    if kind and (flaw := parameters.kinds.flaw(kind)) is not None:
        yield block.fault("Kind", flaw)
    if has_kato_form(premises) and not has_known_region(premises):
        yield block.fault("Premises", Flaw("COD-008", {"region": premises[:2]}))
    yield from _listed(block, parameters.maximum_listed)
    yield from _units(block, parameters.maximum_listed, vocabulary)


def _listed(block: Block, most: int) -> Iterator[Fault]:
    """The lists of a registration that are too long."""
    for tag in ("Units", "Software"):
        child = block.child(tag)
        if child is not None and len(child) > most:
            parameters = {"element": tag, "given": str(len(child)), "most": str(most)}
            yield Fault("GAM-017", child, "", None, parameters)


def _units(block: Block, most: int, vocabulary: Vocabulary) -> Iterator[Fault]:
    units = block.child("Units")
    if units is not None and len(units) > most:
        return
    seen: set[str] = set()
    for unit in units.iterchildren("Unit") if units is not None else ():
        name, unit_kind = unit.get("Id", ""), unit.get("Kind", "")
        if name in seen:
            yield Fault("GAM-014", unit, "/@Id", name)
        if unit_kind not in vocabulary.unit_kinds:
            yield Fault("COD-001", unit, "/@Kind", unit_kind, {"table": "unit_kinds"})
        seen.add(name)


def _only(block: Block, action: str, tags: tuple[str, ...], *, given: bool) -> Iterator[Fault]:
    """The children that an action must have, or must not have."""
    code = "GAM-012" if given else "GAM-013"
    for tag in tags:
        if (block.child(tag) is not None) != given:
            yield block.fault(tag, Flaw(code, {"action": action, "element": tag}))
