"""Unique codes as they are used: issued and checked over HTTP while many are stored."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import asyncpg
import orjson

from bench.ceiling.codes import TABLE
from bench.generator import Load
from bench.model import LESS, Figure, Outcome
from bench.observing import cpu_of
from bench.requests import ANY, request, write_requests
from bench.stage import until_answered
from bench.workshop import Plan, Workshop
from gateway.journal import Directory, Enrolment, migrate
from gateway.local.owner import socket_directory
from gateway.local.ports import free_ports
from gateway.local.postgres import Postgres
from gateway.model import IdentifierKind
from gateway.sealing.generation import Issued, Subject, generate_gateway_key, issue, make_authority
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from validators.luxury.unique_codes import ALPHABET, CodeKind, make_code

DEALER = "050140000017"
COLUMNS = ("code", "state", "owner", "at", "class", "identity", "identifiers")
CHECKED = 20_000
"""How many stored codes have a true check character and are asked for."""
TOGETHER, LIST_CONNECTIONS = 100, 4
CHECK = "check"
AUDIENCE = "http://gateway"
PATH = "/v1/luxury/codes"
KNOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What is sent, over how many connections, about how many codes, and the status of a right answer."""

    name: str
    requests: Path
    connections: int
    codes: int
    right: int


@dataclass(frozen=True, slots=True)
class Run:
    """One load and the microseconds of CPU that the server used for each code."""

    load: Load
    rate: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of codes: where it answers, and its process."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Stock:
    """So many codes stored in a database of their own, and what is asked of whoever serves them, in rounds."""

    place: Path
    dsn: str
    stored: int
    rounds: Sequence[Sequence[Task]]

    def faults(self, runs: Sequence[tuple[Task, Run]]) -> list[str]:
        """What was answered wrongly, or is not kept as it was issued, where nothing but these runs was asked."""
        wrong = [(task, run.load.others(task.right)) for task, run in runs]
        found = [f"codes: {task.name}: {count} answers were not {task.right}" for task, count in wrong if count]
        issued = issued_by([task for task, _ in runs])
        kept = asyncio.run(_kept(self.dsn)) - self.stored
        return [*found, f"codes: {issued} were issued, {kept} are kept"] if kept != issued else found


def measure(workshop: Workshop) -> Outcome:
    """Asks for new codes one by one and in lists, and checks stored ones; the same from the bare server."""
    with stocked(workshop, workshop.plan.codes_stored) as stock:
        (tasks,) = stock.rounds
        with serving(stock) as server:
            mine = [run(workshop, server, task) for task in tasks]
        faults = stock.faults(list(zip(tasks, mine, strict=True)))
        asyncio.run(_copy(stock.dsn))
        with _bare(stock) as server:
            theirs = [run(workshop, server, task) for task in tasks]
    figures = [
        figure
        for task, own, other in zip(tasks, mine, theirs, strict=True)
        for figure in (
            Figure(f"codes.{task.name}", "codes/s", (own.rate,), (other.rate,)),
            Figure(f"codes.{task.name}.p99", "ms", (own.load.milliseconds(99),), (other.load.milliseconds(99),), LESS),
            Figure(f"codes.{task.name}.cpu", "µs of CPU a code", (own.cpu_us,), (other.cpu_us,), LESS),
        )
    ]
    return Outcome(tuple(figures), {"stored": stock.stored, "issued": issued_by(tasks)}, tuple(faults))


def issued_by(tasks: Sequence[Task]) -> int:
    """How many new codes the tasks ask for."""
    return sum(task.codes for task in tasks if task.name != CHECK)


@contextmanager
def stocked(workshop: Workshop, count: int, rounds: int = 1) -> Iterator[Stock]:
    """`count` codes (CHECKED at least), put by COPY into a database of their own; a plan's wishes in so many rounds."""
    place, stored = Path(mkdtemp(prefix="codes-", dir=workshop.directory)), max(count, CHECKED)
    postgres = Postgres(place / "postgres", socket_directory(place), place / "postgres.log")
    postgres.start()
    try:
        dealer = asyncio.run(_prepare(place, postgres.dsn, datetime.now(UTC)))
        random = Random(count)  # noqa: S311 - made-up codes, no secrets
        codes = [make_code(CodeKind.ITEM, random.choice).text for _ in range(CHECKED)]
        workshop.tell(f"codes: storing {stored:,}")
        asyncio.run(_fill(postgres.dsn, codes, stored, random))
        yield Stock(place, postgres.dsn, stored, _rounds(place, dealer, codes, workshop.plan, rounds))
    finally:
        postgres.stop()


@contextmanager
def serving(stock: Stock) -> Iterator[Server]:
    """The gateway's intake, with no bound on how often one address may ask."""
    place = stock.place
    environment = {
        **os.environ,
        "GATEWAY_DATABASE_URL": stock.dsn,
        "GATEWAY_URL": AUDIENCE,
        "GATEWAY_KEY_FILE": str(place / "gateway.key.pem"),
        "GATEWAY_CERTIFICATE_FILE": str(place / "gateway.certificate.pem"),
    }
    (port,) = free_ports([None])
    command = [sys.executable, "-m", "gateway", "serve", "--check-rate", "0", "--port", str(port)]
    with _running(place / "intake.log", command, f"http://127.0.0.1:{port}/readyz", environment) as pid:
        time.sleep(KNOWN_SECONDS)
        yield Server(f"http://127.0.0.1:{port}", pid)


