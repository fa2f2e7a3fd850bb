"""The verdict on a message that is too long for memory: as `judge` gives it, its items judged row by row.

The bytes are read once to take stock (`Stock`), and once or twice to judge the items; those that are accepted go to a
`Keeper` as they are judged. Whoever asks has verified the signature over the same bytes before.
"""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

from lxml import etree

from validators.assembly import in_document_order
from validators.attributes import Given
from validators.blocks import Block
from validators.faults import Fault
from validators.itemised import Holder, Manner
from validators.items import MOST_EXPLAINED, Carried, Tally, explained, given_of, judge_each, outcome_faults, refuses
from validators.judge import judge
from validators.long_items import SHORT, Outline, Row, Span
from validators.long_text import LongText
from validators.model import Circumstances, Finding, Item, Judgement, Series
from validators.numbers import read_whole
from validators.parsing import parse
from validators.paths import path_of
from validators.profiles import Profile, ProfileBook, Told
from validators.refusals import TooLarge
from validators.repeated import Repeated, Repeats
from validators.schemas import Schema, accepts_row
from validators.structure import structure_findings
from validators.totals import RunningSums, Sums

TOO_MANY_REFUSED = "ITM-003"


class Keeper(Protocol):
    """Where the items that are accepted go; they are worth nothing before the verdict, which may refuse them all."""

    def begin(self) -> None:
        """Forgets what came: items come from the first one on."""

    def take(self, items: Sequence[Item]) -> None:
        """The next accepted items, none or some thousand."""


class Walk(Protocol):
    """One walk over the items of a message in their order."""

    @property
    def settled(self) -> bool:
        """Whether another walk would judge as this one did."""

    def anew(self) -> "Walk":
        """A walk from the first item on, that knows what this one has learnt."""

    def judge(self, position: int, given: Given) -> Item:
        """The outcome of an item that the schema accepts."""


@runtime_checkable
class LongRules(Protocol):
    """The rules of a family whose messages carry items, in one edition."""

    @property
    def manner(self) -> Manner:
        """How the family writes its messages."""

    @property
    def holder(self) -> Holder:
        """Where its items stand."""

    def faults(self, root: etree._Element, block: Block, circumstances: Circumstances, count: int) -> Iterator[Fault]:
        """What is wrong with a message of so many items, these aside."""

    def walk(
        self, root: etree._Element, block: Block, circumstances: Circumstances, carried: Carried, repeated: Repeated
    ) -> Walk:
        """A walk over its items."""

    def event(self, block: Block) -> str:
        """The type of its records among the event types, empty for the message's own."""

    def series(self, root: etree._Element, block: Block, tally: Tally) -> Series:
        """Its place in its series."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What a message is, its items aside, and what is known of all of them.

    `ill` are the positions of those that the schema refuses, a few too many where it refuses too many.
    """

    told: Told
    holder: etree._Element
    count: int
    sums: Sums
    ill: frozenset[int]
    repeated: Repeated
    structure: list[Finding]


def judge_long(
    text: LongText, circumstances: Circumstances, profiles: ProfileBook, keeper: Keeper, short_bytes: int = SHORT.bytes
) -> Judgement:
    """The verdict on a message whose signature holds, as `judge` gives it, with the refused ones of its items alone.

    The accepted ones are what the keeper has been given last, provided that the message stands. Raises a `Refusal`:
    TooLarge where it has more than `short_bytes` and is none with items in their place.
    """
    begun = head_of(text, profiles)
    first: Judgement | None = None
    for profile in _in_force(begun, circumstances, profiles) if begun is not None else ():
        judged = _Judging(text, profile, profiles, circumstances, keeper).judge()
        if judged is None:
            break
        if judged.verdict.stands:
            return judged
        first = first or judged
    if first is None:
        refuse_long(text, short_bytes)
    return first or _judge_short(text, circumstances, profiles, keeper)


def head_of(text: LongText, profiles: ProfileBook) -> etree._Element | None:
    """The message up to its first items; None where it has none in their place."""
    outline = Outline(text, _places(profiles))
    next(outline.rows(), None)
    return outline.root if outline.holder is not None else None


def refuse_long(text: LongText, most: int) -> None:
    """Raises TooLarge where a message that is none of many items has more bytes than that."""
    size = os.fstat(text.file.fileno()).st_size
    if size > most:
        raise TooLarge("bytes", None, {"most": str(most), "found": str(size)})


