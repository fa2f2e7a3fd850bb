"""How somebody of the FMA is let in: a token, the right of the role, a purpose, and the audit log before anything."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from gateway.intake.authentication import bearer_of, spend
from gateway.intake.refusals import CredentialsRefused, PurposeMissing, RightMissing
from gateway.intake.rights import rights
from gateway.intake.services import Services
from gateway.journal import Actor, Channel, Deed

SHORTEST_PURPOSE, LONGEST_PURPOSE = 5, 300
_NOTHING: Mapping[str, Any] = {}


class Admission:
    """Lets people in, each time anew; what they do is written down durably before it is done, refusals too."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def to_read(
        self, request: Request, route: str, action: str, subject: str, detail: Mapping[str, Any] = _NOTHING
    ) -> Actor:
        """Who reads. Raises CredentialsRefused, RightMissing, PurposeMissing; Unavailable where nothing can be noted.

        `route` is the method and the template as rights.toml has them, `detail` what exactly is asked for.
        """
        actor = await self._actor(request, route, action, subject)
        await self._services.identity.audit.append(Deed(actor, action, subject, self._services.clock(), detail))
        return actor

    async def to_change(self, request: Request, route: str, action: str, subject: str) -> Actor:
        """Who changes something, by a token whose `jti` is used up by it; who changes notes it with the change.

        Raises what `to_read` does.
        """
        actor = await self._actor(request, route, action, subject)
        bearer = bearer_of(request, self._services, self._services.identity.people.certificate)
        if bearer.token_id is None:
            raise CredentialsRefused("token-id-missing")
        await spend(bearer, self._services)
        return actor

    async def _actor(self, request: Request, route: str, action: str, subject: str) -> Actor:
        people = self._services.identity.people
        person = people.by_id(bearer_of(request, self._services, people.certificate).identifier)
        if person is None or not person.active:
            raise CredentialsRefused("unknown-certificate")
        right = rights().routes[route]
        if not rights().allows(person.role, right):
            actor = Actor(person.id, person.role.value, Channel.HTTP)
            deed = Deed(actor, "refused", subject, self._services.clock(), {"action": action, "right": right})
            await self._services.identity.audit.append(deed)
            raise RightMissing(right=right)
        return Actor(person.id, person.role.value, Channel.HTTP, purpose_in(request))


def purpose_in(request: Request) -> str:
    """The purpose that the header `Purpose` states; raises PurposeMissing."""
    values = request.headers.getlist("purpose")
    try:
        purpose = unquote_to_bytes(values[0].encode("latin-1")).decode("utf-8").strip() if len(values) == 1 else ""
    except UnicodeDecodeError:
        purpose = ""
    if not SHORTEST_PURPOSE <= len(purpose) <= LONGEST_PURPOSE or not purpose.isprintable():
        raise PurposeMissing
    return purpose