def run(workshop: Workshop, server: Server, task: Task) -> Run:
    """Sends the requests of a task, each once."""
    before = cpu_of([server.pid])
    load = workshop.generator.run(server.url, task.requests, task.connections)
    used = cpu_of([server.pid]) - before
    workshop.tell(f"  {task.name}: {task.codes / load.seconds:,.0f} codes/s")
    return Run(load, task.codes / load.seconds, used * 1e6 / task.codes)


def _rounds(place: Path, dealer: Issued, codes: Sequence[str], plan: Plan, rounds: int) -> list[list[Task]]:
    keys = LocalKeyHolder.from_pem(dealer.key, dealer.certificate)
    bearer = {"Authorization": f"Bearer {asyncio.run(make_bearer(DEALER, AUDIENCE, datetime.now(UTC), keys))}"}
    return [_tasks(place / str(number), bearer, codes, plan, (number, rounds)) for number in range(rounds)]


def _tasks(
    place: Path, bearer: Mapping[str, str], codes: Sequence[str], plan: Plan, part: tuple[int, int]
) -> list[Task]:
    """What is asked in one of so many rounds: things of its own, so that each of their codes is a new one."""
    place.mkdir()
    number, rounds = part
    wishes = max(TOGETHER, plan.wishes // rounds)
    serials = range(3 * wishes * number, 3 * wishes * (number + 1))
    things = [{"class": "WATCH", "maker": "Bench", "serial": f"B {serial:08}"} for serial in serials]
    lists = [things[at : at + TOGETHER] for at in range(wishes, len(things), TOGETHER)]
    singly = [request("POST", PATH, orjson.dumps(thing), bearer) for thing in things[:wishes]]
    together = [request("POST", PATH, orjson.dumps({"requests": each}), bearer) for each in lists]
    checks = [request("GET", f"{PATH}/{codes[at * 7 % CHECKED]}", headers={}) for at in range(5 * wishes)]
    return [
        _task(place, "issue", singly, plan.connections, (len(singly), 201)),
        _task(place, "issue-lists", together, LIST_CONNECTIONS, (sum(map(len, lists)), 200)),
        _task(place, CHECK, checks, plan.connections, (len(checks), 200)),
    ]


def _task(place: Path, name: str, requests: Sequence[bytes], connections: int, about: tuple[int, int]) -> Task:
    path = place / f"{name}.requests"
    write_requests(path, ((ANY, each) for each in requests))
    return Task(name, path, connections, *about)


async def _prepare(place: Path, dsn: str, now: datetime) -> Issued:
    await migrate(dsn)
    generate_gateway_key(place, "Bench gateway", now)
    authority = make_authority("Bench CA", now - timedelta(days=1))
    dealer = issue(authority, Subject(common_name="Dealer", bin=DEALER), now - timedelta(hours=1))
    async with Directory(dsn) as directory:
        await directory.add_anchor(authority.certificate, now)
        await directory.enrol(Enrolment(DEALER, IdentifierKind.BIN, "150", "Dealer", (dealer.certificate,)), now)
    return dealer


async def _fill(dsn: str, codes: Sequence[str], stored: int, random: Random) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        rows = _rows(codes, stored, random, datetime.now(UTC))
        await connection.copy_records_to_table("luxury_codes", records=rows, columns=COLUMNS)
        await connection.execute("VACUUM (ANALYZE) luxury_codes")
    finally:
        await connection.close()


async def _copy(dsn: str) -> None:
    """The same codes for the bare server."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in (*TABLE, "VACUUM (ANALYZE) bare_codes"):
            await connection.execute(statement)
    finally:
        await connection.close()


async def _kept(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM luxury_codes"))
    finally:
        await connection.close()


def _rows(codes: Sequence[str], stored: int, random: Random, now: datetime) -> Iterator[tuple[object, ...]]:
    for number in range(stored):
        code = codes[number] if number < len(codes) else "T" + "".join(random.choices(ALPHABET, k=13))
        identifiers = f'{{"vin":"WDB1240221J{number:08}"}}'
        yield (code, "issued", DEALER, now, "CAR", random.randbytes(32), identifiers)


@contextmanager
def _bare(stock: Stock) -> Iterator[Server]:
    (port,) = free_ports([None])
    command = [sys.executable, "-m", "bench.ceiling.codes", str(port), stock.dsn]
    with _running(stock.place / "bare.log", command, f"http://127.0.0.1:{port}/", dict(os.environ)) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextmanager
def _running(path: Path, command: Sequence[str], url: str, environment: dict[str, str]) -> Iterator[int]:
    with path.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until_answered(url, [process])
        yield process.pid
    finally:
        process.terminate()
        process.wait()