def _places(profiles: ProfileBook) -> list[Holder]:
    rules = [profile.rules for profile in profiles.profiles]
    return [each.holder for each in rules if isinstance(each, LongRules) and each.holder.most]


def _in_force(root: etree._Element, circumstances: Circumstances, profiles: ProfileBook) -> Sequence[Profile]:
    book, _ = profiles.addressed(root)
    return book.on(book.family.day_of(root, circumstances))


def _judge_short(text: LongText, circumstances: Circumstances, profiles: ProfileBook, keeper: Keeper) -> Judgement:
    """The verdict on a message that is none of many items."""
    text.file.seek(0)
    judgement = judge(parse(text.file.read(), SHORT), circumstances, profiles)
    keeper.begin()
    keeper.take([item for item in judgement.items if item.accepted])
    return replace(judgement, items=tuple(item for item in judgement.items if not item.accepted))


class _Judging:
    """One long message under one edition."""

    def __init__(
        self, text: LongText, profile: Profile, profiles: ProfileBook, circumstances: Circumstances, keeper: Keeper
    ) -> None:
        self._text = text
        self._profile = profile
        self._profiles = profiles
        self._circumstances = circumstances
        self._keeper = keeper

    def judge(self) -> Judgement | None:
        """The verdict; None where the end of the message makes another of it than its beginning."""
        profile, rules = self._profile, self._profile.rules
        stock = self._stock()
        if stock is None or not isinstance(rules, LongRules):
            return None
        told, holder, manner = stock.told, stock.holder, rules.manner
        root, schema = told.root, profile.schemas[told.message_type]
        block = Block.of(root, told.message_type)
        faults = list(rules.faults(root, block, self._circumstances, stock.count))
        if stock.count > rules.holder.most:
            faults.append(manner.surplus(holder, stock.count, rules.holder.most))
            structure = [one for one in stock.structure if one.path != f"{path_of(holder)}/{manner.item}"]
            return manner.judgement(profile, told, in_document_order(root, schema, structure, faults))
        faults.extend(manner.total_faults(holder, stock.sums))
        findings = in_document_order(root, schema, stock.structure, faults)
        if refuses(findings):
            return manner.judgement(profile, told, findings)
        walked = self._walked(stock, rules, block)
        if walked is None:
            faults.append(_too_many(manner, holder, stock.count))
            return manner.judgement(profile, told, in_document_order(root, schema, [], faults))
        summary = outcome_faults(walked.tally, holder)
        if summary:
            findings = in_document_order(root, schema, [], [*faults, *summary])
        outcome = (tuple(walked.refused), rules.series(root, block, walked.tally))
        return manner.judgement(profile, told, findings, rules.event(block), outcome)

    def _stock(self) -> Stock | None:
        """Reads the message once."""
        profile, rules = self._profile, self._profile.rules
        if not isinstance(rules, LongRules):
            return None
        outline = self._outline(rules)
        taking = _StockTaking(rules.manner, profile.schemas[rules.holder.message_type])
        for row in outline.rows():
            taking.take(row, counted=outline.count <= rules.holder.most)
        root, holder = outline.root, outline.holder
        if root is None or holder is None:
            return None
        book, message_type = self._profiles.addressed(root)
        told = Told(root, message_type, book.family.day_of(root, self._circumstances))
        block = Block.of(root, message_type)
        settled = message_type == rules.holder.message_type and block.child(rules.holder.tag) is holder
        if not settled or profile not in book.on(told.day):
            return None
        return taking.stock(told, holder, outline.count)

    def _walked(self, stock: Stock, rules: LongRules, block: Block) -> "_Walked | None":
        """The items judged; None where more of them are refused than are told."""
        most = rules.manner.most
        if len(stock.ill) > most or stock.repeated.surplus > most:
            return None
        carried = Carried(Span(stock.count), path_of(stock.holder), [], {})
        walk = rules.walk(stock.told.root, block, self._circumstances, carried, stock.repeated)
        schema = self._profile.schemas[stock.told.message_type]
        walked = _Walked(schema, stock.ill, carried, self._keeper)
        if walked.over(self._outline(rules).rows(), walk, most) and not walk.settled:
            walked = _Walked(schema, stock.ill, carried, self._keeper)
            walked.over(self._outline(rules).rows(), walk.anew(), most)
        return None if len(walked.refused) > most else walked

    def _outline(self, rules: LongRules) -> Outline:
        return Outline(self._text, [rules.holder])


