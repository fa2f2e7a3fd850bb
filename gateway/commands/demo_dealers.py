"""The demo's dealers: a jeweller's sheet and nil report, a car's code, label, sales with one break, and its trace."""

import asyncio
import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import click
import httpx

from gateway.client import file_message
from gateway.client.dealer.filing import Filing, Progress, Wishes
from gateway.client.dealer.preparing import Dealer, Outcome
from gateway.client.dealer.sending import Sent
from gateway.client.dealer.state import open_state
from gateway.client.luxury import LuxuryClient
from gateway.client.metals_sheet import metals_form
from gateway.client.operations import Period
from gateway.commands.dealers import silence_of
from gateway.commands.showing import DemoFailed, within
from gateway.commands.trace import lines_of
from gateway.consumer import Trace, trace
from gateway.local.authority import Credentials
from gateway.local.messages import Reporter
from gateway.local.people import make_person
from gateway.local.sales import BREAK_AT, PREMISES, SALES, car_sales, luxury_report
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import LocalKeyHolder
from validators.catalogue import catalogue
from validators.luxury.chains import Remark
from validators.moments import local_day

VIN = "WDB9634031L123456"
LABEL = "car-label.svg"
SEED = 2026
READ_WITHIN_SECONDS = 20.0
RING = {"Article": "JEWELLERY", "Metal": "AU", "Fineness": "585", "Grams": "4.12", "PureGrams": "2.41"}
LINES = (
    {**RING, "Kind": "SOLD", "Description": "Кольцо", "Price": "185000", "PartyKind": "WALK-IN"},
    {**RING, "Kind": "BOUGHT", "Description": "Цепь", "Price": "240000", "PartyKind": "WALK-IN"},
    {**RING, "Kind": "SOLD", "Description": "Колье", "Price": "4700000", "PartyKind": "IIN"},
)
"""What the jeweller sold and bought; the last one's buyer is named."""


@dataclass(frozen=True, slots=True)
class Trader:
    """A dealer at the gateway's counter: who, with which key, through which connection."""

    reporter: Reporter
    credentials: Credentials
    client: httpx.AsyncClient
    lang: str

    @property
    def keys(self) -> LocalKeyHolder:
        """The dealer's key."""
        return LocalKeyHolder.load(self.credentials.key, self.credentials.certificate)


async def show_jeweller(trader: Trader, place: Path) -> None:
    """A sheet with a wrong cell is filed not at all, put right as a whole and once; a month without operations."""
    place.mkdir(exist_ok=True)
    this, before = _months(local_day(datetime.now(UTC)))
    sheet, state = place / "operations.csv", place / "jeweller.sqlite"
    _write(sheet, this.first, cash="185001")
    wrong = await _file(trader, this, state, sheet)
    if not wrong.refuses:
        raise DemoFailed("the wrong sheet was filed")
    _write(sheet, this.first, cash="185000")
    right = await _file(trader, this, state, sheet)
    again = await _file(trader, this, state, sheet)
    if (right.new, again.new, again.known) != (len(LINES), 0, len(LINES)):
        raise DemoFailed(f"the sheet was filed {right.new} and then {again.new} lines")
    click.echo(f"  the same sheet again: {again.known} lines are filed already, nothing is sent")
    await _file(trader, before, state, None)


async def show_silent(dsn: str, keys: KeySet, speaks: Reporter, silent: Reporter) -> None:
    """The dealers who filed nothing about this month yet: one who filed a sheet is not among them, another is."""
    now = datetime.now(UTC)
    period, _ = _months(local_day(now))
    found = await silence_of(dsn, keys, period, now)
    for dealer in found.dealers:
        click.echo(f"  silent about {period.first:%Y-%m}: {dealer.identifier} {dealer.name}, due on {found.due}")
    named = {dealer.identifier for dealer in found.dealers}
    if silent.identifier not in named or speaks.identifier in named:
        raise DemoFailed("the silent dealers are others than those who filed nothing")


