"""The public keys whose seals a reader believes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.errors import ConfigurationError, Unavailable
from gateway.sealing.jws import KeySet

FETCH_SECONDS = 10.0
LARGEST_JWKS = 1 << 20


def load_keys(source: Path | Mapping[str, Any] | bytes | str) -> KeySet:
    """The keys of a JWKS, given as its JSON, as the parsed object, or as a file's path.

    Raises ConfigurationError when the file can't be read or holds no JWKS.
    """
    if not isinstance(source, Path):
        return KeySet.from_jwks(source)
    try:
        return KeySet.from_jwks(source.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{source} can't be read: {error.strerror}") from error


async def fetch_keys(url: str, client: httpx.AsyncClient | None = None) -> KeySet:
    """The keys that a gateway publishes; `url` is that of the JWKS (`.../.well-known/jwks.json`).

    Whoever answers there is believed, so let it be an https URL, or keep the JWKS in a file. Raises Unavailable when
    nothing or no success is answered, ConfigurationError when it is no JWKS.
    """
    if client is None:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS) as own:
            return await fetch_keys(url, own)
    try:
        response = await client.get(url, headers={"Accept": "application/json"})
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(f"{url}: no keys were answered ({type(error).__name__})") from error
    if len(response.content) > LARGEST_JWKS:
        raise ConfigurationError(f"{url}: {len(response.content)} bytes are no JWKS")
    return KeySet.from_jwks(response.content)
