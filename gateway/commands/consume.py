"""`gateway consume`: verified events from the topics, one line each."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.bus.connecting import Endpoint
from gateway.commands.common import directory_option, json_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.consumer import Event, KeySet, subscribe
from gateway.settings import READER, read_settings

BROKEN = 4


@click.command()
@click.argument("topics", nargs=-1, required=True)
@click.option("--bootstrap", metavar="HOST:PORT", help="Kafka; by default the local stack's, or the environment's.")
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest event instead of the next one.")
@click.option("--until-end", is_flag=True, help="End at what is committed now instead of waiting for more.")
@click.option("--group", help="Go on where this consumer group left off, and commit what was printed.")
@jwks_option
@directory_option
@json_option
def consume(
    topics: tuple[str, ...],
    bootstrap: str | None,
    from_beginning: bool,
    until_end: bool,
    group: str | None,
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Reads topics as an analyst's program does: committed events alone, each with its seal verified.

    With --json one object a line: topic, partition, offset, key, headers, value, seal (`valid` or why not).
    Exit status: 0 all seals hold, 4 one does not.
    """
    settings = read_settings(os.environ, directory)
    server = settings.bootstrap(READER, bootstrap)
    reading = _consume(topics, server, trusted_keys(settings, jwks), as_json, (from_beginning, until_end), group)
    try:
        broken = asyncio.run(reading)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(BROKEN if broken else 0)


async def _consume(
    topics: Sequence[str], bootstrap: Endpoint, keys: KeySet, as_json: bool, span: tuple[bool, bool], group: str | None
) -> int:
    broken = 0
    from_beginning, until_end = span
    subscription = subscribe(
        topics,
        bootstrap=bootstrap,
        keys=keys,
        group=group,
        from_beginning=from_beginning,
        until_end=until_end,
        on_broken="yield",
    )
    async with subscription:
        async for event in subscription:
            click.echo(_json_line(event) if as_json else _line(event))
            broken += event.seal != "valid"
        if group is not None:
            await subscription.commit()
    return broken


def _json_line(event: Event) -> str:
    return json.dumps(
        {
            "topic": event.topic,
            "partition": event.partition,
            "offset": event.offset,
            "key": event.key,
            "headers": dict(event.headers),
            "value": event.value,
            "seal": event.seal,
        },
        ensure_ascii=False,
    )


def _line(event: Event) -> str:
    facts = event.value
    told = " ".join(str(facts[name]) for name in ("verdict", "document", "received_at") if facts.get(name))
    if not told:
        told = f"{event.headers.get('ce_type', 'no type')} {event.headers.get('ce_time', '')}"
    return f"{event.topic}/{event.partition}@{event.offset}  {event.key}  seal {event.seal}  {told}"
