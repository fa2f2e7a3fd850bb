"""The key ring of a process that seals, kept up with the history of keys while it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import ConfigurationError
from gateway.journal import KeyHistoryCopy, KeyRegister
from gateway.keyhistory import Decision, KeyHistory
from gateway.sealing.keyring import Keyring, KeySource
from gateway.sealing.keys import KeyHolder

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
async def open_keychain(
    dsn: str, source: KeySource, configured: Callable[[], KeyHolder], clock: Callable[[], datetime]
) -> AsyncIterator[Keychain]:
    """The ring of the keys of this database's history, followed until the end.

    It begins with the history's current key where `source` has it, else with the configured one, which begins the
    history where there is none. Raises ConfigurationError where the configured key was never announced, Unavailable.
    """
    async with AsyncExitStack() as stack:
        register = await stack.enter_async_context(KeyRegister(dsn))
        first = _first(await register.history(), source, configured, clock())
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


def _first(history: KeyHistory, source: KeySource, configured: Callable[[], KeyHolder], now: datetime) -> KeyHolder:
    current = history.current(now)
    found = source.find(current, history.certificate(current)) if current is not None else None
    return found or configured()
