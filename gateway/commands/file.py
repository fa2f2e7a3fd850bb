"""`gateway file`: a dealer's sheet becomes signed reports, or the template of one."""

import asyncio
import calendar
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
import httpx

from gateway.client.dealer.filing import Filing, Progress, Wishes
from gateway.client.dealer.preparing import Dealer, Outcome
from gateway.client.dealer.sending import NotTaken, Sent
from gateway.client.dealer.state import StateFails, open_state
from gateway.client.filing import NotDelivered
from gateway.client.metals_sheet import metals_form
from gateway.client.operations import Period
from gateway.client.reading import NotAnswered
from gateway.client.sheets.model import SheetRefused
from gateway.client.sheets.template import write_template
from gateway.commands.common import json_option, language_option
from gateway.commands.texts import texts
from gateway.sealing.keys import LocalKeyHolder
from gateway.settings import read_settings
from validators.catalogue import catalogue
from validators.model import Finding
from validators.values import local

WRONG = 1
UNREADABLE = 2
NOT_DELIVERED = 3
LEFT_OUT = 4
STEP = 10_000
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def file() -> None:
    """Files what stands in a sheet."""


@file.group()
def template() -> None:
    """Writes an empty sheet with drop-down lists and notes."""


@template.command("metals")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The XLSX file.")
@language_option
def metals_template(output: Path, lang: str) -> None:
    """Writes the sheet of a dealer in precious metals, stones and jewellery."""
    write_template(metals_form(), output, lang)
    click.echo(str(output))


