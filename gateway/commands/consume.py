"""`gateway consume`: verified events from the topics, one line each."""

import asyncio
import json
import os
import sys
from pathlib import Path

import click

from gateway.commands.common import directory_option, json_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.consumer import Event, RecordsGone, Subscription, subscribe
from gateway.settings import READER, read_settings

BROKEN = 4
GONE = 5


@click.command()
@click.argument("topics", nargs=-1, required=True)
@click.option("--bootstrap", metavar="HOST:PORT", help="Kafka; by default the local stack's, or the environment's.")
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest event instead of the next one.")
@click.option("--until-end", is_flag=True, help="End at what is committed now instead of waiting for more.")
@click.option(
    "--skip-gone",
    is_flag=True,
    help="Where records were deleted before they were read, say so and go on with the oldest that is left.",
)
@click.option("--group", help="Go on where this consumer group left off, and commit what was printed.")
@jwks_option
@directory_option
@json_option
def consume(
    topics: tuple[str, ...],
    bootstrap: str | None,
    from_beginning: bool,
    until_end: bool,
    skip_gone: bool,
    group: str | None,
    jwks: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Reads topics as an analyst's program does: committed events alone, each with its seal verified.

    With --json one object a line: topic, partition, offset, key, headers, value, seal (`valid` or why not).
    Exit status: 0 all seals hold, 4 one does not, 5 records were deleted before they were read (the text says which).
    """
    settings = read_settings(os.environ, directory)
    server = settings.bootstrap(READER, bootstrap)
    subscription = subscribe(
        topics,
        bootstrap=server,
        keys=trusted_keys(settings, jwks),
        group=group,
        from_beginning=from_beginning,
        until_end=until_end,
        on_broken="yield",
        skip_gone=skip_gone,
    )
    reading = _consume(subscription, as_json, commit=group is not None)
    try:
        broken = asyncio.run(reading)
    except KeyboardInterrupt:
        sys.exit(130)
    except RecordsGone as gone:
        click.echo(f"gateway: {gone}; --skip-gone goes on behind them", err=True)
        sys.exit(GONE)
    for (topic, partition), offset in subscription.gone.items():
        click.echo(f"gateway: {topic}, partition {partition}: records from offset {offset} on were deleted", err=True)
    sys.exit(BROKEN if broken else 0)


async def _consume(subscription: Subscription, as_json: bool, *, commit: bool) -> int:
    broken = 0
    async with subscription:
        async for event in subscription:
            click.echo(_json_line(event) if as_json else _line(event))
            broken += event.seal != "valid"
        if commit:
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