class _StockTaking:
    """What is learnt of items as they go by."""

    def __init__(self, manner: Manner, schema: Schema) -> None:
        self._manner = manner
        self._schema = schema
        self._of_rows = schema.row_of(manner.item)
        self._sums = RunningSums(manner.totalling.amount)
        self._repeats = Repeats()
        self._ill: set[int] = set()
        self._well: etree._Element | None = None

    def take(self, row: Row, *, counted: bool) -> None:
        """Takes up a row; what needs memory for every item is left out where there are too many anyway."""
        given = [given_of(element) for element in row.elements]
        self._sums.take(given)
        _bounded(self._sums.weight)
        all_well = accepts_row(row.holder, self._of_rows)
        for position, element in enumerate(row.elements):
            if not all_well and not self._schema.accepts_part(element):
                if len(self._ill) <= self._manner.most:
                    self._ill.add(row.start + position)
            elif counted:
                self._well = copy.copy(element) if self._well is None else self._well
                number = read_whole(given[position].get("Sequence", ""))
                self._repeats.take(number or 0, given[position].get("Id", ""))

    def stock(self, told: Told, holder: etree._Element, count: int) -> Stock:
        """All of it; one item that is well stands in the message, so that the schema is asked about all else."""
        if self._well is not None:
            holder.insert(0, self._well)
        structure = structure_findings(told.root, self._schema)
        if self._well is None and self._ill:
            place = f"{path_of(holder)}/{self._manner.item}"
            structure = [finding for finding in structure if finding.path != place]
        repeated = self._repeats.repeated(self._manner.most)
        return Stock(told, holder, count, self._sums.sums(), frozenset(self._ill), repeated, structure)


class _Walked:
    """A walk over the items of a message, row by row."""

    def __init__(self, schema: Schema, ill: frozenset[int], carried: Carried, keeper: Keeper) -> None:
        self.tally = Tally()
        self.refused: list[Item] = []
        self._schema = schema
        self._positions = ill
        self._carried = carried
        self._keeper = keeper
        self._explained = 0
        self._weight = 0

    def over(self, rows: Iterator[Row], walk: Walk, most: int) -> bool:
        """Judges all of them; False, at once, where more than `most` are refused."""
        self._keeper.begin()
        for items in self._judged(rows, walk):
            self.tally.take(items)
            self.refused.extend(item for item in items if not item.accepted)
            if len(self.refused) > most:
                return False
            self._weight += sum(_weight(item) for item in items if not item.accepted)
            _bounded(self._weight)
            self._keeper.take([item for item in items if item.accepted])
        return True

    def _judged(self, rows: Iterator[Row], walk: Walk) -> Iterator[Sequence[Item]]:
        carried = self._carried
        for row in rows:
            cast("Span", carried.elements).move(row)
            given = [given_of(element) for element in row.elements]
            there = replace(carried, ill=self._ill(row))
            yield judge_each(there, given, walk.judge, row.start)

    def _ill(self, row: Row) -> Mapping[int, tuple[Finding, ...]]:
        """The findings of those of the row that the schema refuses."""
        here = [row.start + at for at in range(len(row.elements)) if row.start + at in self._positions]
        room = MOST_EXPLAINED - self._explained
        self._explained += len(here)
        return explained(self._carried.elements, self._carried.place, here, self._schema, max(room, 0))


def _weight(item: Item) -> int:
    """How many characters are kept of a refused item."""
    said = ((finding.value or "", *finding.parameters.values()) for finding in item.findings)
    return len(item.id) + sum(len(text) for texts in said for text in texts)


def _bounded(weight: int) -> None:
    """Raises TooLarge where what is kept of items is more than a short message could hold."""
    if weight > SHORT.bytes:
        raise TooLarge("bytes", None, {"most": str(SHORT.bytes), "found": str(weight)})


def _too_many(manner: Manner, holder: etree._Element, count: int) -> Fault:
    """That more items are refused than a receipt tells of."""
    return Fault(TOO_MANY_REFUSED, holder, "", None, {"most": str(manner.most), "given": str(count)})
