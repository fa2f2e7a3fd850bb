"""How the demo shows things: headings, and waiting for what must happen."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from gateway.errors import GatewayError


class DemoFailed(GatewayError):
    """Something did not happen as it should have; the demo stops and says what."""

    code = "demo-failed"


def head(title: str) -> None:
    """A heading of the demo."""
    width = shutil.get_terminal_size().columns
    click.echo(f"\n{title}\n{'-' * min(len(title), width)}")


@asynccontextmanager
async def within(seconds: float, otherwise: str) -> AsyncIterator[None]:
    """Raises DemoFailed with the reason when what is inside takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DemoFailed(f"{otherwise} within {seconds:.0f} seconds") from error
