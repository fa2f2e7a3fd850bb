"""Who acts at the command line, as the audit log is told."""

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from gateway.journal import Actor, AuditLog, Deed, Directory, People
from gateway.settings import Settings, read_settings

T = TypeVar("T")

purpose_option = click.option("--purpose", default="", help="Why; it goes into the audit log.")


def actor_of(settings: Settings, purpose: str = "") -> Actor:
    """The person that GATEWAY_PERSON names and the user of the operating system; the latter alone where it names none.

    Nobody is asked to prove it here: who may run these commands holds the database's password already.
    """
    user = system_user()
    return Actor(f"{settings.person} ({user})" if settings.person else user, purpose=purpose)


def system_user() -> str:
    """The operating system's name of who runs this process, never a variable that anybody may set; else the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def ask_directory(place: Path | None, purpose: str, question: Callable[[Directory], Awaitable[T]]) -> T:
    """What the directory answers; changes are written down as this command's."""
    settings = read_settings(os.environ, place)

    async def ask() -> T:
        async with Directory(settings.database(), actor_of(settings, purpose)) as those:
            return await question(those)

    return asyncio.run(ask())


def ask_people(place: Path | None, purpose: str, question: Callable[[People], Awaitable[T]]) -> T:
    """What the register of people answers; changes are written down as this command's."""
    settings = read_settings(os.environ, place)

    async def ask() -> T:
        async with People(settings.database(), actor_of(settings, purpose)) as those:
            return await question(those)

    return asyncio.run(ask())


def note_reading(settings: Settings, action: str, subject: str, purpose: str = "") -> None:
    """Writes down, durably, what is about to be read. Raises Unavailable."""
    deed = Deed(actor_of(settings, purpose), action, subject, datetime.now(UTC))

    async def note() -> None:
        async with AuditLog(settings.database()) as log:
            await log.append(deed)

    asyncio.run(note())
