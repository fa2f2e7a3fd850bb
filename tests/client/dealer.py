"""A dealer for tests: its key, its sheets, and a gateway in memory that numbers and judges as the real one does."""

import hashlib
import re
import shutil
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cache
from html import escape, unescape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from gateway.client.dealer.filing import Filing, Progress, Wishes
from gateway.client.dealer.preparing import Dealer, Outcome
from gateway.client.dealer.sending import Sent
from gateway.client.dealer.state import open_state
from gateway.client.metals_sheet import metals_form
from gateway.client.operations import Period
from gateway.client.sheets.template import write_template
from gateway.sealing.generation import Issued, Subject, issue, make_authority
from gateway.sealing.keys import LocalKeyHolder
from validators.judge import judge
from validators.model import Circumstances
from validators.parsing import parse
from validators.profiles import ProfileBook

BIN = "070240001235"
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
DEALER = Dealer(BIN, "150", "750000000", NOVEMBER)
RING: Mapping[str, Any] = {
    "Kind": "Продано",
    "Date": date(2026, 11, 3),
    "Time": time(11, 20),
    "Article": "Ювелирное изделие",
    "Metal": "Золото",
    "Fineness": 585,
    "Grams": 4.12,
    "PureGrams": 2.41,
    "Count": 1,
    "Description": "Кольцо",
    "Price": 185000,
    "Cash": 185000,
    "PartyKind": "Розничный клиент ниже порога",
}
_PAGE = 2
_MOST_QUESTIONS = 50
NUMBERS = {column.attribute: number for number, column in enumerate(metals_form().columns, 1)}


@cache
def issued() -> Issued:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    return issue(make_authority("A test authority", since), Subject("Dealer", bin=BIN), since)


@cache
def keys() -> LocalKeyHolder:
    return LocalKeyHolder.from_pem(issued().key, issued().certificate)


def sheet(path: Path, lines: Iterable[Mapping[str, Any]] = (RING,), language: str = "ru") -> Path:
    """The template with these lines in it."""
    write_template(metals_form(), path, language)
    book = load_workbook(path)
    for row, line in enumerate(lines, 2):
        fill(book.worksheets[0], row, line)
    book.save(path)
    return path


def fill(worksheet: Worksheet, row: int, line: Mapping[str, Any]) -> None:
    for attribute, value in line.items():
        worksheet.cell(row, NUMBERS[attribute], value)


def rings(count: int, **more: Any) -> list[Mapping[str, Any]]:
    return [{**RING, "Description": f"Кольцо {number}", **more} for number in range(1, count + 1)]


def repacked(path: Path, changes: Mapping[str, bytes]) -> Path:
    """The file with parts added or put in the place of others."""
    before = path.with_suffix(".before")
    shutil.move(path, before)
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            new.writestr(name, content)
    return path


def worksheet_of(path: Path) -> tuple[str, str]:
    """The part of the first worksheet, and its text."""
    with zipfile.ZipFile(path) as packed:
        name = "xl/worksheets/sheet1.xml"
        return name, packed.read(name).decode()


