"""Who acts at the command line, as the audit log is told."""

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from gateway.errors import GatewayError
from gateway.intake.rights import rights
from gateway.journal import Actor, AuditLog, Deed, Directory, People, PersonUnknown
from gateway.settings import Settings, read_settings

T = TypeVar("T")

purpose_option = click.option("--purpose", default="", help="Why; it goes into the audit log.")


class CommandRefused(GatewayError):
    """The role of the person whom GATEWAY_PERSON names has not the right that the command needs."""

    code = "right-missing"


@dataclass(frozen=True, slots=True)
class Command:
    """One run of a command of administration: its name as rights.toml has it, the stack or None, and the purpose."""

    name: str
    place: Path | None
    purpose: str = ""

    @property
    def settings(self) -> Settings:
        """The settings, read anew; raises ConfigurationError."""
        return read_settings(os.environ, self.place)

    async def admitted(self) -> Actor:
        """Who acts: the system's user, and the enrolled person that GATEWAY_PERSON names, with their role.

        Raises CommandRefused, which the audit log learns too, and PersonUnknown. Nobody is asked to prove who they
        are: who may run these commands holds the database's password already. Where no person is named, that is all
        the right there is, as it must be before the first person is enrolled.
        """
        settings, user = self.settings, system_user()
        if settings.person is None:
            return Actor(user, purpose=self.purpose)
        async with People(settings.database()) as people:
            person = next((each for each in await people.everybody() if each.id == settings.person), None)
        if person is None or not person.active:
            raise PersonUnknown(f"GATEWAY_PERSON names {settings.person!r}, who is not enrolled, or is suspended")
        actor = Actor(f"{person.id} ({user})", person.role.value, purpose=self.purpose)
        right = rights().commands[self.name]
        if not rights().allows(person.role, right):
            async with AuditLog(settings.database()) as log:
                await log.append(Deed(actor, "refused", self.name, datetime.now(UTC), {"right": right}))
            raise CommandRefused(f"the role {person.role.value} has not the right {right!r} that this command needs")
        return actor


def system_user() -> str:
    """The operating system's name of who runs this process, never a variable that anybody may set; else the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def ask_directory(command: Command, question: Callable[[Directory], Awaitable[T]]) -> T:
    """What the directory answers; changes are written down as this command's. Raises what `admitted` does."""

    async def ask() -> T:
        async with Directory(command.settings.database(), await command.admitted()) as those:
            return await question(those)

    return asyncio.run(ask())


def ask_people(command: Command, question: Callable[[People], Awaitable[T]]) -> T:
    """What the register of people answers; changes are written down as this command's. Raises what `admitted` does."""

    async def ask() -> T:
        async with People(command.settings.database(), await command.admitted()) as those:
            return await question(those)

    return asyncio.run(ask())


def note_reading(command: Command, action: str, subject: str) -> None:
    """Writes down, durably, what is about to be read. Raises Unavailable, and what `admitted` does."""

    async def note() -> None:
        deed = Deed(await command.admitted(), action, subject, datetime.now(UTC))
        async with AuditLog(command.settings.database()) as log:
            await log.append(deed)

    asyncio.run(note())
