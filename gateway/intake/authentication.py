"""Who asks: the entity that signed the bearer token with the key of one of its enrolled certificates."""

from datetime import datetime

from starlette.requests import Request

from gateway.intake.door import peer_of
from gateway.intake.refusals import CredentialsRefused
from gateway.intake.services import Services
from gateway.sealing.refusals import TokenRefused
from gateway.sealing.tokens import LARGEST_TOKEN, Bearer, FindCertificate, TokenRules, verify_bearer

_SCHEME = "bearer"


def reader_of(request: Request, services: Services) -> str:
    """The identifier of the entity that reads; raises CredentialsRefused. A suspended one may read its own."""
    return bearer_of(request, services, services.senders.certificate).identifier


async def changer_of(request: Request, services: Services) -> str:
    """The identifier of the entity that changes something; raises CredentialsRefused.

    A token with a `jti` does so once, on whichever replica: `replayed` afterwards.
    """
    bearer = bearer_of(request, services, services.senders.certificate)
    await spend(bearer, services)
    return bearer.identifier


def bearer_of(request: Request, services: Services, find_certificate: FindCertificate) -> Bearer:
    """Who made the one token of the request; raises CredentialsRefused."""
    now = services.clock()
    bearer = _bearer_of(request, services, find_certificate, now)
    if services.settings.door.client_certificates:
        peer = find_certificate(peer_of(request.scope) or "")
        if peer is None or peer[0] != bearer.identifier:
            raise CredentialsRefused("connection")
    found = find_certificate(bearer.fingerprint)
    if found is not None and services.revocations.is_revoked(bearer.fingerprint, found[1], now):
        raise CredentialsRefused("certificate-revoked")
    return bearer


def witness_of(request: Request, services: Services) -> str:
    """The `kid` of the witness that asks; raises CredentialsRefused.

    Its token is like an entity's, `iss` its `kid`. Its certificate is told to the gateway and stands in no directory:
    where the door wants client certificates of those enrolled, none is asked of it.
    """
    return _bearer_of(request, services, services.witness_certificates.get, services.clock()).identifier


def _bearer_of(request: Request, services: Services, find_certificate: FindCertificate, now: datetime) -> Bearer:
    bounds = services.settings.bounds
    rules = TokenRules(services.settings.public_urls, bounds.token_seconds, bounds.token_skew_seconds)
    try:
        return verify_bearer(_token_in(request), rules, now, find_certificate)
    except TokenRefused as refused:
        raise CredentialsRefused(refused.reason) from refused


async def spend(bearer: Bearer, services: Services) -> None:
    """Uses up the token's `jti`, where it has one; raises CredentialsRefused when it was used before."""
    if bearer.token_id is None:
        return
    now = services.clock()
    if not await services.identity.spent_tokens.spend(bearer.fingerprint, bearer.token_id, bearer.spent_until, now):
        raise CredentialsRefused("replayed")


def _token_in(request: Request) -> str:
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        raise CredentialsRefused("missing" if not values else "malformed")
    scheme, _, token = values[0].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != _SCHEME or not token or len(token) > LARGEST_TOKEN:
        raise CredentialsRefused("malformed")
    return token
