"""Sends the reports that wait, in their order, and remembers what the gateway answered."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

import httpx

from gateway.client.dealer.state import Position, Prepared, State
from gateway.client.filing import Answer, file_message
from gateway.client.reading import Reader
from gateway.errors import GatewayError
from validators.parsing import parse

_PAGE: Final = "/v1/messages"


class NotTaken(GatewayError):
    """The gateway refused a report for a reason that sending again does not mend; nothing behind it was sent."""

    code = "report-not-taken"

    def __init__(self, answer: Answer, number: int) -> None:
        facts = answer.facts
        told = facts.get("detail") or facts.get("title") or facts.get("verdict") or ""
        super().__init__(f"report {number} is not taken ({answer.status}): {told}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one report: the gateway's facts; `repeated` says that it had been filed before."""

    number: int
    operations: int
    repeated: bool
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the gateway knows of a series: how far it has come, accepted documents, operations by report."""

    position: Position
    documents: list[str] = field(default_factory=list)
    operations: dict[int, list[str]] = field(default_factory=dict)


async def send_waiting(client: httpx.AsyncClient, state: State, language: str, told: Callable[[Sent], None]) -> None:
    """Sends what waits; raises NotDelivered where the gateway can't be reached, and NotTaken where it refuses."""
    for report in state.waiting():
        answer = await file_message(client, report.body, language=language)
        told(_settle(state, report, answer))


def _settle(state: State, report: Prepared, answer: Answer) -> Sent:
    facts = dict(answer.facts)
    if not answer.accepted:
        with state.transaction():
            state.give_up(report)
            if answer.status == HTTPStatus.CONFLICT:
                state.ask_anew()
        raise NotTaken(answer, report.number)
    with state.transaction():
        state.filed(report.number, str(facts.get("id", "")), [item["id"] for item in facts.get("items", ())])
    return Sent(report.number, report.last - report.first + 1, answer.status == HTTPStatus.OK, facts)


async def ask_series(reader: Reader, series: str, known: Container[int]) -> Known:
    """What the gateway says of the series; the operations of the reports in `known` are not asked for."""
    reports = operations = 0
    learned = Known(Position())
    path: str | None = _PAGE
    while path:
        page = await reader.get(path)
        for message in page.get("messages", ()):
            place = message.get("series") or {}
            if place.get("name") == series and str(message.get("verdict", "")).startswith("accepted"):
                reports, operations = max(reports, place["number"]), max(operations, place.get("last", 0))
                learned.documents.append(str(message.get("document")))
                if place.get("operations") and place["number"] not in known:
                    learned.operations[place["number"]] = await _operations_of(reader, message)
        path = page.get("next")
    return replace(learned, position=Position(reports, operations, asked=True))


async def _operations_of(reader: Reader, message: Mapping[str, Any]) -> list[str]:
    """The identities of the operations of an accepted report, from the bytes that the gateway keeps of it."""
    refused = {item["id"] for item in message.get("items", ())}
    report = parse(await reader.content(f"{_PAGE}/{message['id']}/original"))
    identities = [str(operation.get("Id")) for operation in report.root.iterfind(".//Operations/Operation")]
    return [identity for identity in identities if identity not in refused]
