"""Unique codes as they are used: issued and checked over HTTP while many are stored."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import asyncpg
import orjson

from bench.ceiling.codes import TABLE
from bench.generator import Load
from bench.model import LESS, Figure, Outcome
from bench.observing import cpu_of
from bench.requests import ANY, request, write_requests
from bench.stage import until_answered
from bench.workshop import Workshop
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


def measure(workshop: Workshop) -> Outcome:
    """Asks for new codes one by one and in lists, and checks stored ones; the same from the bare server."""
    return measured(workshop, workshop.plan.codes_stored, ceiling=True)


def measured(workshop: Workshop, count: int, *, ceiling: bool) -> Outcome:
    """The figures with `count` codes stored (CHECKED at least), put by COPY into a database of their own."""
    place = workshop.directory / f"codes-{count}-{ceiling}"
    place.mkdir(parents=True)
    postgres = Postgres(place / "postgres", socket_directory(place), place / "postgres.log")
    postgres.start()
    try:
        dealer = asyncio.run(_prepare(place, postgres.dsn, datetime.now(UTC)))
        random = Random(count)  # noqa: S311 - made-up codes, no secrets
        codes = [make_code(CodeKind.ITEM, random.choice).text for _ in range(CHECKED)]
        workshop.tell(f"codes: storing {max(count, CHECKED)}")
        asyncio.run(_fill(postgres.dsn, codes, max(count, CHECKED), random))
        tasks = _tasks(place, dealer, codes, workshop.plan.wishes, workshop.plan.connections)
        with _serving(place, postgres.dsn) as (url, pid):
            mine = _runs(workshop, url, pid, tasks)
        theirs: list[Run | None] = [None] * len(tasks)
        if ceiling:
            asyncio.run(_copy(postgres.dsn))
            with _bare(place, postgres.dsn) as (url, pid):
                theirs = [*_runs(workshop, url, pid, tasks)]
        kept = asyncio.run(_kept(postgres.dsn)) - max(count, CHECKED)
    finally:
        postgres.stop()
    return _outcome(tasks, mine, theirs, kept, max(count, CHECKED))


def _outcome(
    tasks: Sequence[Task], mine: Sequence[Run], theirs: Sequence[Run | None], kept: int, stored: int
) -> Outcome:
    figures = []
    faults = []
    for task, own, other in zip(tasks, mine, theirs, strict=True):
        bare = (other.rate, other.load.milliseconds(99), other.cpu_us) if other else ()
        figures.append(Figure(f"codes.{task.name}", "codes/s", (own.rate,), bare[:1]))
        figures.append(Figure(f"codes.{task.name}.p99", "ms", (own.load.milliseconds(99),), bare[1:2], LESS))
        figures.append(Figure(f"codes.{task.name}.cpu", "µs of CPU a code", (own.cpu_us,), bare[2:], LESS))
        if own.load.others(task.right):
            faults.append(f"codes: {task.name}: {own.load.others(task.right)} answers were not {task.right}")
    issued = sum(task.codes for task in tasks if task.name != "check")
    if kept != issued:
        faults.append(f"codes: {issued} were issued, {kept} are kept")
    return Outcome(tuple(figures), {"stored": stored, "issued": issued}, tuple(faults))


def _tasks(place: Path, dealer: Issued, codes: Sequence[str], wishes: int, connections: int) -> list[Task]:
    keys = LocalKeyHolder.from_pem(dealer.key, dealer.certificate)
    bearer = {"Authorization": f"Bearer {asyncio.run(make_bearer(DEALER, AUDIENCE, datetime.now(UTC), keys))}"}
    things = [{"class": "WATCH", "maker": "Bench", "serial": f"B {number:08}"} for number in range(3 * wishes)]
    lists = [things[at : at + TOGETHER] for at in range(wishes, len(things), TOGETHER)]
    singly = [request("POST", PATH, orjson.dumps(thing), bearer) for thing in things[:wishes]]
    together = [request("POST", PATH, orjson.dumps({"requests": each}), bearer) for each in lists]
    checks = [request("GET", f"{PATH}/{codes[number * 7 % CHECKED]}", headers={}) for number in range(5 * wishes)]
    return [
        _task(place, "issue", singly, connections, (len(singly), 201)),
        _task(place, "issue-lists", together, LIST_CONNECTIONS, (TOGETHER * len(together), 200)),
        _task(place, "check", checks, connections, (len(checks), 200)),
    ]


def _task(place: Path, name: str, requests: Sequence[bytes], connections: int, about: tuple[int, int]) -> Task:
    path = place / f"{name}.requests"
    write_requests(path, ((ANY, each) for each in requests))
    return Task(name, path, connections, *about)


def _runs(workshop: Workshop, url: str, pid: int, tasks: Sequence[Task]) -> list[Run]:
    runs = []
    for task in tasks:
        before = cpu_of([pid])
        load = workshop.generator.run(url, task.requests, task.connections)
        used = cpu_of([pid]) - before
        runs.append(Run(load, task.codes / load.seconds, used * 1e6 / task.codes))
        workshop.tell(f"  {task.name}: {runs[-1].rate:,.0f} codes/s")
    return runs


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
def _serving(place: Path, dsn: str) -> Iterator[tuple[str, int]]:
    """The gateway's intake, with no bound on how often one address may ask."""
    environment = {
        **os.environ,
        "GATEWAY_DATABASE_URL": dsn,
        "GATEWAY_URL": AUDIENCE,
        "GATEWAY_KEY_FILE": str(place / "gateway.key.pem"),
        "GATEWAY_CERTIFICATE_FILE": str(place / "gateway.certificate.pem"),
    }
    (port,) = free_ports([None])
    command = [sys.executable, "-m", "gateway", "serve", "--check-rate", "0", "--port", str(port)]
    with _running(place / "intake.log", command, f"http://127.0.0.1:{port}/readyz", environment) as pid:
        time.sleep(KNOWN_SECONDS)
        yield f"http://127.0.0.1:{port}", pid


@contextmanager
def _bare(place: Path, dsn: str) -> Iterator[tuple[str, int]]:
    (port,) = free_ports([None])
    command = [sys.executable, "-m", "bench.ceiling.codes", str(port), dsn]
    with _running(place / "bare.log", command, f"http://127.0.0.1:{port}/", dict(os.environ)) as pid:
        yield f"http://127.0.0.1:{port}", pid


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
