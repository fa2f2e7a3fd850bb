"""`gateway luxury`: unique codes of luxury goods, asked for, checked, verified off line, printed, reserved."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar

import click
import httpx

from gateway.client.filing import NotDelivered
from gateway.client.luxury import CodeRefused, LuxuryClient, check_code
from gateway.client.reading import NotThere
from gateway.commands.common import directory_option, json_option, language_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.errors import ConfigurationError
from gateway.luxury.labels import jws_in
from gateway.sealing.certificates import describe
from gateway.sealing.item_codes import read_sealed_code
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.refusals import SealRefused
from gateway.settings import read_settings
from validators.catalogue import catalogue
from validators.luxury import unique_codes
from validators.luxury.items import LuxuryTables, luxury_tables
from validators.luxury.wishes import code_finding
from validators.values import local

REFUSED, NOT_DELIVERED, BROKEN = 1, 3, 4
SECONDS = 30.0
STANDARD_INPUT = "-"
PEM = click.Path(exists=True, dir_okay=False, path_type=Path)
P = ParamSpec("P")
T = TypeVar("T")
Facts = Mapping[str, Any]
url_option = click.option("--url", help="The gateway's URL; by default the local stack's, or GATEWAY_URL.")


@dataclass(frozen=True, slots=True)
class Dealer:
    """Who asks, where, in which language, and how the answer is printed."""

    url: str
    key: Path
    certificate: Path
    language: str
    as_json: bool

    def ask(self, question: Callable[[LuxuryClient], Awaitable[T]]) -> T:
        """The answer to one question; ends the command with status 1 where it is refused, 3 where there is none."""
        certificate = self.certificate.read_bytes()
        holder = describe(certificate)[0]
        owner = holder.bin or holder.iin
        if owner is None:
            raise ConfigurationError(f"{self.certificate} names neither a BIN nor an IIN")
        keys = LocalKeyHolder.from_pem(self.key.read_bytes(), certificate)

        async def asked() -> T:
            headers = {"Accept-Language": self.language}
            async with httpx.AsyncClient(base_url=self.url, timeout=SECONDS, headers=headers) as client:
                return await question(LuxuryClient(client, owner, self.url, keys, lambda: datetime.now(UTC)))

        return answered(asked, self.as_json)

    def say(self, facts: object, *lines: str) -> None:
        """Prints the answer, as JSON or in words."""
        say(facts, lines, as_json=self.as_json)


def as_dealer(command: Callable[Concatenate[Dealer, P], None]) -> Callable[..., None]:
    """A command that asks the gateway in a dealer's name: adds the options that tell in whose, and where."""

    @click.option("--key", type=PEM, required=True, help="The dealer's private key, PEM.")
    @click.option("--certificate", type=PEM, required=True, help="The dealer's enrolled certificate, PEM.")
    @url_option
    @directory_option
    @language_option
    @json_option
    @wraps(command)
    def asked(*arguments: P.args, **options: P.kwargs) -> None:
        named: dict[str, Any] = {
            name: options.pop(name) for name in ("key", "certificate", "url", "directory", "lang", "as_json")
        }
        base = named["url"] or read_settings(os.environ, named["directory"]).public_url()
        dealer = Dealer(base, named["key"], named["certificate"], named["lang"], named["as_json"])
        command(dealer, *arguments, **options)

    return asked


@click.group()
def luxury() -> None:
    """Unique codes of luxury goods. Exit status: 0 done, 1 refused or unknown, 3 no answer, 4 a seal is wrong."""


@luxury.command("code")
@click.argument("item_class", metavar="CLASS")
@click.argument("identifiers", nargs=-1, required=True, metavar="KIND=VALUE...")
@as_dealer
def item_code(dealer: Dealer, item_class: str, identifiers: tuple[str, ...]) -> None:
    """Asks for the code of a thing, such as `CAR vin=WDB1240221J041234`; asking again gives the same code.

    The classes and their identifiers are listed by `gateway codes show luxury_identifiers`.
    """
    given = read_pairs(identifiers)
    granted = dealer.ask(lambda client: client.item_code(item_class.upper(), given))
    _say_granted(dealer, granted)


