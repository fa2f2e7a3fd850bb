"""Keys that never leave a token (PKCS #11): a hardware module, or SoftHSM where there is none.

Imported only where a token is configured, since the library is an extra of the package (`hsm`).
"""

import asyncio
import hashlib
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pkcs11
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11.util.ec import encode_ec_public_key

from gateway.errors import ConfigurationError, Unavailable
from gateway.sealing.keys import JoseAlgorithm, TokenSettings, algorithm_of, public_key_of, thumbprint_of

T = TypeVar("T")
_PIN_REFUSED = (
    pkcs11.exceptions.PinIncorrect,
    pkcs11.exceptions.PinInvalid,
    pkcs11.exceptions.PinLenRange,
    pkcs11.exceptions.PinLocked,
    pkcs11.exceptions.PinExpired,
)
_SIGNATURE_BYTES = 64

log = structlog.get_logger(__name__)


class Token:
    """One token and one session with it, in a thread of its own; a context manager, and a source of keys.

    A session that is lost (the module was restarted, the card was out) is opened anew and logged in once a call. A PIN
    that the token refuses is never tried a second time, for tokens lock themselves.
    """

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pkcs11")
        self._session: Any = None
        self._keys: dict[str, Any] = {}
        self._refused: str | None = None

    def __enter__(self) -> Self:
        """Logs in; raises ConfigurationError where module, token or PIN are wrong."""
        try:
            self._thread.submit(self._open).result()
        except Unavailable as error:
            self._thread.shutdown()
            raise ConfigurationError(str(error)) from error
        except ConfigurationError:
            self._thread.shutdown()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def find(self, kid: str, certificate: bytes) -> "TokenKeyHolder | None":
        """The holder of the key of that certificate, None where the token does not have it.

        Raises ConfigurationError where the key is not of P-256, or the token does not answer.
        """
        key = public_key_of(certificate)
        if algorithm_of(key) != "ES256":
            raise ConfigurationError("a key on a token is of P-256; this certificate's is not")
        if thumbprint_of(key) != kid:
            raise ConfigurationError(f"the certificate is not that of the key {kid}")
        try:
            held = self._thread.submit(self._steadily, lambda: self._private_key(kid)).result()
        except Unavailable as error:
            raise ConfigurationError(str(error)) from error
        return None if held is None else TokenKeyHolder(self, kid, certificate)

    async def sign(self, kid: str, message: bytes) -> bytes:
        """The value r || s over SHA-256 of the message, made on the token; raises Unavailable."""
        digest = hashlib.sha256(message).digest()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._sign, kid, digest)

    def _sign(self, kid: str, digest: bytes) -> bytes:
        def sign() -> bytes:
            key = self._private_key(kid)
            if key is None:
                raise Unavailable(f"the token {self._settings.token!r} has the key {kid} no more")
            return bytes(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))

        value = self._steadily(sign)
        if len(value) != _SIGNATURE_BYTES:
            raise Unavailable(f"the token {self._settings.token!r} gave a signature of {len(value)} bytes")
        return value

    def _steadily(self, work: Callable[[], T]) -> T:
        """Does it in the session; where that is lost, once more in a new one."""
        try:
            if self._session is not None:
                return work()
        except pkcs11.PKCS11Error as error:
            log.warning("token.session_lost", token=self._settings.token, error=type(error).__name__)
        self._close()
        self._open()
        try:
            return work()
        except pkcs11.PKCS11Error as error:
            raise self._away(error) from error

    def _open(self) -> None:
        if self._refused is not None:
            raise Unavailable(
                f"the token {self._settings.token!r} refused the PIN ({self._refused}); it is not retried"
            )
        try:
            library = pkcs11.lib(str(self._settings.module))
        except RuntimeError as error:
            raise ConfigurationError(f"{self._settings.module} is no PKCS #11 module: {error}") from error
        try:
            library.reinitialize()
            token = library.get_token(token_label=self._settings.token)
            self._session = token.open(user_pin=_pin(self._settings.pin_file))
        except _PIN_REFUSED as error:
            self._refused = type(error).__name__
            raise Unavailable(f"the token {self._settings.token!r} refuses the PIN ({self._refused})") from error
        except pkcs11.NoSuchToken as error:
            raise Unavailable(f"{self._settings.module} has no token {self._settings.token!r}") from error
        except pkcs11.PKCS11Error as error:
            raise self._away(error) from error

    def _close(self) -> None:
        session, self._session = self._session, None
        self._keys.clear()
        if session is not None:
            try:
                session.close()
            except pkcs11.PKCS11Error as error:
                log.info("token.session_gone", token=self._settings.token, error=type(error).__name__)

    def _private_key(self, kid: str) -> Any:
        """The private key whose public half has this thumbprint; both halves bear the same CKA_ID."""
        if kid not in self._keys:
            wanted = {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
                pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC,
            }
            for public in list(self._session.get_objects(wanted)):
                key = load_der_public_key(encode_ec_public_key(public))
                if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
                    found = thumbprint_of(key)
                    self._keys[found] = self._session.get_key(
                        object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=public[pkcs11.Attribute.ID]
                    )
        return self._keys.get(kid)

    def _away(self, error: Exception) -> Unavailable:
        return Unavailable(f"the token {self._settings.token!r} does not answer ({type(error).__name__})")


class TokenKeyHolder:
    """A P-256 key on a token, behind the same protocol as a local one; signatures are made off the event loop."""

    def __init__(self, token: Token, kid: str, certificate: bytes) -> None:
        self._token = token
        self._kid = kid
        self._certificate = certificate

    @property
    def kid(self) -> str:
        return self._kid

    @property
    def algorithm(self) -> JoseAlgorithm:
        return "ES256"

    @property
    def certificate(self) -> bytes:
        return self._certificate

    async def sign(self, message: bytes) -> bytes:
        """The raw signature; raises Unavailable where the token does not answer."""
        return await self._token.sign(self._kid, message)


def _pin(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        pin = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"{path}: others may read this PIN (mode {stat.S_IMODE(mode):o}); run: chmod 600 {path}"
        )
    return pin