@file.command()
@click.argument("sheet", required=False, type=FILE)
@click.option("--bin", "identifier", required=True, help="The dealer's BIN, or IIN where there is none.")
@click.option("--kind", default="150", show_default=True, help="The dealer's code of reporting_entity_kinds.")
@click.option("--premises", required=True, help="The KATO code of the premises, nine digits.")
@click.option("--period", type=click.DateTime(["%Y-%m"]), help="The month that the report is about.")
@click.option("--from", "first", type=DAY, help="Its first day, in place of a month.")
@click.option("--to", "last", type=DAY, help="Its last day.")
@click.option("--nil", is_flag=True, help="There was no operation: a nil report, without a sheet.")
@click.option("--key", required=True, type=FILE, help="The private key, PEM.")
@click.option("--certificate", required=True, type=FILE, help="The certificate of the key, PEM.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="By default beside the key.")
@click.option("--url", help="The gateway's URL; by default the local stack's, or GATEWAY_URL.")
@click.option("--dry-run", is_flag=True, help="Say what is wrong; sign, file and remember nothing.")
@click.option("--skip-wrong", is_flag=True, help="File the right lines although others are wrong.")
@json_option
@language_option
def metals(
    sheet: Path | None,
    identifier: str,
    kind: str,
    premises: str,
    period: datetime | None,
    first: datetime | None,
    last: datetime | None,
    nil: bool,
    key: Path,
    certificate: Path,
    state: Path | None,
    url: str | None,
    dry_run: bool,
    skip_wrong: bool,
    as_json: bool,
    lang: str,
) -> None:
    """Files the operations of a sheet (XLSX or CSV), every line checked before the first is sent.

    Sending the same sheet again files nothing twice: what was filed is remembered beside the key. Exit status: 0 all
    is filed (or was), 1 something is wrong and nothing of the sheet was filed, 2 the file or an option can't be used,
    3 the gateway was not reached or wants to be asked again, 4 filed, but wrong lines were left out.
    """
    if (sheet is None) != nil:
        raise click.UsageError("name a sheet, or --nil and no sheet")
    now = datetime.now(UTC)
    dealer = Dealer(identifier, kind, premises, _period(period, first, last, local(now).date()))
    keys = LocalKeyHolder.load(key, certificate)
    remembered = state or key.with_suffix(".metals.sqlite")
    base = url or read_settings(os.environ, None).public_url()
    teller = _Teller(sheet.name if sheet is not None else "nil", lang, as_json)
    wishes = Wishes(dry_run, skip_wrong, lang)
    sys.exit(asyncio.run(_file(dealer, keys, remembered, base, sheet, wishes, teller)))


async def _file(
    dealer: Dealer,
    keys: LocalKeyHolder,
    remembered: Path,
    url: str,
    sheet: Path | None,
    wishes: Wishes,
    teller: "_Teller",
) -> int:
    place = Path(":memory:") if wishes.dry_run and not remembered.exists() else remembered
    try:
        with open_state(place, dealer.series) as state:
            async with httpx.AsyncClient(base_url=url, timeout=60.0) as client:
                filing = Filing(dealer, keys, state, client, url, _now)
                outcome = await filing.file(sheet, wishes, Progress(teller.lines, teller.sent))
    except SheetRefused as error:
        outcome = Outcome()
        outcome.tell(error.findings)
        return teller.end(outcome, wishes, UNREADABLE)
    except NotTaken as error:
        return teller.fail(error, WRONG if error.answer.judged else NOT_DELIVERED)
    except (NotDelivered, NotAnswered, StateFails) as error:
        return teller.fail(error, UNREADABLE if isinstance(error, StateFails) else NOT_DELIVERED)
    return teller.end(outcome, wishes, _status(outcome, wishes))


def _status(outcome: Outcome, wishes: Wishes) -> int:
    if not outcome.refuses:
        return 0
    return LEFT_OUT if wishes.skip_wrong and outcome.new + outcome.known else WRONG


def _period(month: datetime | None, first: datetime | None, last: datetime | None, today: date) -> Period:
    """The days that are asked for; a month that has not ended ends today."""
    if month is not None and first is None and last is None:
        end = date(month.year, month.month, calendar.monthrange(month.year, month.month)[1])
        return Period(month.date(), min(end, max(today, month.date())))
    if month is None and first is not None and last is not None:
        return Period(first.date(), last.date())
    raise click.UsageError("give --period, or --from and --to")


class _Teller:
    """Says what happens: for people line by line, for machines one object at the end."""

    def __init__(self, name: str, language: str, as_json: bool) -> None:
        self._name = name
        self._language = language
        self._as_json = as_json
        self._texts = texts("file")
        self._sent: list[Sent] = []

    def lines(self, count: int) -> None:
        """Now and then, how many lines have been read."""
        if count % STEP == 0:
            click.echo(self._text("read", count=count), err=True)

    def sent(self, sent: Sent) -> None:
        """A report has its receipt."""
        self._sent.append(sent)
        if not self._as_json:
            name = "again" if sent.repeated else "sent"
            click.echo(self._text(name, number=sent.number, count=sent.operations, receipt=sent.facts.get("id", "")))
            for item in sent.facts.get("items", ()):
                click.echo(self._text("refused", number=item["number"]))

    def end(self, outcome: Outcome, wishes: Wishes, status: int) -> int:
        """What became of the sheet; gives the exit status back."""
        if self._as_json:
            click.echo(json.dumps(self._facts(outcome, status), ensure_ascii=False))
            return status
        for finding in outcome.findings:
            click.echo(f"{finding.path}: {finding.severity.value} {finding.code} {self._told(finding)}")
        if outcome.untold:
            click.echo(self._text("more", count=outcome.untold))
        for line in self._ending(outcome, wishes):
            click.echo(line)
        return status

    def fail(self, error: Exception, status: int) -> int:
        """The gateway did not take something, or was not reached; gives the exit status back."""
        if self._as_json:
            click.echo(json.dumps({**self._facts(Outcome(), status), "error": str(error)}, ensure_ascii=False))
        else:
            click.echo(f"gateway: {error}", err=True)
        return status

    def _ending(self, outcome: Outcome, wishes: Wishes) -> Iterator[str]:
        counts = {"lines": outcome.lines, "new": outcome.new, "known": outcome.known, "wrong": outcome.wrong}
        if outcome.refuses and not wishes.skip_wrong:
            yield self._text("nothing", **counts)
        elif wishes.dry_run:
            yield self._text("checked", **counts)
        else:
            yield self._text("done", reports=len(self._sent), **counts)

    def _facts(self, outcome: Outcome, status: int) -> dict[str, Any]:
        return {
            "sheet": self._name,
            "status": status,
            "lines": outcome.lines,
            "new": outcome.new,
            "known": outcome.known,
            "wrong": outcome.wrong,
            "findings": [self._finding(finding) for finding in outcome.findings],
            "untold": outcome.untold,
            "reports": [
                {"number": sent.number, "operations": sent.operations, "repeated": sent.repeated, **_brief(sent)}
                for sent in self._sent
            ],
        }

    def _finding(self, finding: Finding) -> dict[str, Any]:
        return {
            "cell": finding.path,
            "code": finding.code,
            "severity": finding.severity.value,
            "value": finding.value,
            "message": self._told(finding),
        }

    def _told(self, finding: Finding) -> str:
        return catalogue().text(finding, self._language)

    def _text(self, name: str, **values: object) -> str:
        return self._texts[name][self._language].format(sheet=self._name, **values)


def _brief(sent: Sent) -> dict[str, Any]:
    refused: Sequence[Any] = sent.facts.get("items", ())
    return {"receipt": sent.facts.get("id"), "verdict": sent.facts.get("verdict"), "refused": list(refused)}


def _now() -> datetime:
    return datetime.now(UTC)
