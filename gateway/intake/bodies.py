"""Bodies read from the network: bounded in bytes, in seconds, and in what all of them hold together."""

import asyncio

from starlette.requests import Request

from gateway.intake.gates import Hold
from gateway.intake.negotiation import XML_TYPES, essence
from gateway.intake.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    ContentEncodingRefused,
    MediaTypeRefused,
)


def require_xml(request: Request) -> None:
    """Raises MediaTypeRefused or ContentEncodingRefused unless the headers announce plain XML.

    The parameter `charset` is left to the document: its own declaration and BOM decide.
    """
    if essence(request.headers.get("content-type", "")) not in XML_TYPES:
        raise MediaTypeRefused
    encodings = request.headers.get("content-encoding", "identity").lower().split(",")
    if any(encoding.strip() not in ("identity", "") for encoding in encodings):
        raise ContentEncodingRefused


async def read_body(request: Request, most_bytes: int, seconds: float, hold: Hold) -> bytes:
    """The exact bytes of the body; every byte kept is taken from `hold` as it comes.

    Raises BodyTooLarge (at once where Content-Length tells), BodyTooSlow, Busy, and starlette's ClientDisconnect.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > most_bytes:
        raise BodyTooLarge(limit=most_bytes)
    chunks: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                length += len(chunk)
                if length > most_bytes:
                    raise BodyTooLarge(limit=most_bytes)
                hold.take(len(chunk))
                chunks.append(chunk)
    except TimeoutError as error:
        raise BodyTooSlow(seconds=seconds) from error
    return b"".join(chunks)
