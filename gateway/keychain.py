"""The key ring of a process that seals, kept up with the history of keys while it runs."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import ConfigurationError
from gateway.journal import KeyHistoryCopy, KeyRegister
from gateway.keyhistory import Decision, KeyHistory
from gateway.sealing.keyring import KeyDirectory, Keyring, KeySource
from gateway.sealing.keys import KeyHolder, KeyPlaces, LocalKeyHolder, kid_of_certificate

BY_ITSELF = "the gateway"


@dataclass(frozen=True)
class Keychain:
    """The ring, and the history that it was last told."""

    ring: Keyring
    copy: KeyHistoryCopy

    @property
    def history(self) -> KeyHistory:
        """The history as this process knows it."""
        return self.copy.history


@asynccontextmanager
async def open_keychain(dsn: str, places: KeyPlaces, clock: Callable[[], datetime]) -> AsyncIterator[Keychain]:
    """The ring of the keys of this database's history, followed until the end.

    It begins with the history's current key where that is here, else with the configured one, which begins the
    history where there is none. Raises ConfigurationError where the configured key was never announced, Unavailable.
    """
    async with AsyncExitStack() as stack:
        register = await stack.enter_async_context(KeyRegister(dsn))
        source = stack.enter_context(open_source(places))
        first = _first(await register.history(), source, places, clock())
        decision = Decision(BY_ITSELF, clock(), "first start")
        known = await register.change(lambda past: past.begin(first.kid, first.certificate.decode(), decision))
        if first.kid not in known.kids:
            raise ConfigurationError(
                f"the gateway seals with {known.current(clock())}, whose private key is not here, and the configured "
                f"key {first.kid} was never announced; `gateway keys add` announces it"
            )
        ring = Keyring(first, source)
        copy = KeyHistoryCopy(register, lambda history: ring.take(history, clock()))
        yield Keychain(ring, await stack.enter_async_context(copy))


@contextmanager
def open_source(places: KeyPlaces) -> Iterator[KeySource]:
    """Where private keys are found: on the token where one is configured, else beside the certificate file."""
    if places.token is None:
        yield KeyDirectory(places.certificate_file.parent)
        return
    try:
        from gateway.sealing.hsm import Token  # noqa: PLC0415 - its library is an extra of the package
    except ImportError as error:
        raise ConfigurationError(
            "a token is configured and the library for it is not installed; run: pip install 'fma-gateway[hsm]'"
        ) from error
    with Token(places.token) as token:
        yield token


def _first(history: KeyHistory, source: KeySource, places: KeyPlaces, now: datetime) -> KeyHolder:
    current = history.current(now)
    found = source.find(current, history.certificate(current)) if current is not None else None
    return found or _configured(source, places)


def _configured(source: KeySource, places: KeyPlaces) -> KeyHolder:
    if places.token is None:
        return LocalKeyHolder.load(places.key_file, places.certificate_file)
    try:
        certificate = places.certificate_file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
    kid = kid_of_certificate(certificate)
    found = source.find(kid, certificate)
    if found is None:
        raise ConfigurationError(f"the token {places.token.token!r} does not have the key {kid} of the certificate")
    return found
