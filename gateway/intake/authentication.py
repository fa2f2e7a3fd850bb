"""Who reads: the entity that signed the bearer token with the key of one of its enrolled certificates."""

from starlette.requests import Request

from gateway.intake.refusals import CredentialsRefused
from gateway.intake.services import Services
from gateway.sealing.refusals import TokenRefused
from gateway.sealing.tokens import verify_bearer

_SCHEME = "bearer"
_LONGEST = 16_384


def reader_of(request: Request, services: Services) -> str:
    """The identifier of the entity that reads; raises CredentialsRefused. A suspended one may read its own."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        raise CredentialsRefused("missing" if not values else "malformed")
    scheme, _, token = values[0].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != _SCHEME or not token or len(token) > _LONGEST:
        raise CredentialsRefused("malformed")
    try:
        return verify_bearer(token, services.settings.public_urls, services.clock(), services.senders.certificate)
    except TokenRefused as refused:
        raise CredentialsRefused(refused.reason) from refused
