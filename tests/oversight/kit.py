"""Entries of the log as the pipeline would file them for a complex, made directly."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from gateway.judging.examination import rendered
from gateway.model import Draft, Item, Judgement, Receipt, Series, Verdict
from gateway.oversight.engine import Engine
from gateway.oversight.facts import Batch, Fact
from gateway.oversight.intervals import Intervals, runs
from gateway.oversight.parameters import due_rules, parameters
from gateway.oversight.reading import Line, Reader
from gateway.oversight.scattered import Stretch, events_in, in_order
from gateway.oversight.state import What, Working
from gateway.oversight.tallying import Tallier
from gateway.oversight.tickets import TicketBook
from gateway.sealing.receipts import moment_text, seal_receipt
from gateway.sealing.records import records_for
from tests.bus.kit import KEYS
from validators.gaming.model import NO_BATCH
from validators.luxury.chains import chain_rules
from validators.series import fork_finding

NOON = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
DAY = date(2026, 11, 26)
OWNER, OTHER = "050740001239", "990440000385"
PLAYER = "850315300123"
UNITS = {"S-1": "SERVER", "M-1": "MACHINE", "M-2": "MACHINE", "D-1": "DESK"}
PARAMETERS, RULES = parameters(), due_rules()
ENGINE = Engine(PARAMETERS, RULES, chain_rules())
READER = Reader(Tallier(PARAMETERS, RULES), RULES)

Content = dict[str, Any]


def event(sequence: int, kind: str = "HEARTBEAT", unit: str = "S-1", **attributes: Any) -> Content:
    """An event of noon; its id follows from its sequence."""
    at = attributes.pop("time", NOON.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    return {"sequence": sequence, "id": guid(sequence), "kind": kind, "time": at, "unit": unit, **attributes}


def guid(number: int) -> str:
    return str(uuid.UUID(int=number)).upper()


def meters(sequence: int, unit: str = "M-1", **values: int) -> Content:
    names = ("coin_in", "coin_out", "jackpots", "hand_pays", "drop", "games")
    return event(sequence, "METERS", unit, **{name: values.get(name, 0) for name in names})


def games(sequence: int, unit: str = "M-1", stakes: str = "100", winnings: str = "40", count: int = 10) -> Content:
    return event(sequence, "MACHINE-GAMES", unit, stakes=stakes, winnings=winnings, games=count)


@dataclass
class Casino:
    """Makes the drafts of one complex; the hashes of its batches follow from their numbers."""

    complex: str = "CASINO-1"
    owner: str = OWNER
    kind: str = "093"
    at: datetime = NOON
    made: int = 0
    units: Mapping[str, str] = field(
        default_factory=lambda: {"S-1": "SERVER", "M-1": "MACHINE", "M-2": "MACHINE", "D-1": "DESK"}
    )
    software: Sequence[str] = ("aa" * 32,)

    def body(self, number: int, salt: str = "") -> bytes:
        return f"{self.complex} {number} {salt}".encode()

    def hash(self, number: int) -> str:
        return hashlib.sha256(self.body(number)).hexdigest() if number else NO_BATCH

    async def batch(
        self,
        number: int,
        events: Sequence[Content],
        *,
        previous: str | None = None,
        refused: Iterable[int] = (),
        span: tuple[int, int] | None = None,
        salt: str = "",
        forked: bool = False,
    ) -> Draft:
        """A batch of these events; `refused` sequences came beside them, `span` is First and Last as claimed."""
        refused = tuple(refused)
        numbers = sorted([*(one["sequence"] for one in events), *refused])
        first, last = span or (numbers[0], numbers[-1])
        facts = {
            "previous": previous or self.hash(number - 1),
            "first": first,
            "last": last,
            "made_at": moment_text(self.at),
            "events": len(numbers),
            "refused": len(refused),
        }
        items = [Item(one["sequence"], one["id"], True, (), "", one) for one in events]
        items += [Item(one, guid(one), False, (), "00" * 32, {}) for one in refused]
        judgement = self._judgement("GamingBatch", "fma.gaming.events.v1", "kz.fma.gaming.event.v1", {})
        judgement = replace(judgement, items=tuple(items), series=Series(self.complex, number, facts))
        if forked:
            judgement = replace(judgement, verdict=Verdict.REFUSED, findings=(fork_finding(judgement),))
        return await self._draft(judgement, self.body(number, salt))

    async def register(self, action: str = "REGISTER", **changes: Any) -> Draft:
        """The registration of the complex; `changes` replace elements of it."""
        content: Content = {"ComplexId": self.complex, "Action": action}
        if action in {"REGISTER", "CHANGE"}:
            content |= {
                "Kind": self.kind,
                "Name": "Casino One",
                "Premises": "750000000",
                "HeartbeatSeconds": "60",
                "Units": {"Unit": [{"@Id": name, "@Kind": kind} for name, kind in self.units.items()]},
                "Software": {"Hash": list(self.software)},
            }
        else:
            content["Reason"] = "for a test"
        return await self._message("ComplexRegistration", "fma.registrations.v1", content | changes)

    async def repair(self, number: int, repairs: str = "CHAIN", previous: str | None = None) -> Draft:
        content = {"ComplexId": self.complex, "BatchSequence": str(number), "Repairs": repairs, "Reason": "for a test"}
        if repairs == "CHAIN":
            content["PreviousBatchHash"] = previous or self.hash(number - 1)
        return await self._message("ChainRepair", "fma.gaming.integrity.v1", content)

    async def end_of_day(self, figures: Iterable[tuple[str, str, int, int, str]], day: date = DAY) -> Draft:
        """Figures are unit, kind, hour, count, amount."""
        names = ("@Unit", "@Kind", "@Hour", "@Count", "@Amount")
        told = [dict(zip(names, map(str, figure), strict=True)) for figure in figures]
        content = {
            "ComplexId": self.complex,
            "Day": day.isoformat(),
            "LastEventSequence": "1",
            "Figures": {"Figure": told} if told else "",
        }
        return await self._message("EndOfDay", "fma.gaming.integrity.v1", content)

    async def notice(
        self, player: str, amount: str, operation: str = "0121", day: date = DAY, document: str | None = None
    ) -> Draft:
        """An accepted FM-1 about winnings; a document of its own where none is named."""
        root = {
            "MessageInformation": {
                "TransactionDate": f"{day:%d.%m.%Y} 18:00:00",
                "ViewOperationId": operation,
                "AmountCurrencyTenge": amount,
            },
            "Participants": {"Participant": {"IndividualIssue": player}},
        }
        judgement = replace(
            self._judgement("doc", "fma.fm1.threshold.v1", "", {"Data": {"Root": root}}),
            family="fm1",
            key=None,
            document=document,
        )
        self.made += 1
        return await self._draft(judgement, f"fm1 {self.made}".encode())

    async def _message(self, kind: str, topic: str, content: Content) -> Draft:
        self.made += 1
        judgement = self._judgement(kind, topic, "kz.fma.gaming.message.v1", {"Data": {"Root": {kind: content}}})
        return await self._draft(judgement, f"{self.complex} {kind} {self.made}".encode())

    def _judgement(self, kind: str, topic: str, event_type: str, content: Content) -> Judgement:
        return Judgement(
            verdict=Verdict.ACCEPTED,
            findings=(),
            family="gaming",
            message_type=kind,
            edition="2026-01-01",
            codes_digest="00" * 32,
            topic=topic,
            event_type=event_type,
            content=content,
            key=self.complex,
        )

    async def _draft(self, judgement: Judgement, body: bytes) -> Draft:
        self.at += timedelta(seconds=1)
        receipt = Receipt(
            id=uuid.uuid5(uuid.NAMESPACE_URL, f"{self.owner} {body.decode()}"),
            verdict=judgement.verdict,
            document=judgement.document,
            version=None,
            sender=self.owner,
            sha256=hashlib.sha256(body).hexdigest(),
            received_at=self.at,
            family=judgement.family,
            message_type=judgement.message_type,
            edition=judgement.edition,
            codes_digest=judgement.codes_digest,
            findings=judgement.findings,
            items=tuple(item for item in judgement.items if not item.accepted),
            series=judgement.series,
        )
        sealed = await seal_receipt(receipt, KEYS)
        return Draft(sealed, body, await records_for(rendered(judgement), sealed, KEYS))


def line(draft: Draft, seq: int) -> Line:
    """The entry as oversight reads it."""
    receipt = draft.receipt
    values = [(record.topic, record.value) for record in draft.records]
    moment = receipt.received_at
    return Line(0, seq, receipt.sender, receipt.family, receipt.verdict.value, moment, receipt.jws, values)


def facts_of(drafts: Iterable[Draft], after: int = 0) -> list[Fact]:
    """What the drafts say when they are filed in this order."""
    read = (READER.fact(line(draft, seq)) for seq, draft in enumerate(drafts, after + 1))
    return [fact for fact in read if fact is not None]


def sliced(drafts: Iterable[Draft], size: int, most: int) -> list[Fact]:
    """What the drafts say, each filed with `size` records a part, and batches taken in `most` events by `most`."""
    found: list[Fact] = []
    for seq, draft in enumerate(drafts, 1):
        whole = line(draft, seq)
        parts = [whole.records[at : at + size] for at in range(0, len(whole.records), size)]
        batch = READER.large_batch(whole, most) if len(parts) > 1 else None
        if batch is None:
            fact = READER.fact(whole)
            found += [] if fact is None else [fact]
            continue
        for number, part in enumerate(parts):
            batch.survey(number, part)
        for stretch in batch.stretches(0) or [Stretch((), 0, 0)]:
            fact = batch.fact(in_order(one for number in stretch.parts for one in events_in(parts[number])))
            assert fact is not None
            found.append(fact)
    return found


def blank() -> Working:
    """A working set that knows nothing, and keeps all that it learns."""
    return Working(TicketBook(PARAMETERS.deadline_hours))


def oversee(state: Working, facts: Iterable[Fact]) -> Working:
    """The same set after these facts, each taken in alone; the ids of all events stay at hand."""
    for fact in facts:
        ENGINE.apply(state, [fact])
        if isinstance(fact, Batch):
            bounds = fact.tally.identities.runs
            everything = [
                one for first, last in zip(bounds[::2], bounds[1::2], strict=True) for one in range(first, last + 1)
            ]
            own = {(fact.complex, sequence): name for sequence, name in fact.tally.identities.among(everything).items()}
            state.identities.update(own)
    return state


def outcome(state: Working) -> dict[str, Any]:
    """What must not depend on the order in which batches came."""
    missing: dict[str, set[tuple[int, int]]] = {}
    tickets = set()
    for ticket in state.tickets.open:
        if ticket.kind == "gap":
            name = f"{ticket.complex} {ticket.detail['what']}"
            missing.setdefault(name, set()).update(map(tuple, ticket.detail["missing"]))
        elif ticket.kind == "overlap":
            missing.setdefault(f"{ticket.complex} twice", set()).update(map(tuple, ticket.detail["sequences"]))
        else:
            tickets.add((ticket.complex, ticket.kind, ticket.subject, orjson.dumps(ticket.detail)))
    progress = {
        name: (one.top_batch, one.top_event, one.received_batches, _contiguous(state, name, one.top_batch))
        for name, one in state.progress.items()
    }
    sums = {(one.player, one.operation, one.total, one.reported, one.open) for one in state.obligations.values()}
    numbers = {
        name: runs(sorted(n for first, last in found for n in range(first, last + 1)))
        for name, found in missing.items()
    }
    return {"tickets": tickets, "missing": numbers, "progress": progress, "sums": sums}


def _contiguous(state: Working, name: str, top: int) -> int:
    first = next(iter(state.absent.get((name, What.BATCH), Intervals())), None)
    return first.first - 1 if first else top
