"""The verdict on messages of a family whose messages may carry items; FM-1 has a way of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lxml import etree

from validators.assembly import guid_of, in_document_order, limited
from validators.attributes import Given
from validators.faults import Fault
from validators.items import Carried, Tally, bare, carried, given_of, outcome_faults, refuses
from validators.model import Finding, Item, Judgement, Series, verdict_of
from validators.plain import plain
from validators.profiles import Profile, Told
from validators.structure import structure_findings
from validators.totals import Sums, Totalling

JudgeItems = Callable[[Carried, Sequence[Given]], tuple[tuple[Item, ...], Series]]
"""Judges the items of a message that stands, and tells its place in its series."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Where the items of a family stand: the type of the message, the tag of their holder in its block, their own.

    `most` is how many a message may hold that is too long to be judged as a whole; 0 where there is no such message.
    """

    message_type: str
    tag: str
    item: str
    most: int

    @property
    def path(self) -> str:
        """Its place below the root."""
        return f"SignedData/Data/Root/{self.message_type}/{self.tag}"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a family writes its messages.

    `item` is the tag of an item, `lists` are tags of lists with those of their members, `apart` the tags that are no
    content, `too_many` is the code of the finding that says that there are more than `most` items, `key_of` tells the
    key of a message's records, None for the sender.
    """

    item: str
    lists: Mapping[str, str]
    apart: AbstractSet[str]
    most: int
    too_many: str
    totalling: Totalling
    key_of: Callable[[etree._Element], str | None]

    def judge(self, profile: Profile, told: Told, faults: Sequence[Fault]) -> Judgement:
        """The verdict on a message without items."""
        schema = profile.schemas[told.message_type]
        structure = structure_findings(told.root, schema)
        return self.judgement(profile, told, in_document_order(told.root, schema, structure, list(faults)))

    def judge_items(
        self,
        profile: Profile,
        told: Told,
        holder: etree._Element,
        faults: list[Fault],
        judge: JudgeItems,
        *,
        event: str = "",
    ) -> Judgement:
        """The verdict on a message with items in that holder, and the outcome of each where the message stands.

        `event` names the type of its records among the profile's event types, where that is not its own.
        """
        root, schema = told.root, profile.schemas[told.message_type]
        given = [given_of(item) for item in holder.iterchildren(self.item)]
        if len(given) > self.most:
            faults.append(self.surplus(holder, len(given), self.most))
            structure = bare(root, holder, self.item, schema)
            return self.judgement(profile, told, in_document_order(root, schema, structure, faults))
        items = carried(root, holder, self.item, schema)
        faults.extend(self.total_faults(holder, self.totalling.sums_of(given)))
        findings = in_document_order(root, schema, items.structure, faults)
        if refuses(findings):
            return self.judgement(profile, told, findings)
        outcomes, series = judge(items, given)
        summary = outcome_faults(Tally.of(outcomes), holder)
        if summary:
            findings = in_document_order(root, schema, [], [*faults, *summary])
        return self.judgement(profile, told, findings, event, (outcomes, series))

    def surplus(self, holder: etree._Element, given: int, most: int) -> Fault:
        """That there are more items than a message may have."""
        return Fault(self.too_many, holder, "", None, {"most": str(most), "given": str(given)})

    def total_faults(self, holder: etree._Element, sums: Sums) -> Iterator[Fault]:
        """What is wrong with the totals of a message whose items make these sums."""
        totals = holder.getparent().find("Totals")  # type: ignore[union-attr] # a holder stands in its message
        if totals is not None:
            yield from self.totalling.faults(totals, sums)

    def judgement(
        self,
        profile: Profile,
        told: Told,
        findings: tuple[Finding, ...],
        event: str = "",
        outcome: tuple[tuple[Item, ...], Series | None] = ((), None),
    ) -> Judgement:
        """The verdict that follows from these findings; `outcome` are the items that were judged, and the series."""
        root, message_type = told.root, told.message_type
        verdict, routing = verdict_of(findings), profile.routing
        signed = root.find("SignedData")
        content: Mapping[str, Any] = plain(signed, self.lists, self.apart) if signed is not None and len(signed) else {}
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
            key=self.key_of(root) if verdict.stands else None,
            event_type=routing.event_types.get(event or message_type, "") if verdict.stands else "",
            items=outcome[0],
            series=outcome[1],
        )
