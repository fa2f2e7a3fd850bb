"""Somebody of the FMA of each role, enrolled in a world, and what they send along."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import quote

from gateway.intake.services import Services
from gateway.journal import People, Person, Role
from gateway.local.people import make_person
from gateway.sealing.generation import Issued, Subject, issue
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.tokens import make_bearer
from tests.intake.kit import NOW, SINCE, URL, World

PURPOSE = "Дело 12-3: проверка"
_numbers = itertools.count()


@dataclass(frozen=True)
class Colleague:
    """A person with a key; `headers` are those of a request that states a purpose, and may change something once."""

    id: str
    role: Role
    credentials: Issued

    async def headers(self, purpose: str | None = PURPOSE, token_id: str | None = None) -> dict[str, str]:
        keys = LocalKeyHolder.from_pem(self.credentials.key, self.credentials.certificate)
        name = f"{self.id}-{next(_numbers)}" if token_id is None else token_id
        token = await make_bearer(self.id, URL, datetime.now(UTC), keys, name)
        stated = {} if purpose is None else {"Purpose": quote(purpose)}
        return {"Authorization": f"Bearer {token}", **stated}


async def enrol_colleague(world: World, services: Services, role: Role, person_id: str = "") -> Colleague:
    named = person_id or f"{role.value}.one"
    subject = Subject(named.upper(), iin=make_person(Random(named), NOW.date()).iin)
    colleague = Colleague(named, role, issue(world.authority, subject, SINCE, timedelta(days=800)))
    person = Person(named, named.title(), role, active=True, certificates=frozenset())
    async with People(world.settings.database_url) as people:
        await people.enrol(person, (colleague.credentials.certificate,), NOW)
    await services.identity.people.refresh()
    return colleague
