"""The verdict on one message of the gaming family by one edition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

from lxml import etree

from validators.assembly import guid_of, in_document_order, limited
from validators.faults import Fault
from validators.gaming.complexes import BATCH, complex_id_of
from validators.gaming.events import Bounds, Given, judge_events
from validators.gaming.message_rules import Block, header_faults, message_faults
from validators.gaming.model import Complex
from validators.gaming.moments import in_utc, read_moment
from validators.gaming.numbers import MOST
from validators.gaming.parameters import Parameters
from validators.gaming.totals import sums_of, total_faults
from validators.gaming.vocabulary import Vocabulary
from validators.items import alone, bare, carried, outcome_faults, refuses
from validators.model import Circumstances, Finding, Item, Judgement, Series, verdict_of
from validators.plain import plain
from validators.profiles import Profile, Told
from validators.structure import structure_findings

EVENT: Final = "Event"
LISTS: Final = {"Totals": "Total", "Figures": "Figure", "Units": "Unit", "Software": "Hash"}
_APART: Final = frozenset({"Signature", "Events"})


@dataclass(frozen=True, slots=True)
class Judging:
    """The rules of the family in one edition."""

    parameters: Parameters
    vocabulary: Vocabulary

    def judge(self, profile: Profile, told: Told, circumstances: Circumstances) -> Judgement:
        """The verdict on a message, with every finding in document order, and the outcome of each event of a batch."""
        root = told.root
        block = Block.of(root, told.message_type)
        if told.message_type == BATCH and (events := block.child("Events")) is not None:
            return self._batch(profile, told, circumstances, block, events)
        structure = structure_findings(root, profile.schemas[told.message_type])
        faults = list(self._faults(root, block, circumstances))
        findings = in_document_order(root, profile.schemas[told.message_type], structure, faults)
        return _judgement(profile, told, findings)

    def judge_event(
        self, profile: Profile, event: etree._Element, received_at: datetime, home: Complex | None = None
    ) -> Item:
        """The outcome of an `Event` element alone, as if it were the only one of its batch.

        Without the complex the rules that need its register are left out.
        """
        schema = profile.schemas[BATCH]
        bounds = Bounds(1, MOST, received_at, home, self.parameters, self.vocabulary)
        [item] = judge_events(alone(event, schema), [cast("Given", dict(event.attrib))], bounds)
        return item

    def _faults(self, root: etree._Element, block: Block, circumstances: Circumstances) -> Iterator[Fault]:
        yield from header_faults(root, circumstances, self.parameters)
        yield from message_faults(block, circumstances, self.parameters, self.vocabulary)

    def _batch(
        self, profile: Profile, told: Told, circumstances: Circumstances, block: Block, holder: etree._Element
    ) -> Judgement:
        root, schema = told.root, profile.schemas[BATCH]
        faults = list(self._faults(root, block, circumstances))
        given: list[Given] = [cast("Given", dict(event.attrib)) for event in holder.iterchildren(EVENT)]
        most = self.parameters.maximum_events
        if len(given) > most:
            faults.append(Fault("GAM-005", holder, "", None, {"most": str(most), "given": str(len(given))}))
            return _judgement(profile, told, in_document_order(root, schema, bare(root, holder, EVENT, schema), faults))
        events = carried(root, holder, EVENT, schema)
        totals = block.child("Totals")
        if totals is not None:
            faults.extend(total_faults(totals, sums_of(given)))
        findings = in_document_order(root, schema, events.structure, faults)
        if refuses(findings):
            return _judgement(profile, told, findings)
        items = judge_events(events, given, self._bounds(block, circumstances))
        outcome = outcome_faults(items, holder)
        if outcome:
            findings = in_document_order(root, schema, [], [*faults, *outcome])
        return _judgement(profile, told, findings, items, _series(block, items))

    def _bounds(self, block: Block, circumstances: Circumstances) -> Bounds:
        home = circumstances.complex if circumstances.register_known else None
        first, last = int(block.text("FirstEventSequence")), int(block.text("LastEventSequence"))
        return Bounds(first, last, circumstances.received_at, home, self.parameters, self.vocabulary)


def _series(block: Block, items: tuple[Item, ...]) -> Series:
    made_at = read_moment(block.text("MadeAt"))
    facts = {
        "previous": block.text("PreviousBatchHash"),
        "first": int(block.text("FirstEventSequence")),
        "last": int(block.text("LastEventSequence")),
        "made_at": in_utc(made_at) if made_at is not None else "",
        "events": len(items),
        "refused": sum(not item.accepted for item in items),
    }
    return Series(block.text("ComplexId"), int(block.text("BatchSequence")), MappingProxyType(facts))


def _judgement(
    profile: Profile,
    told: Told,
    findings: tuple[Finding, ...],
    items: tuple[Item, ...] = (),
    series: Series | None = None,
) -> Judgement:
    root, message_type = told.root, told.message_type
    verdict, routing = verdict_of(findings), profile.routing
    signed = root.find("SignedData")
    content: Mapping[str, Any] = plain(signed, LISTS, _APART) if signed is not None and len(signed) else {}
    head = root.find("SignedData/Data/Root")
    return Judgement(
        verdict=verdict,
        findings=limited(findings, root),
        family=profile.family,
        message_type=message_type,
        edition=profile.edition,
        codes_digest=profile.codes.digest,
        topic=routing.topic(message_type) if verdict.stands else routing.refused,
        document=guid_of(head.findtext("DocumentUniqueIdentifier")) if head is not None else None,
        version=guid_of(head.findtext("Version")) if head is not None else None,
        content=MappingProxyType(content),
        key=complex_id_of(root) if verdict.stands else None,
        event_type=routing.event_types.get(message_type, "") if verdict.stands else "",
        items=items,
        series=series,
    )