def shared(path: Path) -> Path:
    """The file with the texts of its first worksheet shared, as spreadsheet programs write them."""
    name, text = worksheet_of(path)
    texts: list[str] = []

    def share(match: re.Match[str]) -> str:
        texts.append(unescape(match[1]))
        return f't="s"><v>{len(texts) - 1}</v>'

    text = re.sub(r't="inlineStr"><is><t[^>]*>([^<]*)</t></is>', share, text)
    assert texts
    strings = "".join(
        f"<si><r><t>{one[:3]}</t></r><r><t>{escape(one[3:])}</t></r><rPh><t>no</t></rPh></si>" for one in texts
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return repacked(
        path, {name: text.encode(), "xl/sharedStrings.xml": f'<sst xmlns="{main}">{strings}</sst>'.encode()}
    )


def book_of(cells: Mapping[str, str | int], path: Path) -> Path:
    """A workbook of its own make with these cells."""
    book = Workbook()
    assert book.active is not None
    for name, value in cells.items():
        book.active[name] = value
    book.save(path)
    return path


@dataclass
class FakeGateway:
    """Keeps what it accepted; `plan` are answers to come before it does: a status, `lost` or `down`."""

    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    plan: list[int | str] = field(default_factory=list)
    questions: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert request.headers["Authorization"].startswith("Bearer ")
            if request.url.path.endswith("/original"):
                return self._original(request.url.path.split("/")[-2])
            self.questions += 1
            assert self.questions < _MOST_QUESTIONS, "the pages have an end"
            after = int(request.url.params.get("after", "0"))
            messages = list(self.accepted.values())
            there = f"/v1/messages?after={after + _PAGE}" if after + _PAGE < len(messages) else None
            return httpx.Response(200, json={"messages": messages[after : after + _PAGE], "next": there})
        step = self.plan.pop(0) if self.plan else None
        if step == "down":
            raise httpx.ConnectError("down")
        if isinstance(step, int):
            return httpx.Response(step, json={"code": "told", "title": "no"})
        answer = self._file(request.content)
        if step == "lost":
            raise httpx.ReadError("lost")
        return answer

    def _original(self, receipt: str) -> httpx.Response:
        """The bytes of an accepted report."""
        digests = {digest for digest, facts in self.accepted.items() if facts["id"] == receipt}
        [body] = {body for body in self.bodies if hashlib.sha256(body).hexdigest() in digests}
        return httpx.Response(200, content=body)

    def _file(self, body: bytes) -> httpx.Response:
        digest = hashlib.sha256(body).hexdigest()
        self.bodies.append(body)
        if digest in self.accepted:
            return httpx.Response(200, json=self.accepted[digest])
        judgement = judge(parse(body), Circumstances(NOW, "150"), ProfileBook.load())
        if judgement.series is None:
            return httpx.Response(422, json={"verdict": "refused", "id": "r"})
        place = (judgement.series.name, judgement.series.number)
        for known in self.accepted.values():
            if known["document"] == judgement.document or (known["series"]["name"], known["series"]["number"]) == place:
                return httpx.Response(HTTPStatus.CONFLICT, json={"code": "series-conflict", "title": "taken"})
        facts: dict[str, Any] = {
            "id": str(uuid4()),
            "verdict": judgement.verdict.value,
            "document": judgement.document,
            "series": {"name": place[0], "number": place[1], **judgement.series.facts},
            "items": [],
        }
        self.accepted[digest] = facts
        return httpx.Response(201, json=facts)

    @property
    def operations(self) -> list[Mapping[str, str]]:
        """The operations of all accepted reports, in the order of their numbers."""
        accepted = [body for body in dict.fromkeys(self.bodies) if hashlib.sha256(body).hexdigest() in self.accepted]
        found = [dict(one.attrib) for body in accepted for one in parse(body).root.iterfind(".//Operation")]
        return sorted(({str(k): str(v) for k, v in one.items()} for one in found), key=lambda one: int(one["Sequence"]))


@contextmanager
def serving(gateway: FakeGateway) -> Iterator[str]:
    """The gateway in memory over HTTP; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_told: object) -> None:
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            answer = gateway.answer(
                httpx.Request(self.command, f"http://g{self.path}", headers=dict(self.headers), content=body)
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET  # noqa: N815 - the name is the server's

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Desk:
    """Files sheets of the dealer through the gateway in memory, with the state in a folder."""

    folder: Path
    gateway: FakeGateway = field(default_factory=FakeGateway)
    sent: list[Sent] = field(default_factory=list)

    async def file(self, path: Path | None, dealer: Dealer = DEALER, **wishes: Any) -> Outcome:
        transport = httpx.MockTransport(self.gateway.answer)
        with open_state(self.folder / "dealer.sqlite", dealer.series) as state:
            async with httpx.AsyncClient(base_url="https://gateway.test", transport=transport) as client:
                filing = Filing(dealer, keys(), state, client, "https://gateway.test", lambda: NOW)
                return await filing.file(path, Wishes(**wishes), Progress(lambda _count: None, self.sent.append))


def cells(outcome: Outcome) -> list[tuple[str, str]]:
    """What was found, by cell and code."""
    return [(finding.path.partition("!")[2], finding.code) for finding in outcome.findings]
