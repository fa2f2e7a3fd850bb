"""From the lines of a sheet to signed reports: each line is judged by the gateway's rules before any is kept."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from lxml import etree

from gateway.client.dealer.state import Prepared, State
from gateway.client.envelopes import Envelope
from gateway.client.metals import OPERATION, metals_report_xml
from gateway.client.operations import Period, ReportHeader
from gateway.client.sheets.reading import Line
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.xmldsig import sign_now
from validators.judge import judge
from validators.model import Circumstances, Finding, Item, Judgement, Severity
from validators.parsing import ParsedMessage
from validators.profiles import ProfileBook

MOST_OPERATIONS: Final = 5_000
MOST_BYTES: Final = 3_000_000
MOST_TOLD: Final = 1_000
_NAMESPACE: Final = UUID("7f3c1c5e-6d0b-5d0f-9c55-0b6c6f0e4b5b")
_TAG_BYTES: Final = 24
_STAND_IN: Final = "AA=="
_MERGED: Final = "SHT-011"
_OF_FORM: Final = "XML-"


@dataclass(frozen=True, slots=True)
class Dealer:
    """Who files, where, and for which days."""

    identifier: str
    kind: str
    premises: str
    period: Period

    @property
    def series(self) -> str:
        """The name of the dealer's series of reports."""
        return f"metals/{self.identifier}"


@dataclass(slots=True)
class Outcome:
    """What became of a sheet: how many lines it has, were filed before or are new, and what was found in them.

    Of many findings the first are kept, and how many came behind them; `refuses` where any of all is an error.
    """

    lines: int = 0
    known: int = 0
    new: int = 0
    wrong: int = 0
    findings: list[Finding] = field(default_factory=list)
    untold: int = 0
    refuses: bool = False
    reports: int = 0

    def tell(self, findings: Iterable[Finding]) -> None:
        """Takes in what was found."""
        for finding in findings:
            self.refuses = self.refuses or finding.severity is Severity.ERROR
            if len(self.findings) < MOST_TOLD:
                self.findings.append(finding)
            else:
                self.untold += 1


@dataclass(slots=True)
class _Chunk:
    """Lines that go into one report."""

    lines: list[Line] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0

    def full(self, weight: int) -> bool:
        return len(self.lines) >= MOST_OPERATIONS or (bool(self.lines) and self.bytes + weight > MOST_BYTES)

    def add(self, line: Line, content: dict[str, Any], weight: int) -> None:
        self.lines.append(line)
        self.contents.append(content)
        self.bytes += weight


