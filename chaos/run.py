"""A run: a plant, a cast, the load and the oracle together; what every fault and every kill stands on."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from chaos.entities import Cast, write_agent_configuration
from chaos.load import Feed, Load
from chaos.oracle import Account, Logged, Wrong, judge
from chaos.parts import Service
from chaos.plant import CommandFailed, Plant
from chaos.topics import Listener
from gateway.consumer import KeySet, verify_topic
from gateway.journal import Journal

FILERS = 5
COMPLEXES = 2
FM1_SECONDS = 0.25
BATCH_SECONDS = 0.5
EVENT_SECONDS = 0.2
PATIENCE = 180.0
PAGE = 500
REPEATS = 60
POLL = 0.05


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the end of a fault: to the first new acceptance, and until Kafka had caught up with the log."""

    accepted: float
    caught_up: float


@dataclass
class Run:
    """What one run has at hand."""

    plant: Plant
    cast: Cast
    load: Load
    listener: Listener
    agent_directory: Path
    _repeated: int = 0

    @property
    def account(self) -> Account:
        """What was sent and answered so far."""
        return self.load.account

    async def recover(self, ended: float) -> Recovery:
        """Waits, under load, for the first new acceptance, and until Kafka has it and everything accepted before."""
        before = len(self.account.answers)
        await until(lambda: len(self.account.answers) > before, "nothing is accepted")
        accepted = time.monotonic() - ended
        due = {item.identity for digest in self.account.accepted() for item in self.account.sent[digest].items}
        await until(lambda: due <= self.listener.items, "Kafka does not catch up")
        return Recovery(accepted, time.monotonic() - ended)

    async def settle(self) -> None:
        """Stops the load when all that was begun is answered, and waits until all of it is in Kafka."""
        self.load.going.clear()
        await until(lambda: self.load.busy == 0, "requests stay unanswered")
        with contextlib.suppress(TimeoutError):
            await until(lambda: not self.account.expected() - self.listener.items, "records stay away")
        await asyncio.sleep(0.5)

    async def check(self, repeats: int | None = REPEATS) -> list[Wrong]:
        """Everything that is wrong now, with the load at rest: the oracle's, and the gateway's own commands'.

        The last `repeats` messages since the check before (None: all of them) are sent again first.
        """
        accepted = list(self.account.accepted())
        fresh, self._repeated = accepted[self._repeated :], len(accepted)
        await self.load.repeat(fresh if repeats is None else fresh[-repeats:])
        found = judge(self.account, await logged(self.plant), list(self.listener.told))
        return [*found, *await verified(self.plant, self.listener)]


@contextlib.asynccontextmanager
async def running(directory: Path, seed: int) -> AsyncIterator[Run]:
    """A plant in that directory with its load going on; everything is stopped in the end."""
    plant = Plant(directory)
    async with plant, contextlib.AsyncExitStack() as way:
        cast = await asyncio.to_thread(Cast, directory / "entities", seed, FILERS, COMPLEXES)
        await _enrol(plant, cast)
        agent_directory = directory / "agent"
        spool = plant.disks["spool"].directory / "agent"
        config = write_agent_configuration(cast.agent_house, agent_directory, spool, plant.url)
        load = Load(plant.url, Account())
        await _register(plant, cast, load)
        agent = Service("agent", ("agent", "run", "--config", str(config)), {}, plant.logs / "agent.log")
        await plant.adopt(agent)
        listener = way.enter_context(Listener(plant.bootstrap, plant.certificate.read_bytes()))
        feed = Feed(load, cast.agent_house.id, agent_directory / "agent.sock", cast.agent_events)
        lanes = [
            load.lane(source, FM1_SECONDS if source.name.startswith("fm1") else BATCH_SECONDS)
            for source in cast.sources()
        ]
        tasks = [asyncio.create_task(each) for each in (*lanes, feed.run(EVENT_SECONDS))]
        load.going.set()
        try:
            yield Run(plant, cast, load, listener, agent_directory)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(true: Callable[[], bool], otherwise: str, seconds: float = PATIENCE) -> None:
    """Returns when it is true; raises TimeoutError with the reason when it does not become so."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {seconds:.0f} s")
        await asyncio.sleep(POLL)


async def logged(plant: Plant) -> list[Logged]:
    """Every entry of the log that holds a message, as the database has it."""
    found: list[Logged] = []
    async with Journal(plant.environment()["GATEWAY_DATABASE_URL"]) as journal:
        after = 0
        while entries := await journal.read(0, after, PAGE):
            found += [
                Logged(entry.seq, hashlib.sha256(entry.body).hexdigest(), str(entry.receipt_id))
                for entry in entries
                if entry.body
            ]
            after = entries[-1].seq
    return found


async def verified(plant: Plant, listener: Listener) -> list[Wrong]:
    """What `gateway verify` finds wrong in the log, and in every topic that the listener heard of."""
    return [*await _verified_journal(plant), *await _verified_topics(plant, listener)]


async def _verified_journal(plant: Plant) -> list[Wrong]:
    try:
        await plant.json_of("verify", "journal")
    except CommandFailed as failure:
        return [Wrong("verify journal", str(failure))]
    return []


async def _verified_topics(plant: Plant, listener: Listener) -> list[Wrong]:
    """What `gateway verify topic` would say, in this process: a command for each topic would cost far more."""
    keys = KeySet.from_certificates([plant.certificate.read_bytes()])
    found: list[Wrong] = []
    for topic in sorted({record.topic for record in listener.told}):
        report = await verify_topic(topic, bootstrap=plant.bootstrap, keys=keys)
        if not report.intact:
            found.append(Wrong("verify topic", f"{report.breaks} places, the first: {report.first}"))
    return found


async def _enrol(plant: Plant, cast: Cast) -> None:
    await plant.command("trust", "add", str(cast.anchor))
    for entity in cast.entities:
        names = ("--bin", entity.identifier, "--kind", entity.kind, "--name", "Entity")
        await plant.command("entities", "enrol", *names, "--certificate", str(entity.certificate))


async def _register(plant: Plant, cast: Cast, load: Load) -> None:
    """Registers the complexes, once the intake has heard of their owner."""
    async with httpx.AsyncClient(base_url=plant.url, timeout=10) as client, asyncio.timeout(PATIENCE):
        for sent in cast.registrations():
            while True:
                before = len(load.account.refusals)
                await load.file(client, sent)
                if len(load.account.refusals) == before:
                    break
                load.account.refusals.pop()
                await asyncio.sleep(0.2)
