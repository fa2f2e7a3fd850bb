"""What PostgreSQL answers about oversight, as the nouns of `gateway.oversight`, and back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson

from gateway.journal.encoding import Packer, is_list
from gateway.journal.parts import parts_in
from gateway.journal.rows import plain_uuid
from gateway.oversight.facts import DayReport, Figure, Mark, Origin, Reported
from gateway.oversight.reading import LargeRecords, Line
from gateway.oversight.state import Filed, Obligation, Progress
from gateway.oversight.tickets import Kind, State, Ticket
from validators.gaming.model import Complex, ComplexState

_UNKNOWN = Origin(0, 0, "", datetime(1970, 1, 1, tzinfo=UTC))


def line_of(row: asyncpg.Record, packer: Packer) -> Line:
    """An entry as oversight reads it; raises JournalDamaged."""
    large = is_list(row["records"])
    return Line(
        row["ledger"],
        row["seq"],
        row["sender"],
        row["family"],
        row["verdict"],
        row["received_at"],
        row["receipt"],
        () if large else packer.values(row["records"]),
        LargeRecords(plain_uuid(row["receipt_id"]), parts_in(row["records"])) if large else None,
    )


def complex_of(row: asyncpg.Record) -> Complex:
    """A complex as it is registered."""
    return Complex(
        id=row["id"],
        owner=row["owner"],
        state=ComplexState(row["state"]),
        kind=row["kind"],
        name=row["name"],
        premises=row["premises"],
        heartbeat_seconds=row["heartbeat_seconds"],
        certificate=row["certificate"],
        units=orjson.loads(row["units"]),
        software=frozenset(row["software"]),
        revision=row["version"],
    )


def progress_of(row: asyncpg.Record) -> Progress:
    """How far a complex has come."""
    names = ("owner", "top_batch", "top_event", "received_batches", "heard_at", "clock_ms")
    return Progress(*(row[name] for name in names))


def filed_batch_of(row: asyncpg.Record) -> Filed:
    """A batch of which the log has the rest."""
    return Filed(row["seq"], row["sha256"].hex(), row["previous"].hex(), row["first"], row["last"])


def mark_of(row: asyncpg.Record) -> Mark:
    """A mark of a unit's meters."""
    return Mark(row["unit"], row["sequence"], None if row["meters"] is None else tuple(row["meters"]))


def ticket_of(row: asyncpg.Record) -> Ticket:
    """A ticket."""
    return Ticket(
        id=plain_uuid(row["id"]),
        kind=Kind(row["kind"]),
        complex=row["complex"],
        owner=row["owner"],
        subject=row["subject"],
        state=State(row["state"]),
        opened_at=row["opened_at"],
        deadline=row["deadline"],
        overdue=row["overdue"],
        closed_at=row["closed_at"],
        revision=row["revision"],
        changed_at=row["changed_at"],
        detail=orjson.loads(row["detail"]),
    )


def obligation_of(row: asyncpg.Record) -> Obligation:
    """An obligation, or sums that may become one."""
    whole = {name: int(row[name]) for name in ("threshold", "total", "reported")}
    return Obligation(**{**dict(row), **whole, "id": plain_uuid(row["id"])})


def reported_of(row: asyncpg.Record) -> Reported:
    """What an FM-1 says of winnings by its last version."""
    return Reported(row["operation"], row["day"], int(row["amount"]), frozenset(row["players"]))


def report_of(row: asyncpg.Record, owner: str) -> DayReport:
    """A report of a day, of which the log has the rest."""
    figures = {(unit, kind, hour): Figure(count, amount) for unit, kind, hour, count, amount in report_rows(row)}
    origin = replace(_UNKNOWN, receipt=str(row["receipt"]))
    return DayReport(origin, row["complex"], owner, row["day"], row["last_event"], figures)


def report_rows(row: asyncpg.Record) -> list[tuple[str, str, int, int, int]]:
    """The figures of a report as they are kept: unit, kind, hour, count, amount in hundredths."""
    return [(unit, kind, hour, count, int(amount)) for unit, kind, hour, count, amount in orjson.loads(row["figures"])]


def report_figures(figures: Mapping[tuple[str, str, int], Figure]) -> str:
    """The figures of a report as they are kept; amounts as text, since they may be longer than JSON's readers take."""
    rows = [(*key, figure.count, str(figure.amount)) for key, figure in sorted(figures.items())]
    return orjson.dumps(rows).decode()


def label_of(value: UUID | None) -> UUID | None:
    """A label of absent numbers."""
    return None if value is None else plain_uuid(value)


def array(values: tuple[int, ...] | None) -> str | None:
    """Whole numbers as PostgreSQL writes an array."""
    return None if values is None else "{" + ",".join(map(str, values)) + "}"
