"""The faults that processes, connections and disks can have: each is done to a running plant and ends by itself."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from random import Random

from confluent_kafka import Producer

from chaos.parts import Service, family, send_signal
from chaos.proxy import Proxy, Watch, every_commit, every_end_of_transaction
from chaos.run import Run, until

Act = Callable[[Run, Random], Awaitable[None]]

STOPPED_SECONDS = (4.0, 8.0)
CUT_SECONDS = 4.0
DELAY_SECONDS = 0.25
DELAYED_SECONDS = 6.0
SILENT_SECONDS = 8.0
SWALLOWED = 5
FULL_SECONDS = 8.0
FENCINGS = 4
TRANSACTION_SECONDS = 72.0
"""Longer than the relay's transactions may take: Kafka itself ends the one that is open."""


class NotHere(Exception):
    """This machine does not let this fault be made; the text says why."""


def targets(run: Run, part: str) -> list[int]:
    """The processes of a part; `judging` are those that the intake started."""
    if part == "judging":
        return run.plant.service(name_of(run, "intake")).judging()
    return run.plant.parts[name_of(run, part)].pids()


def kill(part: str, times: int = 2) -> Act:
    """`kill -9` of a part, again as soon as it is back."""

    async def act(run: Run, random: Random) -> None:
        for _ in range(times):
            await asyncio.sleep(random.uniform(0.2, 1.0))
            await until(lambda: bool(targets(run, part)), f"{part} does not come back")
            send_signal(targets(run, part), signal.SIGKILL)

    return act


def freeze(part: str) -> Act:
    """SIGSTOP of a part and all its processes, and SIGCONT some seconds later."""

    async def act(run: Run, random: Random) -> None:
        pids = family(targets(run, part)) if part == "postgres" else targets(run, part)
        send_signal(pids, signal.SIGSTOP)
        try:
            await asyncio.sleep(random.uniform(*STOPPED_SECONDS))
        finally:
            send_signal(pids, signal.SIGCONT)

    return act


def cut(gap: str) -> Act:
    """Every connection reset and every new one refused for a while."""

    async def act(run: Run, random: Random) -> None:
        proxy = _proxy(run, gap)
        for _ in range(3):
            proxy.cut()
            await asyncio.sleep(random.uniform(0.1, 0.5))
        proxy.refusing = True
        proxy.cut()
        await asyncio.sleep(CUT_SECONDS)
        proxy.mend()

    return act


def slow(gap: str) -> Act:
    """Every piece of data held back, both ways."""

    async def act(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
        proxy = _proxy(run, gap)
        proxy.delay = DELAY_SECONDS
        await asyncio.sleep(DELAYED_SECONDS)
        proxy.mend()

    return act


def half_open(gap: str) -> Act:
    """Nothing passes and nobody is told; the connections of that time stay silent for ever."""

    async def act(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
        proxy = _proxy(run, gap)
        proxy.silence()
        await asyncio.sleep(SILENT_SECONDS)
        proxy.mend()

    return act


def lost_answers(gap: str, watch: Watch) -> Act:
    """The request arrives, its answer never does: SWALLOWED times, each time the connection is then cut."""

    async def act(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
        proxy = _proxy(run, gap)
        before = proxy.swallowed
        for number in range(1, SWALLOWED + 1):
            proxy.watch = watch
            await until(lambda wanted=before + number: proxy.swallowed >= wanted, "nothing was swallowed")  # type: ignore[misc]
            proxy.watch = None
            await asyncio.sleep(0.4)
        proxy.mend()

    return act


def lost_commits() -> Act:
    """The answer to COMMIT is lost between PostgreSQL and intake."""
    return lost_answers("intake-postgres", every_commit)


def lost_ends() -> Act:
    """The answer to the end of a Kafka transaction is lost between Kafka and relay."""
    return lost_answers("relay-kafka", every_end_of_transaction)


def full_disk(disk: str) -> Act:
    """No byte can be written any more, then there is room again."""

    async def act(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
        place = run.plant.disks[disk]
        if not place.small:
            raise NotHere("a small file system can be mounted by root on Linux alone")
        await asyncio.to_thread(place.fill)
        try:
            await asyncio.sleep(FULL_SECONDS)
        finally:
            await asyncio.to_thread(place.free)

    return act


async def two_relays(run: Run, random: Random) -> None:
    """A second relay is started beside the first, which is started again by its supervisor, and so on by turns."""
    first = run.plant.service("relay")
    second = Service("second relay", first.arguments, first.environment, run.plant.logs / "relay-2.log")
    for _ in range(2):
        before = first.starts
        await second.start()
        await until(lambda before=before: first.starts > before, "the first relay was not fenced")  # type: ignore[misc]
        await asyncio.sleep(random.uniform(1.0, 2.0))
    await second.stop()


async def epochs(run: Run, random: Random) -> None:
    """Somebody else takes the relay's transactional id and lets go, several times."""
    relay = run.plant.service("relay")
    for _ in range(FENCINGS):
        before = relay.starts
        other = Producer({"bootstrap.servers": run.plant.bootstrap, "transactional.id": "fma-relay-0", "log_level": 0})
        await asyncio.to_thread(other.init_transactions, 30)
        await until(lambda before=before: relay.starts > before, "the relay was not fenced")  # type: ignore[misc]
        await asyncio.sleep(random.uniform(0.5, 2.0))


async def transaction_times_out(run: Run, random: Random) -> None:  # noqa: ARG001 - an Act is given its random source
    """Kafka's answers stop, so a transaction stands open; the relay is stopped until Kafka has ended it."""
    proxy = run.plant.gaps.relay_kafka
    proxy.silence()
    await asyncio.sleep(2.0)
    pids = targets(run, "relay")
    send_signal(pids, signal.SIGSTOP)
    proxy.mend()
    try:
        await asyncio.sleep(TRANSACTION_SECONDS)
    finally:
        send_signal(pids, signal.SIGCONT)


async def failover(run: Run, random: Random) -> None:
    """PostgreSQL stops at once without a checkpoint, and recovers from its log; a backend is killed before."""
    backends = [pid for pid in family(targets(run, "postgres")) if pid not in targets(run, "postgres")]
    send_signal([random.choice(backends)], signal.SIGKILL)
    await asyncio.sleep(random.uniform(1.0, 2.0))
    send_signal(targets(run, "postgres"), signal.SIGQUIT)
    await asyncio.sleep(1.0)


def _proxy(run: Run, gap: str) -> Proxy:
    return run.plant.gaps.all()[gap]


def name_of(run: Run, part: str) -> str:
    """The present name of a part: the intake has another one after a rolling upgrade."""
    return next(name for name in run.plant.parts if name.startswith(part))
