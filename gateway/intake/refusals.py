"""What the HTTP edge itself refuses, before or after the pipeline is asked."""

from collections.abc import Mapping

from gateway.errors import GatewayError, Unavailable
from validators.model import NOTHING


class HttpRefused(GatewayError):
    """A request that the edge does not take; `parameters` fill the text of the problem catalogue."""

    headers: Mapping[str, str] = NOTHING

    def __init__(self, **parameters: object) -> None:
        super().__init__(type(self).code)
        self.parameters = {name: str(value) for name, value in parameters.items()}


class MediaTypeRefused(HttpRefused):
    """The Content-Type is not that of XML, or there is none."""

    code = "media-type"
    headers: Mapping[str, str] = {"Accept-Post": "application/xml, text/xml"}


class ContentEncodingRefused(HttpRefused):
    """The body is compressed or otherwise encoded."""

    code = "content-encoding"
    headers: Mapping[str, str] = {"Accept-Encoding": "identity"}


class BodyTooLarge(HttpRefused):
    """The body is longer than the limit, announced or counted."""

    code = "too-large"


class BodyTooSlow(HttpRefused):
    """The body was not complete within the time allowed."""

    code = "body-timeout"
    retriable = True


class ParameterRefused(HttpRefused):
    """A parameter of the query or of the path has a value that it can't have."""

    code = "parameter"


class CursorRefused(HttpRefused):
    """The cursor was not given out by this gateway to this reader."""

    code = "cursor"


class JsonRefused(HttpRefused):
    """The body is not JSON, or not of the shape that is expected."""

    code = "json"


class Archived(HttpRefused):
    """The bytes that are asked for were moved to an archive, and it is not mounted here."""

    code = "archived"


class NotFound(HttpRefused):
    """There is nothing of that name for this reader."""

    code = "not-found"


class CredentialsRefused(HttpRefused):
    """No bearer token was given where one is needed, or it does not hold."""

    code = "token-refused"
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="fma-gateway"'}

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class RateExceeded(HttpRefused):
    """One sender files faster than is allowed; `retry_after` says in how many seconds a place is free."""

    code = "rate-limited"
    retriable = True

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.retry_after = retry_after


class Busy(Unavailable):
    """All places, or all the memory kept for bodies, are taken at this moment; `retry_after` in seconds, if known."""

    code = "overloaded"

    def __init__(self, text: str = "all places are taken", retry_after: int | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class BadRequest(HttpRefused):
    """The request breaks the rules of HTTP."""

    code = "bad-request"


class MethodNotAllowed(HttpRefused):
    """The address exists and does not take this method; `allow` lists those that it takes."""

    code = "method-not-allowed"

    def __init__(self, allow: str = "GET") -> None:
        super().__init__()
        self.headers = {"Allow": allow}


class RightMissing(HttpRefused):
    """The person is known, and the role has not the right that the route needs."""

    code = "right-missing"


class PurposeMissing(HttpRefused):
    """No purpose was stated for reading or changing what is somebody's, or not one of the form that is needed."""

    code = "purpose-missing"