class Preparation:
    """Turns lines into reports and keeps them in the state, as a step of its transaction."""

    def __init__(self, dealer: Dealer, keys: LocalKeyHolder, state: State, now: datetime) -> None:
        self._dealer = dealer
        self._keys = keys
        self._state = state
        self._now = now
        self._profiles = ProfileBook.load()
        self._seen: Counter[bytes] = Counter()

    def prepare(self, lines: Iterable[Line], *, skip_wrong: bool, told: Callable[[int], None]) -> Outcome:
        """Judges all the lines and keeps the reports of those that are new and right.

        Where something is wrong and is not to be skipped nothing must be kept: the caller rolls back. `told` is given
        the count of lines now and then.
        """
        outcome = Outcome()
        for chunk in self._chunks(lines, outcome, told):
            self._keep(chunk, outcome, skip_wrong=skip_wrong)
        return outcome

    def nil(self) -> Outcome:
        """Keeps a report of a period without operations, unless it was filed before."""
        outcome = Outcome()
        identity = identity_of(self._dealer, {"nil": _days(self._dealer.period)}, 0)
        if self._state.knows(identity):
            outcome.known = 1
            return outcome
        judgement, root, number = self._judged([], [identity])
        outcome.tell(judgement.findings)
        if judgement.verdict.stands:
            self._keep_report(root, number, [identity], 0, outcome)
        return outcome

    def _chunks(self, lines: Iterable[Line], outcome: Outcome, told: Callable[[int], None]) -> Iterator[_Chunk]:
        chunk = _Chunk()
        for line in lines:
            outcome.lines += 1
            told(outcome.lines)
            content = self._content(line)
            if not line.findings and self._state.knows(content["id"]):
                outcome.known += 1
                continue
            weight = sum(len(name) + len(value.encode()) + 5 for name, value in line.values.items()) + 4 * _TAG_BYTES
            if chunk.full(weight):
                yield chunk
                chunk = _Chunk()
            chunk.add(line, content, weight)
        if chunk.lines:
            yield chunk

    def _content(self, line: Line) -> dict[str, Any]:
        written = hashlib.sha256(json.dumps(line.values, sort_keys=True).encode()).digest()
        nth = self._seen[written]
        self._seen[written] += 1
        content = {OPERATION.member(attribute): value for attribute, value in line.values.items()}
        if line.findings:  # a day that was not read hides nothing else that is wrong
            content.setdefault("date", self._dealer.period.first.isoformat())
        return {"id": identity_of(self._dealer, line.values, nth), **content}

    def _keep(self, chunk: _Chunk, outcome: Outcome, *, skip_wrong: bool) -> None:
        judgement, root, number = self._judged(chunk.contents, [content["id"] for content in chunk.contents])
        if not judgement.verdict.stands:
            outcome.tell(judgement.findings)
            return
        outcome.tell(_at_cells(chunk.lines, self._told_whole(chunk.contents, judgement.items)))
        accepted = (nth for nth, item in enumerate(judgement.items) if item.accepted)
        good = [nth for nth in accepted if not chunk.lines[nth].findings]
        outcome.wrong += len(chunk.lines) - len(good)
        if not good or (outcome.refuses and not skip_wrong):
            return
        contents = [chunk.contents[nth] for nth in good]
        identities = [content["id"] for content in contents]
        if len(good) < len(chunk.lines):
            judgement, root, number = self._judged(contents, identities)
        self._keep_report(root, number, identities, len(contents), outcome)

    def _told_whole(self, contents: Sequence[Mapping[str, Any]], items: Sequence[Item]) -> Sequence[Item]:
        """The items with all that is wrong: one of a wrong form is judged again without the attributes of that form."""
        wrong = {nth: _malformed(item) for nth, item in enumerate(items) if _malformed(item)}
        if not wrong:
            return items
        bare = [
            {name: value for name, value in contents[nth].items() if name not in map(OPERATION.member, attributes)}
            for nth, attributes in wrong.items()
        ]
        judgement, _, _ = self._judged(bare, [content["id"] for content in bare])
        whole = list(items)
        for (nth, attributes), again in zip(wrong.items(), judgement.items, strict=False):
            further = [finding for finding in again.findings if _attribute(finding) not in attributes]
            whole[nth] = replace(items[nth], findings=(*items[nth].findings, *further))
        return whole

    def _judged(
        self, contents: Sequence[Mapping[str, Any]], identities: Sequence[str]
    ) -> tuple[Judgement, etree._Element, int]:
        """The report of these operations under the next numbers, judged as if it had been received now."""
        position, dealer = self._state.position(), self._dealer
        document, version = (_guid("\n".join((part, *identities))) for part in ("document", "version"))
        envelope = Envelope(dealer.identifier, dealer.kind, self._now, version=version, document=document)
        numbered = [{"sequence": number, **content} for number, content in enumerate(contents, position.operations + 1)]
        header = ReportHeader(position.reports + 1, dealer.period, dealer.premises)
        root = metals_report_xml(envelope, header, numbered)
        signature = root.find("SignedData/Signature")
        if signature is not None:
            signature.text = _STAND_IN
        circumstances = Circumstances(self._now, dealer.kind)
        return judge(ParsedMessage(root, "UTF-8"), circumstances, self._profiles), root, header.number

    def _keep_report(
        self, root: etree._Element, number: int, identities: Sequence[str], count: int, outcome: Outcome
    ) -> None:
        """Signs a report and keeps it, unless the gateway has accepted the same one before."""
        if self._state.knows_document(root.findtext("SignedData/Data/Root/DocumentUniqueIdentifier", "")):
            self._state.remember(identities)
            outcome.known += max(count, 1)
            return
        body = sign_now(root, self._keys, "UTF-8")
        before = self._state.position().operations
        digest = hashlib.sha256(body).hexdigest()
        self._state.add(Prepared(number, before + 1, before + count, digest, body), identities)
        outcome.new += count
        outcome.reports += 1


def identity_of(dealer: Dealer, values: Mapping[str, str], nth: int) -> str:
    """The identity of an operation: the same for the same line of the same dealer and premises, whenever it is read.

    `nth` tells lines apart that say the same.
    """
    return _guid(json.dumps([dealer.identifier, dealer.premises, nth, values], sort_keys=True, ensure_ascii=False))


def _guid(name: str) -> str:
    return str(uuid5(_NAMESPACE, name)).upper()


def _attribute(finding: Finding) -> str:
    """The attribute that a finding is about; empty for the whole operation."""
    return finding.path.rpartition("/@")[2] if "/@" in finding.path else ""


def _malformed(item: Item) -> frozenset[str]:
    """The attributes whose form the schema does not take, which hide what else is wrong with the operation."""
    told = (_attribute(finding) for finding in item.findings if finding.code.startswith(_OF_FORM))
    return frozenset(told) - {"", "Kind", "Id", "Sequence"}


def _days(period: Period) -> str:
    return f"{period.first} {period.last}"


def _at_cells(lines: Sequence[Line], items: Sequence[Item]) -> Iterator[Finding]:
    """What was found in lines and in the operations that they make, at their cells.

    A cell that was not read is told once, and of a line in merged cells nothing but that they are merged.
    """
    for line, item in zip(lines, items, strict=True):
        yield from (replace(finding, line=line.row) for finding in line.findings)
        unread = {finding.path for finding in line.findings}
        if any(finding.code == _MERGED for finding in line.findings):
            continue
        for finding in item.findings:
            place = line.place(_attribute(finding))
            if place not in unread:
                yield replace(finding, path=place, line=line.row)
