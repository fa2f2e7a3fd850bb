"""`gateway local demo`: the main job from filing to analyst on a stack of its own, watched step by step."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

import click
import httpx
from lxml import etree

from gateway.client import Answer, file_message
from gateway.commands.common import language_option
from gateway.commands.demo_casino import EVENTS, INTEGRITY, show_analysts, show_casino
from gateway.commands.demo_dealers import Trader, show_car, show_jeweller, show_silent, show_trace
from gateway.commands.showing import DemoFailed, head, within
from gateway.consumer import fetch_keys, subscribe, verify_topic
from gateway.journal import Directory, Enrolment, verify_journal
from gateway.local.authority import Credentials, ThrowAwayAuthority
from gateway.local.messages import Reporter, Scenario, build_fm1, change, with_defect
from gateway.local.people import make_bin, make_iin, make_person
from gateway.local.simulation.model import Owner
from gateway.local.stack import Stack, StackFacts
from gateway.model import IdentifierKind
from gateway.oversight.dealers import LUXURY_TOPIC, METALS_TOPIC
from gateway.sealing.certificates import describe
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.generation import KeyKind, Subject
from gateway.sealing.jws import KeySet
from gateway.sealing.receipts import read_receipt
from gateway.sealing.xmldsig import sign_xml
from validators.parsing import parse

TOPICS = (
    "fma.fm1.threshold.v1",
    "fma.fm1.suspicious.v1",
    "fma.fm1.list-match.v1",
    "fma.fm1.other.v1",
    "fma.rejections.v1",
)
KNOWN_WITHIN_SECONDS = 10.0
SAMPLE_KINDS = {"casino": "093", "bank": "011", "jeweller": "150"}
READ_WITHIN_SECONDS = 20.0
CHECKPOINT_SECONDS = 1.2


@dataclass(frozen=True, slots=True)
class Actor:
    """A reporting entity of the demo, with the files of its key and certificate."""

    reporter: Reporter
    credentials: Credentials

    def owner(self) -> Owner:
        """The same entity as the owner of a gaming complex."""
        return Owner(self.reporter.identifier, self.reporter.kind, self.reporter.name, self.credentials.read())

    def trader(self, client: httpx.AsyncClient, lang: str) -> Trader:
        """The same entity as a dealer at the counter."""
        return Trader(self.reporter, self.credentials, client, lang)

    def sign(self, scenario: Scenario, random: Random, defect: str | None = None) -> bytes:
        """A message of that scenario, with a defect if one is named, signed by the entity."""
        message = build_fm1(scenario, self.reporter, now=datetime.now(UTC), random=random)
        if defect is not None:
            message = with_defect(message, defect)
        return self._signed(message)

    def correct(self, signed: bytes, changes: dict[str, str | None]) -> bytes:
        """The same document, GUID and version included, with other contents, signed again."""
        return self._signed(change(parse(signed).root, changes))

    def _signed(self, message: etree._Element) -> bytes:
        return sign_xml(message, self.credentials.key.read_bytes(), [self.credentials.certificate.read_bytes()])


@dataclass(frozen=True, slots=True)
class Filing:
    """One message of the demo: what it shows, its bytes, and the HTTP status it should get."""

    title: str
    body: bytes
    expected: int


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Where the demo's own stack lives; it is wiped first.",
)
@click.option(
    "--samples",
    type=click.Path(path_type=Path),
    default=Path("tests/samples"),
    show_default=True,
    help="Messages that another program signed; left out where they are not.",
)
@click.option("--keep", is_flag=True, help="Leave the stack running at the end.")
@language_option
def demo(directory: Path, samples: Path, keep: bool, lang: str) -> None:
    """Shows the main job: entities file, the gateway judges and answers, analysts read and verify."""
    directory = directory.expanduser().resolve()
    stack = Stack(directory)
    stack.wipe()
    head("1. PostgreSQL, Kafka, intake and relay on this machine")
    facts = stack.up(datetime.now(UTC), partial(click.echo, err=False))
    try:
        asyncio.run(_show(facts, directory, samples, lang))
        head("Where to look next" if keep else "Where to look next (`make run` starts a stack that stays)")
        _look_next(facts, directory)
    finally:
        if not keep:
            stack.down()
    click.echo("\nDone." if keep else "\nDone; the stack is stopped, its data is in " + str(directory))


async def _show(facts: StackFacts, directory: Path, samples: Path, lang: str) -> None:
    url, dsn, kafka = facts.url or "", facts.database_url or "", facts.kafka or ""
    head("2. Entities with throw-away certificates")
    async with Directory(dsn) as enrolled, httpx.AsyncClient(base_url=url, timeout=60) as client:
        actors = await _enrol_actors(enrolled, directory / "entities")
        filings = _filings(actors)
        if samples.is_dir():
            await _enrol_samples(enrolled, samples)
            filings += _sample_filings(samples)
        await _until_known(client, filings[0].body)
        head("3. They file: good, refused, repeated, conflicting, tampered")
        answers = [await _file(client, filing, lang) for filing in filings]
        accepted = {str(answer.facts["id"]) for answer in answers if answer.status == httpx.codes.CREATED}
        refused = {str(answer.facts["id"]) for answer in answers if answer.status == httpx.codes.UNPROCESSABLE_ENTITY}
        head("4. A casino's complex reports: a batch is lost and found, events are refused, an FM-1 is due")
        account = await show_casino(actors["casino"].owner(), client, lang)
        head("5. A jeweller files a sheet and a nil report, a car gets its code and is sold five times")
        await show_jeweller(actors["jeweller"].trader(client, lang), directory / "sheets")
        car = await show_car(actors["cars"].trader(client, lang), directory, url)
    keys = await fetch_keys(f"{url}/.well-known/jwks.json")
    head("6. What the analysts read from Kafka, each record verified")
    await _read(kafka, keys, accepted | refused)
    await show_analysts(kafka, keys, account)
    head("7. The chain of the car, from its code to its last owner; and who is silent")
    await show_trace(kafka, keys, car)
    await show_silent(dsn, keys, actors["jeweller"].reporter, actors["silent"].reporter)
    head("8. What was sealed still stands")
    await _verify(dsn, kafka, keys)


async def _enrol_actors(enrolled: Directory, place: Path) -> dict[str, Actor]:
    now, random = datetime.now(UTC), Random(2026)  # noqa: S311 - made-up people, no secret
    authority = ThrowAwayAuthority(place)
    place.mkdir(parents=True, exist_ok=True)
    await enrolled.add_anchor(authority.make(now).certificate.read_bytes(), now)
    actors: dict[str, Actor] = {}
    plan: Sequence[tuple[str, str, str, KeyKind]] = (
        ("casino", "093", "Казино Алтын", "p256"),
        ("jeweller", "150", "Зергер", "p256"),
        ("bank", "011", "Банк Пример", "rsa2048"),
        ("cars", "160", "Автодом", "p256"),
        ("silent", "150", "Үнсіз Зергер", "p256"),
    )
    for label, kind, name, key in plan:
        person = make_person(random, now.date())
        identifier = make_bin(random, now.date())
        iin = make_iin(random, person.born, woman=False)
        subject = Subject(common_name=name, iin=iin, bin=identifier, organisation=name)
        credentials = authority.enrol(label, subject, now, key)
        pem = credentials.certificate.read_bytes()
        await enrolled.enrol(Enrolment(identifier, IdentifierKind.BIN, kind, name, (pem,)), now)
        actors[label] = Actor(Reporter(identifier, kind, name), credentials)
        click.echo(f"  enrolled {name}: BIN {identifier}, kind {kind}")
    return actors


def _filings(actors: dict[str, Actor]) -> list[Filing]:
    random = Random(13)  # noqa: S311 - made-up operations, no secret
    casino, jeweller, bank = actors["casino"], actors["jeweller"], actors["bank"]
    winnings = casino.sign(Scenario.CASINO_WINNINGS, random)
    other = casino.correct(winnings, {"MessageInformation/MoreInformation": "Басқа мәтін"})
    return [
        Filing("a casino's winnings in cash", winnings, 201),
        Filing("a jeweller's sale", jeweller.sign(Scenario.JEWELLERY_PURCHASE, random), 201),
        Filing("a bank's suspicion", bank.sign(Scenario.SUSPICIOUS_DEAL, random), 201),
        Filing("a bank's match with a list", bank.sign(Scenario.LIST_MATCH, random), 201),
        Filing(
            "a code that lost its leading zero", casino.sign(Scenario.CASINO_WINNINGS, random, "lost leading zero"), 422
        ),
        Filing("a wrong check digit", jeweller.sign(Scenario.JEWELLERY_PURCHASE, random, "wrong check digit"), 422),
        Filing(
            "a suspicion without an indicator",
            bank.sign(Scenario.SUSPICIOUS_DEAL, random, "suspicion without indicator"),
            422,
        ),
        Filing("the casino's first message again", winnings, 200),
        Filing("the same GUID and version with other contents", other, 409),
        Filing(
            "a message with an external entity",
            b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            400,
        ),
    ]


async def _enrol_samples(enrolled: Directory, samples: Path) -> None:
    now = datetime.now(UTC)
    await enrolled.add_anchor((samples / "ca.pem").read_bytes(), now)
    for label, kind in SAMPLE_KINDS.items():
        pem = (samples / f"{label}.pem").read_bytes()
        identifier = describe(pem)[0].bin or ""
        await enrolled.enrol(Enrolment(identifier, IdentifierKind.BIN, kind, f"Sample {label}", (pem,)), now)
        click.echo(f"  enrolled the samples' {label}: BIN {identifier}, kind {kind}")


def _sample_filings(samples: Path) -> list[Filing]:
    return [
        Filing(
            f"sample {path.name}, signed by another program",
            path.read_bytes(),
            httpx.codes.UNAUTHORIZED if "tampered" in path.name else httpx.codes.CREATED,
        )
        for path in sorted(samples.glob("fm1-*.xml"))
    ]


async def _until_known(client: httpx.AsyncClient, body: bytes) -> None:
    async with within(KNOWN_WITHIN_SECONDS, "the intake did not get to know the new entities"):
        while True:
            answer = await client.post("/v1/validate", content=body, headers={"Content-Type": "application/xml"})
            if answer.status_code == httpx.codes.OK:
                return
            await asyncio.sleep(0.2)


async def _file(client: httpx.AsyncClient, filing: Filing, lang: str) -> Answer:
    answer = await file_message(client, filing.body, language=lang)
    facts = answer.facts
    click.echo(f"\n  {filing.title}")
    if answer.judged:
        click.echo(f"    {answer.status} {facts['verdict']}: receipt {facts['id']}, edition {facts['edition']}")
    else:
        click.echo(f"    {answer.status} {facts.get('title')}: {facts.get('detail')}")
    for finding in facts.get("findings", ()):
        field = f" field {finding['field']}" if finding["field"] else ""
        click.echo(f"    {finding['severity']} {finding['code']}{field}: {finding['message']}")
    if answer.status != filing.expected:
        raise DemoFailed(f"{filing.title}: {filing.expected} was expected, the answer is {answer.status}")
    return answer


async def _read(kafka: str, keys: KeySet, expected: set[str]) -> None:
    missing = set(expected)
    async with within(READ_WITHIN_SECONDS, "not every message reached Kafka"):
        async for event in subscribe(TOPICS, bootstrap=kafka, keys=keys, from_beginning=True):
            verdict, document = event.value.get("verdict"), event.value.get("document")
            click.echo(f"  {event.topic:24} offset {event.offset}  seal {event.seal}  {verdict}  {document}")
            missing.discard(str(event.value.get("id")))
            if not missing:
                return


async def _verify(dsn: str, kafka: str, keys: KeySet) -> None:
    await asyncio.sleep(CHECKPOINT_SECONDS)
    report = await verify_journal(dsn, partial(read_receipt, keys=keys), partial(read_checkpoint, keys=keys))
    click.echo(f"  journal: {report.entries} entries, {report.checkpoints} checkpoints: {_told(report.intact)}")
    intact = report.intact
    for topic in (*TOPICS, EVENTS, INTEGRITY, METALS_TOPIC, LUXURY_TOPIC):
        found = await verify_topic(topic, bootstrap=kafka, keys=keys)
        click.echo(f"  {topic}: {found.records} records: {_told(found.intact)}")
        intact = intact and found.intact
    if not intact:
        raise DemoFailed("something does not stand as it was sealed")


def _look_next(facts: StackFacts, directory: Path) -> None:
    click.echo(f"  {facts.url}/openapi.json describes the HTTP interface, {facts.url}/v1/codes the code tables")
    click.echo(f"  gateway consume {TOPICS[0]} --from-beginning --until-end --json --dir {directory}")
    click.echo(f"  gateway verify journal --dir {directory}")
    click.echo("  docs/tutorial/first-message.md does the same by hand")


def _told(intact: bool) -> str:
    return "intact" if intact else "BROKEN"