@luxury.command("operation")
@click.argument("item", metavar="CODE")
@click.option("--guid", help="The operation's own GUID; a new one is made and shown where it is left out.")
@as_dealer
def operation_code(dealer: Dealer, item: str, guid: str | None) -> None:
    """Asks for the code of an operation with the thing that has the code CODE."""
    operation = guid or str(uuid.uuid4()).upper()
    _say_granted(dealer, dealer.ask(lambda client: client.operation_code(operation, item)))


@luxury.command("check")
@click.argument("code")
@click.option("--offline", is_flag=True, help="Only look whether it is typed right; nobody is asked.")
@url_option
@directory_option
@language_option
@json_option
def check(code: str, offline: bool, url: str | None, directory: Path | None, lang: str, as_json: bool) -> None:
    """Tells whether a code is typed right, and whether it exists, its class and state."""
    try:
        read = unique_codes.read_code(code)
    except unique_codes.CodeRefused as refused:
        text = catalogue().text(code_finding(code, "code", refused.fault), lang)
        say({"typed": code, "right": False, "fault": refused.fault.value, "message": text}, [text], as_json=as_json)
        sys.exit(REFUSED)
    if offline:
        say({"code": read.text, "right": True}, [f"{read.grouped}: typed right"], as_json=as_json)
        return
    base = url or read_settings(os.environ, directory).public_url()

    async def asked() -> Facts:
        async with httpx.AsyncClient(base_url=base, timeout=SECONDS) as client:
            return await check_code(client, read.text)

    facts = answered(asked, as_json)
    told = f"{read.grouped}: {_standing(facts, lang)}" if facts["exists"] else f"{read.grouped}: does not exist"
    say({"code": read.text, "right": True, **facts}, [told], as_json=as_json)
    sys.exit(0 if facts["exists"] else REFUSED)


@luxury.command("verify")
@click.argument("token")
@jwks_option
@directory_option
@language_option
@json_option
def verify(token: str, jwks: str | None, directory: Path | None, lang: str, as_json: bool) -> None:
    """Verifies off line what a scan of a label gave, or the token of an answer; `-` reads it from standard input."""
    scanned = sys.stdin.read() if token == STANDARD_INPUT else token
    keys = trusted_keys(read_settings(os.environ, directory), jwks)
    try:
        sealed = read_sealed_code(jws_in(scanned), keys)
    except SealRefused as refused:
        say({"intact": False, "reason": refused.reason}, [f"not the gateway's: {refused.reason}"], as_json=as_json)
        sys.exit(BROKEN)
    code = unique_codes.UniqueCode(sealed.code)
    facts = {"intact": True, "code": code.text, "class": sealed.item_class, "issued_on": sealed.issued.isoformat()}
    name = tables().name_of("luxury_classes", sealed.item_class, lang)
    say(facts, [f"{code.grouped}: issued on {sealed.issued.isoformat()}, {name}"], as_json=as_json)


@luxury.command("label")
@click.argument("code")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The file: NAME.svg or NAME.pdf.")
@as_dealer
def label(dealer: Dealer, code: str, output: Path) -> None:
    """Saves the label of an issued code, to be printed: a QR code, the code, its class in three languages."""
    form = output.suffix.lower().removeprefix(".")
    if form not in ("svg", "pdf"):
        raise click.UsageError("name the file .svg or .pdf")
    output.write_bytes(dealer.ask(lambda client: client.label(code, form)))
    dealer.say({"file": str(output)}, f"wrote {output}")


@luxury.group("block")
def block() -> None:
    """Blocks of codes for use off line: reserved, used, returned; what is left expires."""


@block.command("reserve")
@click.argument("count", type=click.IntRange(1, 1_000))
@click.option("--kind", type=click.Choice(["item", "operation"]), default="item", show_default=True)
@click.option(
    "--days", type=click.IntRange(1, 90), default=30, show_default=True, help="How long they stay in reserve."
)
@click.option("--guid", help="The block's own GUID, so that the request can be repeated; else a new one.")
@as_dealer
def reserve(dealer: Dealer, count: int, kind: str, days: int, guid: str | None) -> None:
    """Reserves COUNT codes and prints them."""
    named = guid or str(uuid.uuid4()).upper()
    facts = dealer.ask(lambda client: client.reserve(named, count, kind, days))
    dealer.say(facts, _block_line(facts), *(code["shown"] for code in facts["codes"]))


