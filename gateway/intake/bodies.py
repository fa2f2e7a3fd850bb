"""Bodies read from the network: bounded in bytes, in seconds, and in what all of them hold together."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request

from gateway.intake.gates import Hold
from gateway.intake.negotiation import XML_TYPES, essence
from gateway.intake.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    ContentEncodingRefused,
    MediaTypeRefused,
)
from gateway.intake.settings import Bounds
from gateway.intake.spool import SpoolFile


def require_xml(request: Request) -> None:
    """Raises MediaTypeRefused or ContentEncodingRefused unless the headers announce plain XML.

    The parameter `charset` is left to the document: its own declaration and BOM decide.
    """
    if essence(request.headers.get("content-type", "")) not in XML_TYPES:
        raise MediaTypeRefused
    encodings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    if any(encoding.strip() not in ("identity", "") for encoding in encodings):
        raise ContentEncodingRefused


async def read_body(request: Request, most_bytes: int, seconds: float, hold: Hold) -> bytes:
    """The exact bytes of the body; every byte kept is taken from `hold` as it comes.

    Raises BodyTooLarge (at once where Content-Length tells), BodyTooSlow, Busy, and starlette's ClientDisconnect.
    """
    if _announced(request) > most_bytes:
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


async def take_body(request: Request, bounds: Bounds, hold: Hold, begin: Callable[[], SpoolFile]) -> bytes | SpoolFile:
    """The exact bytes of the body; one of more than `body_bytes` goes into the file that `begin` gives.

    A short one must be complete in `body_seconds`, a long one has a second more for every `large_rate_bytes` that
    came. Raises what `read_body` raises, and what `begin` does.
    """
    most, chunks, length, file = bounds.large_body_bytes, list[bytes](), 0, None
    began = asyncio.get_running_loop().time()
    announced = _announced(request)
    if announced > most:
        raise BodyTooLarge(limit=most)
    if announced > bounds.body_bytes:
        file = begin()
    try:
        async with asyncio.timeout(bounds.body_seconds) as patience:
            async for chunk in request.stream():
                length += len(chunk)
                if file is None and length <= bounds.body_bytes:
                    hold.take(len(chunk))
                    chunks.append(chunk)
                    continue
                if length > most:
                    raise BodyTooLarge(limit=most)
                if file is None:
                    file = begin()
                    await file.add(b"".join(chunks))
                    chunks.clear()
                    hold.release()
                await file.add(chunk)
                patience.reschedule(began + bounds.body_seconds + length / bounds.large_rate_bytes)
    except TimeoutError as error:
        raise BodyTooSlow(seconds=bounds.body_seconds) from error
    return file or b"".join(chunks)


def _announced(request: Request) -> int:
    """The length that the headers tell, 0 where they tell none."""
    announced = request.headers.get("content-length", "")
    return int(announced[:20]) if announced.isascii() and announced.isdigit() else 0
