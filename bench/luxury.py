"""Unique codes as they are used: issued and checked over HTTP while millions are stored."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.request import urlopen

import asyncpg
import orjson
import psutil

from bench.client import Load, request, send_all
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
MIB = 1 << 20


@dataclass(frozen=True)
class Result:
    """Codes and checks a second, latencies in milliseconds, an intake's CPU in microseconds a code and its MiB."""

    stored: int
    intakes: int
    issued_singly_per_second: float
    issued_singly_p99_ms: float
    issued_together_per_second: float
    checks_per_second: float
    checks_p99_ms: float
    issued_singly_cpu_us: float
    issued_together_cpu_us: float
    check_cpu_us: float
    other_answers: int
    intake_mib: float
    filling_seconds: float

    def facts(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """How many codes are stored before, how many are asked for one by one, by how many intakes and connections."""

    stored: int
    wishes: int
    intakes: int
    connections: int


def measure(place: Path, plan: Plan) -> Result:
    """Fills a database of its own by COPY, then asks for new codes one by one and in lists, and checks stored ones."""
    place.mkdir(parents=True)
    postgres = Postgres(place / "postgres", socket_directory(place), place / "postgres.log")
    postgres.start()
    try:
        dealer = asyncio.run(_prepare(place, postgres.dsn, datetime.now(UTC)))
        random = Random(plan.stored)  # noqa: S311 - made-up codes, no secrets
        codes = [make_code(CodeKind.ITEM, random.choice).text for _ in range(CHECKED)]
        begun = time.perf_counter()
        asyncio.run(_fill(postgres.dsn, codes, plan.stored, random))
        filling = time.perf_counter() - begun
        with _serving(place, postgres.dsn, plan.intakes) as (urls, pids):
            intakes = [psutil.Process(pid) for pid in pids]
            runs = _load(urls, intakes, _requests(dealer, codes, plan), plan.connections)
            memory = max(intake.memory_info().rss for intake in intakes) / MIB
        return _result(plan, runs, filling, memory)
    finally:
        postgres.stop()


@dataclass(frozen=True)
class Requests:
    """What is sent: new things one by one, new things in lists, checks of stored codes."""

    singly: Sequence[bytes]
    together: Sequence[bytes]
    checks: Sequence[bytes]


def _requests(dealer: Issued, codes: Sequence[str], plan: Plan) -> Requests:
    keys = LocalKeyHolder.from_pem(dealer.key, dealer.certificate)
    token = asyncio.run(make_bearer(DEALER, AUDIENCE, datetime.now(UTC), keys))
    bearer = {"Authorization": f"Bearer {token}"}
    things = [{"class": "WATCH", "maker": "Bench", "serial": f"B {number:08}"} for number in range(3 * plan.wishes)]
    lists = [things[at : at + TOGETHER] for at in range(plan.wishes, len(things), TOGETHER)]
    return Requests(
        [request("POST", PATH, orjson.dumps(thing), bearer) for thing in things[: plan.wishes]],
        [request("POST", PATH, orjson.dumps({"requests": each}), bearer) for each in lists],
        [request("GET", f"{PATH}/{codes[number * 7 % CHECKED]}", headers={}) for number in range(5 * plan.wishes)],
    )


@dataclass(frozen=True)
class Run:
    """One load, how many codes it was about, and the seconds of CPU that the intakes used for it."""

    load: Load
    codes: int
    cpu: float

    @property
    def rate(self) -> float:
        return self.codes / self.load.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu * 1e6 / self.codes


def _load(urls: Sequence[str], intakes: Sequence[psutil.Process], requests: Requests, connections: int) -> list[Run]:
    asyncio.run(_spread(urls, requests.checks[:500], connections))
    runs = []
    for wanted, codes, links in (
        (requests.singly, len(requests.singly), connections),
        (requests.together, TOGETHER * len(requests.together), LIST_CONNECTIONS),
        (requests.checks, len(requests.checks), connections),
    ):
        before = _cpu(intakes)
        load = asyncio.run(_spread(urls, wanted, links))
        runs.append(Run(load, codes, _cpu(intakes) - before))
    return runs


def _cpu(intakes: Sequence[psutil.Process]) -> float:
    return float(sum(sum(intake.cpu_times()[:2]) for intake in intakes))


def _result(plan: Plan, runs: Sequence[Run], filling: float, memory: float) -> Result:
    singly, together, checked = runs
    right = singly.load.statuses[201] + together.load.statuses[200] + checked.load.statuses[200]
    return Result(
        stored=plan.stored,
        intakes=plan.intakes,
        issued_singly_per_second=singly.rate,
        issued_singly_p99_ms=singly.load.percentile(0.99) * 1000,
        issued_together_per_second=together.rate,
        checks_per_second=checked.rate,
        checks_p99_ms=checked.load.percentile(0.99) * 1000,
        issued_singly_cpu_us=singly.cpu_us,
        issued_together_cpu_us=together.cpu_us,
        check_cpu_us=checked.cpu_us,
        other_answers=sum(run.load.statuses.total() for run in runs) - right,
        intake_mib=memory,
        filling_seconds=filling,
    )


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
        await connection.copy_records_to_table(
            "luxury_codes", records=_rows(codes, stored, random, datetime.now(UTC)), columns=COLUMNS
        )
        await connection.execute("VACUUM (ANALYZE) luxury_codes")
    finally:
        await connection.close()


def _rows(codes: Sequence[str], stored: int, random: Random, now: datetime) -> Iterator[tuple[object, ...]]:
    for number in range(stored):
        code = codes[number] if number < len(codes) else "T" + "".join(random.choices(ALPHABET, k=13))
        identifiers = f'{{"vin":"WDB1240221J{number:08}"}}'
        yield (code, "issued", DEALER, now, "CAR", random.randbytes(32), identifiers)


@contextmanager
def _serving(place: Path, dsn: str, intakes: int) -> Iterator[tuple[list[str], list[int]]]:
    ports = free_ports([None] * intakes)
    environment = {
        **os.environ,
        "GATEWAY_DATABASE_URL": dsn,
        "GATEWAY_URL": AUDIENCE,
        "GATEWAY_KEY_FILE": str(place / "gateway.key.pem"),
        "GATEWAY_CERTIFICATE_FILE": str(place / "gateway.certificate.pem"),
    }
    serve = [sys.executable, "-m", "gateway", "serve", "--check-rate", "0", "--port"]
    with (place / "intake.log").open("wb") as log:
        running = [subprocess.Popen([*serve, str(port)], env=environment, stdout=log, stderr=log) for port in ports]
    try:
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for url in urls:
            _until_ready(url)
        time.sleep(KNOWN_SECONDS)
        yield urls, [process.pid for process in running]
    finally:
        for process in running:
            process.terminate()
            process.wait()


def _until_ready(url: str, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(f"{url}/readyz"):  # noqa: S310 - the intake that was just started
                return
        except OSError:
            assert time.monotonic() < until, "the intake does not start"
            time.sleep(0.1)


async def _spread(urls: Sequence[str], requests: Sequence[bytes], connections: int) -> Load:
    """The requests over all intakes at once, as one load."""
    share = len(urls)
    loads = await asyncio.gather(
        *(send_all(url, requests[place::share], max(1, connections // share)) for place, url in enumerate(urls))
    )
    whole = Load(seconds=max(load.seconds for load in loads))
    for load in loads:
        whole.statuses += load.statuses
        whole.latencies += load.latencies
    return whole