async def show_car(trader: Trader, directory: Path, url: str) -> str:
    """A car gets its code and label, and is sold five times; returns the code."""
    luxury = LuxuryClient(trader.client, trader.reporter.identifier, url, trader.keys, lambda: datetime.now(UTC))
    granted = await luxury.item_code("CAR", {"vin": VIN})
    code = str(granted["code"])
    click.echo(f"  the car {VIN} has the code {granted['shown']}")
    again = await luxury.item_code("CAR", {"vin": VIN.lower()})
    if again["code"] != code:
        raise DemoFailed("the same car got another code")
    label = directory / LABEL
    label.write_bytes(await luxury.label(code, "svg"))
    click.echo(f"  its label, a QR code that can be verified off line: {label}")
    now = datetime.now(UTC)
    sales = car_sales(trader.reporter.identifier, code, Random(SEED), local_day(now))  # noqa: S311 - no secret
    answer = await file_message(trader.client, await luxury_report(trader.reporter, trader.keys, 1, sales, now))
    click.echo(f"  {len(sales)} sales of it, one by somebody who never bought it: {answer.status}")
    if answer.status != httpx.codes.CREATED or answer.facts.get("items"):
        raise DemoFailed(f"the sales were not accepted: {answer.facts}")
    return code


async def show_trace(kafka: str, keys: KeySet, code: str) -> None:
    """The chain of the car as the FMA reads it, once the finding about it is published."""
    async with within(READ_WITHIN_SECONDS, "the chain of the car did not reach Kafka"):
        found = await trace(code, bootstrap=kafka, keys=keys)
        while not _complete(found):
            await asyncio.sleep(0.2)
            found = await trace(code, bootstrap=kafka, keys=keys)
    for line in lines_of(found):
        click.echo(f"  {line}")
    breaks = [number for number, link in enumerate(found.links, 1) if link.findings]
    if breaks != [BREAK_AT] or found.broken:
        raise DemoFailed(f"the chain breaks at {breaks}")


def _complete(found: Trace) -> bool:
    remarks = [one for link in found.links for one in link.findings]
    told = [found.finding_at(one.deal, one.remark.value) for one in remarks if one.remark is Remark.OWNER]
    return len(found.links) == SALES and bool(told) and all(told)


def _months(today: date) -> tuple[Period, Period]:
    """This month up to today, and the one before."""
    first = today.replace(day=1)
    end = first - timedelta(days=1)
    return Period(first, today), Period(end.replace(day=1), end)


def _write(sheet: Path, day: date, cash: str) -> None:
    names = {column.attribute: column.names["ru"] for column in metals_form().columns}
    columns = ["Kind", "Date", *RING, "Description", "Price", "Cash", "PartyKind", "Party"]
    buyer = make_person(Random(SEED), day).iin  # noqa: S311 - made-up people, no secret
    with sheet.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, delimiter=";")
        writer.writerow([names[column] for column in columns])
        for number, line in enumerate(LINES):
            more = {"Date": day.isoformat(), "Cash": "" if number else cash}
            filled = {**line, **more, "Party": buyer if line["PartyKind"] == "IIN" else ""}
            writer.writerow([filled[column] for column in columns])


async def _file(trader: Trader, period: Period, remembered: Path, sheet: Path | None) -> Outcome:
    dealer = Dealer(trader.reporter.identifier, trader.reporter.kind, PREMISES, period)

    def sent(one: Sent) -> None:
        what = "a nil report" if sheet is None else f"a report of {one.operations} operations"
        click.echo(f"  {what} for {period.first:%Y-%m}: {one.facts['verdict']}, receipt {one.facts['id']}")

    with open_state(remembered, dealer.series) as state:
        url = str(trader.client.base_url).rstrip("/")
        filing = Filing(dealer, trader.keys, state, trader.client, url, lambda: datetime.now(UTC))
        outcome = await filing.file(sheet, Wishes(language=trader.lang), Progress(lambda _count: None, sent))
    for finding in outcome.findings:
        click.echo(f"  cell {finding.path}: {finding.code} {catalogue().text(finding, trader.lang)}")
    if outcome.refuses:
        click.echo("  nothing of the sheet is filed")
    return outcome
