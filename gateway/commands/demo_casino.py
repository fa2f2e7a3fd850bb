"""The demo's casino feed: a complex loses a batch and finds it, errs, and is told of an FM-1 that is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import click
import httpx

from gateway.client import file_message
from gateway.commands.showing import DemoFailed, within
from gateway.consumer import subscribe
from gateway.local.simulation.comparison import compare, expected_obligations, expected_tickets
from gateway.local.simulation.houses import make_houses
from gateway.local.simulation.model import Account, Course, Fault, Owner, Post
from gateway.local.simulation.plan import HousePlan
from gateway.local.simulation.questions import ask, ask_all
from gateway.local.simulation.script import Script
from gateway.sealing.jws import KeySet

EVENTS = "fma.gaming.events.v1"
INTEGRITY = "fma.gaming.integrity.v1"
SEED = 2026
PLAN = HousePlan({2: (Fault.DELAY, 0), 4: (Fault.BAD_EVENT, 0), 6: (Fault.WINNINGS, 1)})
"""The second batch is overtaken by the third, the fourth holds what can't be, the sixth a prize and then its FM-1."""
PLAY = timedelta(seconds=65)
RATE = 5.0
BATCH = 40
REMARKS = {
    "batch 3": ", while batch 2 is lost on the way",
    "batch 2": ", found and sent late",
    "batch 4": " with some events that can't be",
    "batch 6": " with a large prize",
    "FM-1": " about the prize",
}
ASK_POSITION_AFTER = ("batch 1", "batch 3", "batch 2")
ASK_OBLIGATIONS_AFTER = ("batch 6", "FM-1")
READ_WITHIN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """An owner's connection to the gateway."""

    owner: Owner
    client: httpx.AsyncClient
    lang: str

    async def send(self, post: Post) -> None:
        """Files a message and shows the answer; raises DemoFailed when it is not the expected one."""
        answer = await file_message(self.client, post.body, language=self.lang)
        told = answer.facts.get("verdict") or answer.facts.get("title")
        click.echo(f"  {post.what}{REMARKS.get(post.what, '')}: {answer.status} {told}")
        items = answer.facts.get("items", ())
        for item in items:
            finding = item["findings"][0]
            click.echo(f"    event {item['number']} is refused: {finding['code']} {finding['message']}")
        if answer.status != post.expected or {int(item["number"]) for item in items} != set(post.refused):
            raise DemoFailed(f"{post.what}: {post.expected} was expected, the answer is {answer.status}")

    async def show_position(self, complex_id: str) -> None:
        """What the gateway last received, in a line."""
        told: Mapping[str, Any] = await ask(
            self.client, self.owner, f"/v1/gaming/complexes/{complex_id}/position", datetime.now(UTC)
        )
        missing = [f"{hole['what']} {hole['first']}" for hole in told["missing"]]
        click.echo(
            f"    position: all batches up to {told['last_batch']}, last event {told['last_event']}, "
            f"missing: {', '.join(missing) or 'nothing'}, open tickets: {len(told['open_tickets'])}"
        )

    async def show_obligations(self) -> None:
        """The FM-1s that are or were due, a line each."""
        for due in await ask_all(self.client, self.owner, "obligations", datetime.now(UTC)):
            click.echo(
                f"    FM-1 {due['state']}: operation {due['operation']}, player {due['player']}, "
                f"won {due['total']}, reported {due['reported']}, deadline {due['deadline']}"
            )


async def show_casino(owner: Owner, client: httpx.AsyncClient, lang: str) -> Account:
    """The feed from the registration to the end of the day; returns what came of it, which is what had to."""
    speaker = Speaker(owner, client, lang)
    house = next(make_houses([owner], 1, Random(SEED)))  # noqa: S311 - made-up houses, no secret
    start = datetime.now(UTC) - 2 * PLAY
    script = Script(house, Course(start, start + PLAY, RATE, BATCH), SEED, PLAN)
    for step in script.steps():
        if not isinstance(step, Post):
            continue
        await speaker.send(step)
        if step.what in ASK_POSITION_AFTER:
            await speaker.show_position(house.id)
        if step.what in ASK_OBLIGATIONS_AFTER:
            await speaker.show_obligations()
    await speaker.show_position(house.id)
    now = datetime.now(UTC)
    for name, expected in (
        ("tickets", expected_tickets(script.account)),
        ("obligations", expected_obligations(script.account)),
    ):
        found = compare(expected, await ask_all(client, owner, name, now))
        if not found.equal:
            raise DemoFailed(f"the {name} are not those of what went wrong: {found}")
    return script.account


async def show_analysts(kafka: str, keys: KeySet, account: Account) -> None:
    """What can be read of the feed: events, each verified alone, and what oversight noticed."""
    events = 0
    awaited = {"gap closed", "FM-1 closed"}
    async with within(READ_WITHIN_SECONDS, "not everything of the casino feed reached Kafka"):
        async for event in subscribe([EVENTS, INTEGRITY], bootstrap=kafka, keys=keys, from_beginning=True):
            if event.topic == EVENTS:
                events += 1
            elif "state" in event.value:
                told = f"{event.value.get('kind', 'FM-1')} {event.value['state']}"
                click.echo(f"  {event.topic:24} offset {event.offset}  seal {event.seal}  {told}")
                awaited.discard(told)
            if events == len(account.accepted) and not awaited:
                break
    click.echo(f"  {EVENTS:24} {events} events, the seal of each verified by its own path to the root of its batch")