@block.command("list")
@as_dealer
def list_blocks(dealer: Dealer) -> None:
    """Lists one's own newest blocks."""
    blocks = dealer.ask(lambda client: client.blocks())
    dealer.say(blocks, *map(_block_line, blocks))


@block.command("show")
@click.argument("guid")
@as_dealer
def show(dealer: Dealer, guid: str) -> None:
    """Prints a block with the state of each of its codes."""
    facts = dealer.ask(lambda client: client.block(guid))
    states = [f"{each['shown']}  {_state(each['state'], dealer.language)}" for each in facts["codes"]]
    dealer.say(facts, _block_line(facts), *states)


@block.command("use")
@click.argument("code")
@click.argument("described", nargs=-1, required=True, metavar="KIND=VALUE...")
@as_dealer
def use(dealer: Dealer, code: str, described: tuple[str, ...]) -> None:
    """Tells what a reserved code was used for: `class=CAR vin=...`, or `operation=GUID item=CODE`."""
    wish = read_pairs(described)
    _say_granted(dealer, dealer.ask(lambda client: client.use(code, wish)))


@block.command("return")
@click.argument("guid")
@click.argument("codes", nargs=-1)
@as_dealer
def give_back(dealer: Dealer, guid: str, codes: tuple[str, ...]) -> None:
    """Returns codes of a block that were not used: those that are named, or all of them."""
    returned = dealer.ask(lambda client: client.give_back(guid, codes or None))
    dealer.say({"returned": returned}, f"{len(returned)} code(s) returned")


def answered(asked: Callable[[], Awaitable[T]], as_json: bool) -> T:
    """What the gateway answers; ends the command with status 1 where it refuses, 3 where it does not answer."""

    async def run() -> T:
        return await asked()

    try:
        return asyncio.run(run())
    except CodeRefused as refused:
        findings = [f"  {finding['code']} {finding['message']}" for finding in refused.problem.get("findings", ())]
        end(REFUSED, refused.problem, [str(refused), *findings], as_json)
    except NotThere as missing:
        end(REFUSED, {"error": str(missing)}, [str(missing)], as_json)
    except NotDelivered as error:
        end(NOT_DELIVERED, {"error": str(error)}, [str(error)], as_json)


def read_pairs(given: tuple[str, ...]) -> dict[str, str]:
    """`KIND=VALUE` words as a mapping."""
    pairs = dict(word.split("=", 1) for word in given if "=" in word)
    if len(pairs) != len(given):
        raise click.UsageError("write each identifier once, as KIND=VALUE: vin=WDB1240221J041234")
    return pairs


def say(facts: object, lines: tuple[str, ...] | list[str], *, as_json: bool) -> None:
    """Prints an answer, as JSON or in words."""
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for line in lines:
        click.echo(line)


def end(status: int, facts: object, lines: list[str], as_json: bool) -> NoReturn:
    """Prints why the command fails, and ends it."""
    say(facts, lines, as_json=as_json)
    sys.exit(status)


def tables() -> LuxuryTables:
    """The luxury tables of this day."""
    return luxury_tables(local(datetime.now(UTC)).date())


def _say_granted(dealer: Dealer, facts: Facts) -> None:
    lines = [f"{facts['shown']}  {_standing(facts, dealer.language)}"]
    if facts["operation"]:
        lines.append(f"  operation {facts['operation']} with {unique_codes.UniqueCode(facts['item']).grouped}")
    lines += [f"  {finding['code']} {finding['message']}" for finding in facts["findings"]]
    dealer.say(facts, *lines)


def _standing(facts: Facts, lang: str) -> str:
    state = _state(facts["state"], lang)
    return f"{tables().name_of('luxury_classes', facts['class'], lang)}, {state}" if facts["class"] else state


def _state(state: str, lang: str) -> str:
    return tables().name_of("luxury_code_states", state, lang).lower()


def _block_line(facts: Facts) -> str:
    return f"{facts['block']}  {facts['count']} code(s) of {facts['kind']}, until {facts['expires_at']}"
