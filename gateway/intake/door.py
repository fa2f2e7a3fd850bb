"""The certificate with which a client came, and what it opens: filing and reading for its own entity alone.

The certificate is that of the TLS connection itself, or the one that a trusted reverse proxy verified and hands on in
a header; from any other address such headers say nothing.
"""

import ssl
from collections.abc import Iterable, Mapping, MutableMapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from starlette.types import Scope

from gateway.intake.settings import DoorSettings

CERTIFICATE, VERIFIED, ADDRESS = b"x-client-certificate", b"x-client-verify", b"x-real-ip"
_PEER = "gateway.peer"


class Door:
    """Who stands at the door of one connection or request; it takes notes in the ASGI scope, where `peer_of` reads."""

    def __init__(self, settings: DoorSettings) -> None:
        self._proxies = frozenset(settings.trusted_proxies)

    def is_proxy(self, address: str) -> bool:
        """Whether that is a reverse proxy whose word is taken."""
        return address in self._proxies

    def note(self, scope: MutableMapping[str, Any], certificate: bytes | None) -> None:
        """Notes the certificate (DER) of the connection, or what a trusted proxy says in its stead."""
        client = scope.get("client")
        if client is not None and self.is_proxy(client[0]):
            told = _told(scope["headers"])
            certificate = _handed_on(told)
            address = told.get(ADDRESS, "")
            if _is_address(address):
                scope["client"] = (address, 0)
        scope[_PEER] = sha256(certificate).hexdigest() if certificate else None


def peer_of(scope: Scope) -> str | None:
    """The lower-case hex SHA-256 of the certificate with which the client came; None where there is none."""
    peer = scope.get(_PEER)
    return peer if isinstance(peer, str) else None


def certificate_of(transport: Any) -> bytes | None:
    """The client's certificate (DER) of a TLS connection, which its handshake verified; None where there is none."""
    connection = transport.get_extra_info("ssl_object")
    return connection.getpeercert(binary_form=True) if connection is not None else None


def _told(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, str]:
    """The proxy's headers, none of them where one stands twice: a proxy that adds in place of setting is not one."""
    told: dict[bytes, str] = {}
    for name, value in headers:
        if name in (CERTIFICATE, VERIFIED, ADDRESS):
            if name in told:
                return {}
            told[name] = value.decode("latin-1")
    return told


def _handed_on(told: Mapping[bytes, str]) -> bytes | None:
    if told.get(VERIFIED) != "SUCCESS":
        return None
    try:
        return ssl.PEM_cert_to_DER_cert(unquote(told.get(CERTIFICATE, "")).strip())
    except ValueError:
        return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
