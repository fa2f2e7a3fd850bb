"""The gateway's keys in one process: the one that seals now, those that will, and all whose seals are believed."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog
from cryptography import x509

from gateway.errors import ConfigurationError
from gateway.keyhistory import KeyHistory, KeyState
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import JoseAlgorithm, KeyHolder, LocalKeyHolder, jwk_of_certificate

KEY_NAME = "gateway-{kid}.key.pem"
CERTIFICATE_NAME = "gateway-{kid}.certificate.pem"
_KID = re.compile(r"[A-Za-z0-9_-]{43}")
_ORDER = (KeyState.CURRENT, KeyState.NEXT, KeyState.RETIRED, KeyState.COMPROMISED)

log = structlog.get_logger(__name__)


class KeySource(Protocol):
    """Where private keys are found: a directory, a token."""

    def find(self, kid: str, certificate: bytes) -> KeyHolder | None:
        """The holder of that key, None where it is not here; raises ConfigurationError where it can't be used."""


class KeyDirectory:
    """Private keys as files of one directory, named by their `kid`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, kid: str, certificate: bytes) -> KeyHolder | None:
        """The key of `gateway-<kid>.key.pem`; None where there is no such file."""
        path = self._directory / KEY_NAME.format(kid=kid)
        if not _KID.fullmatch(kid) or not path.exists():
            return None
        return LocalKeyHolder.load_with(path, certificate)


class Keyring:
    """A KeyHolder that is always the key which seals now; `take` is told the history of keys each moment.

    A key that is to seal and is not here does not stop the process: the one before goes on sealing (its seals are as
    good), `missing` names the other, and readiness tells. `sign` begins with the key whose `kid` was last read in the
    same step of the event loop: between reading `kid` and calling `sign` callers must not wait.
    """

    def __init__(self, first: KeyHolder, source: KeySource) -> None:
        self._holders: dict[str, KeyHolder] = {first.kid: first}
        self._sealing = first
        self._source = source
        self.missing: frozenset[str] = frozenset()
        self.keyset = KeySet.of(first)

    @property
    def kid(self) -> str:
        return self._sealing.kid

    @property
    def algorithm(self) -> JoseAlgorithm:
        return self._sealing.algorithm

    @property
    def certificate(self) -> bytes:
        return self._sealing.certificate

    async def sign(self, message: bytes) -> bytes:
        """The raw signature by the key that seals now."""
        return await self._sealing.sign(message)

    def take(self, history: KeyHistory, now: datetime) -> None:
        """Believes every key of the history, gets the coming ones ready, and seals with the current one."""
        self.keyset.learn(history.certificate(kid) for kid in history.kids if kid not in self.keyset)
        current = history.current(now)
        wanted = [kid for kid in history.kids if history.state(kid, now) is KeyState.NEXT]
        wanted += [current] if current is not None else []
        missing = frozenset(kid for kid in wanted if self._ready(kid, history) is None)
        for kid in missing - self.missing:
            log.error("keys.missing", kid=kid, state=history.state(kid, now).value)
        self.missing = missing
        if current in self._holders and current != self._sealing.kid:
            log.info("keys.sealing", kid=current, before=self._sealing.kid)
            self._sealing = self._holders[current]

    def _ready(self, kid: str, history: KeyHistory) -> KeyHolder | None:
        if kid not in self._holders:
            try:
                found = self._source.find(kid, history.certificate(kid))
            except ConfigurationError as error:
                if kid not in self.missing:
                    log.error("keys.unusable", kid=kid, why=str(error))  # noqa: TRY400 - the trace tells no more
                return None
            if found is None:
                return None
            self._holders[kid] = found
        return self._holders[kid]


def history_jwks(history: KeyHistory, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """The JWKS of every key the gateway ever sealed with, or will: the current first.

    `nbf` and `exp` are the certificate's validity, `sealing_from` and `retired_at` the key's, seconds since 1970;
    `state` is `next`, `current`, `retired` or `compromised`; `revoked` is as OpenID Federation's historical keys have
    it.
    """
    kids = sorted(history.kids, key=lambda kid: _ORDER.index(history.state(kid, now)))
    return {"keys": [{**_published(history, kid, now)} for kid in kids]}


def known_certificates(directory: Path, named: Path) -> Iterator[bytes]:
    """The gateway's certificates that are kept as files: the named one, and those of keys beside it."""
    if named.exists():
        yield named.read_bytes()
    for path in sorted(directory.glob(CERTIFICATE_NAME.format(kid="*"))):
        yield path.read_bytes()


def _published(history: KeyHistory, kid: str, now: datetime) -> Mapping[str, Any]:
    pem = history.certificate(kid)
    validity = x509.load_pem_x509_certificates(pem)[0]
    members: dict[str, Any] = {
        **jwk_of_certificate(pem),
        "state": history.state(kid, now).value,
        "nbf": int(validity.not_valid_before_utc.timestamp()),
        "exp": int(validity.not_valid_after_utc.timestamp()),
    }
    for name, state in (("sealing_from", KeyState.CURRENT), ("retired_at", KeyState.RETIRED)):
        moment = history.moment(kid, state)
        if moment is not None:
            members[name] = int(moment.timestamp())
    revoked = history.compromised_at(kid)
    if revoked is not None:
        members["revoked"] = {"revoked_at": int(revoked.timestamp()), "reason": "compromised"}
    return members
