"""Two ledgers: one intake, a relay and an overseer for each, one log to verify, one set of topics."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path

import httpx

from gateway.bus.positions import read_position
from gateway.bus.publisher import TransactionalPublisher
from gateway.bus.topics import apply_topics
from gateway.intake.app import create_app
from gateway.intake.opening import open_services
from gateway.intake.services import Services
from gateway.journal import Journal, migrate, verify_journal
from gateway.journal.oversight.store import OversightStore
from gateway.overseer import Judging, Overseer
from gateway.oversight.parameters import due_rules, parameters
from gateway.relay import Relay
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.receipts import read_receipt
from tests.bus.kit import Topics, make_topics, read_with_librdkafka, until
from tests.e2e.kit import TOPICS
from tests.intake.conftest import kafka_answers
from tests.intake.kit import URL, XML, World, make_world
from tests.journal.support import run

LEDGERS, MESSAGES = 2, 4


async def add_bank_of(ledger: int, world: World, journal: Journal) -> str:
    """Enrols a bank whose messages fall into this ledger."""
    for number in count():
        label = f"bank {number}"
        if journal.ledger_of(world.add(label, "011").identifier) == ledger:
            await world.enrol(label)
            return label
    raise AssertionError


def followers(services: Services, ledger: int, bootstrap: str, topics: Topics) -> tuple[Relay, Overseer]:
    dsn, judging = services.settings.database_url, Judging(parameters(), due_rules())
    store = OversightStore(dsn, ledger, judging.parameters, judging.rules)
    publisher = TransactionalPublisher(
        bootstrap, f"{topics.positions}-{ledger}", ledger, positions_topic=topics.positions
    )
    relay = Relay(services.journal, publisher, ledger, checkpoints_topic=topics.checkpoints)
    return relay, Overseer(services.journal, store, services.keys, judging, ledger)


def have_reached(relay: Relay, overseer: Overseer) -> bool:
    return relay.position is not None and min(relay.position.seq, overseer.position) >= MESSAGES


async def test_two_ledgers_are_filed_published_overseen_and_verified_side_by_side(
    kafka_bootstrap: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    dsn = new_database()
    await migrate(dsn, ledgers=LEDGERS)
    world = await make_world(dsn, tmp_path)
    async with Journal(dsn) as journal:
        labels = [await add_bank_of(ledger, world, journal) for ledger in range(LEDGERS)]
    topics = await make_topics(kafka_bootstrap, positions=2)
    await apply_topics(kafka_bootstrap)
    async with AsyncExitStack() as parts:
        services = await parts.enter_async_context(open_services(world.settings, kafka_check=kafka_answers))
        transport = httpx.ASGITransport(create_app(services))
        client = await parts.enter_async_context(httpx.AsyncClient(transport=transport, base_url=URL))
        running = [followers(services, ledger, kafka_bootstrap, topics) for ledger in range(LEDGERS)]
        tasks = [asyncio.create_task(follower.run()) for pair in running for follower in pair]
        bodies = [world.message(label) for label in labels for _ in range(MESSAGES)]
        answers = await asyncio.gather(*(client.post("/v1/messages", content=body, headers=XML) for body in bodies))
        assert {answer.status_code for answer in answers} == {201}
        again = await asyncio.gather(*(client.post("/v1/messages", content=body, headers=XML) for body in bodies))
        assert [each.json()["receipt"] for each in again] == [each.json()["receipt"] for each in answers]
        for relay, overseer in running:
            await until(partial(have_reached, relay, overseer))
            relay.stop()
            overseer.stop()
        await asyncio.gather(*tasks)
    for ledger in range(LEDGERS):
        position = await read_position(kafka_bootstrap, ledger, topics.positions)
        assert position is not None
        assert position.seq == (await run(dsn, "SELECT seq FROM ledgers WHERE ledger = $1", ledger))[0]["seq"]
    seen = [each for topic in TOPICS for each in read_with_librdkafka(kafka_bootstrap, topic)]
    senders = {world[label].identifier for label in labels}
    published = sorted(each.headers["ce_id"].decode() for each in seen if each.key in senders)
    assert published == sorted(each.json()["id"] for each in answers)
    keys = services.keyset
    report = await verify_journal(dsn, partial(read_receipt, keys=keys), partial(read_checkpoint, keys=keys))
    assert (report.intact, report.ledgers, report.entries >= LEDGERS * MESSAGES) == (True, LEDGERS, True)
