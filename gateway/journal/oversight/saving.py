"""What a run changed, kept: each table in one statement, all of them in the caller's transaction."""

from typing import Any

import orjson

from gateway.journal.connections import Connection
from gateway.journal.oversight.dealings import deal_rows, finding_rows
from gateway.journal.oversight.rows import array, report_figures
from gateway.journal.queries import sql
from gateway.journal.rows import columns
from gateway.oversight.state import Working
from validators.gaming.model import Complex


async def save(connection: Connection, ledger: int, state: Working) -> None:
    """Keeps the changes of a working set."""
    saver = _Saver(connection, ledger, state)
    await saver.complexes()
    await saver.sequences()
    await saver.meters()
    await saver.days()
    await saver.corrections()
    await saver.tickets()
    await saver.notices()
    await saver.obligations()
    await saver.things()


class _Saver:
    def __init__(self, connection: Connection, ledger: int, state: Working) -> None:
        self._connection = connection
        self._ledger = ledger
        self._state = state
        self._changes = state.changes

    async def complexes(self) -> None:
        if self._changes.complexes:
            version = await self._connection.fetchval(sql("next_register_version"))
            for one in self._changes.complexes.values():
                await self._connection.execute(sql("keep_complex"), *_complex(one), version)
        progress = [(name, self._state.progress[name]) for name in sorted(self._changes.progress)]
        rows = [
            (name, one.top_batch, one.top_event, one.received_batches, one.heard_at, one.clock_ms)
            for name, one in progress
        ]
        await self._keep("keep_progress", rows, self._ledger)

    async def sequences(self) -> None:
        batches = [
            (
                name,
                number,
                one.seq,
                bytes.fromhex(one.sha256),
                bytes.fromhex(one.previous),
                one.first,
                one.last,
                array(packed.runs),
                packed.ids,
            )
            for name, number, one, packed in self._changes.batches
        ]
        await self._keep("keep_batches", batches)
        slices = [
            (name, number, first, array(packed.runs), packed.ids)
            for name, number, first, packed in self._changes.slices
        ]
        await self._keep("keep_slices", slices)
        await self._keep("keep_repairs", self._changes.repairs)
        gone, new = self._state.absent_changes()
        await self._keep("drop_absent", [(name, what.value, piece.last) for name, what, piece in gone])
        kept = [(name, what.value, piece.first, piece.last, piece.label) for name, what, piece in new]
        await self._keep("keep_absent", kept)

    async def meters(self) -> None:
        marks = [(name, mark.unit, mark.sequence, array(mark.meters)) for name, mark in self._changes.marks]
        await self._keep("keep_mark", marks)
        await self._keep("drop_sums", self._changes.settled)
        sums = [(*key, ",".join(map(str, amounts))) for key, amounts in self._changes.moved.items()]
        await self._keep("keep_sums", sums)

    async def days(self) -> None:
        figures = sorted(self._changes.figures.items())
        rows = [(*key, figure.count, str(figure.amount)) for key, figure in figures]
        await self._keep("add_figures", rows)
        for (name, day), report in self._changes.reports.items():
            told = report_figures(report.figures)
            await self._connection.execute(
                sql("keep_report"), name, day, report.last_event, report.origin.receipt, told
            )

    async def corrections(self) -> None:
        await self._keep("drop_waiting", self._changes.decided)
        waiting = [
            (name, one.sequence, one.original, one.original_sequence)
            for (name, _), one in self._changes.waiting.items()
        ]
        await self._keep("keep_waiting", waiting)

    async def tickets(self) -> None:
        rows = [
            (
                one.id,
                one.kind.value,
                one.complex,
                one.owner,
                one.subject,
                one.state.value,
                one.opened_at,
                one.deadline,
                one.overdue,
                one.closed_at,
                one.revision,
                one.changed_at,
                orjson.dumps(one.detail).decode(),
            )
            for one in self._state.tickets.changed.values()
        ]
        await self._keep("keep_tickets", rows, self._ledger)

    async def notices(self) -> None:
        said = {document: says for document, says in self._changes.notices.items() if says is not None}
        await self._keep("drop_notices", sorted(self._changes.notices.keys() - said.keys()))
        rows = [
            (*document, says.operation, says.day, str(says.amount), orjson.dumps(sorted(says.players)).decode())
            for document, says in said.items()
        ]
        await self._keep("keep_notices", rows)

    async def obligations(self) -> None:
        rows = [
            (
                one.id,
                one.owner,
                one.player,
                one.day,
                one.operation,
                str(one.threshold),
                one.deadline,
                str(one.total),
                one.events,
                str(one.reported),
                one.overdue,
                one.revision,
                one.opened_at,
                one.closed_at,
                one.own,
                one.matter,
            )
            for one in self._changes.obligations.values()
        ]
        await self._keep("keep_obligations", rows, self._ledger)

    async def things(self) -> None:
        await self._keep("keep_deals", deal_rows(self._state.things))
        await self._keep("keep_findings", finding_rows(self._state.things), self._ledger)

    async def _keep(self, query: str, rows: list[Any], *before: object) -> None:
        if rows:
            await self._connection.execute(sql(query), *before, *columns(rows, len(rows[0])))


def _complex(one: Complex) -> tuple[object, ...]:
    return (
        one.id,
        one.owner,
        one.state.value,
        one.kind,
        one.name,
        one.premises,
        one.heartbeat_seconds,
        one.certificate,
        orjson.dumps(dict(one.units)).decode(),
        sorted(one.software),
    )
