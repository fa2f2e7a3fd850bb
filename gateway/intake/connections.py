"""Which connections are held, counted by the client's address: a flood of new ones takes no place from others."""

from collections import Counter

from gateway.intake.settings import Bounds
from gateway.intake.turns import network_of


class Connections:
    """The connections of one server: so many in all, so many of one address, and so many that read why they are none.

    What is refused holds no place, so that whoever opens connections without end fills nothing but his own share.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._by_address: Counter[str] = Counter()
        self._held = 0
        self._refused = 0

    def take(self, address: str, *, shared: bool) -> bool:
        """Takes a place, to be given back by `leave`; False where there is none for that address.

        `shared` is a reverse proxy's address: it stands for many clients, and only the places of all bound it.
        """
        network = network_of(address)
        if self._held >= self._bounds.connections:
            return False
        if not shared and self._by_address[network] >= self._bounds.address_connections:
            return False
        self._by_address[network] += 1
        self._held += 1
        return True

    def leave(self, address: str) -> None:
        """Gives back a place that was taken."""
        network = network_of(address)
        self._by_address[network] -= 1
        if not self._by_address[network]:
            del self._by_address[network]
        self._held -= 1

    def refuse(self) -> bool:
        """True where one that is refused may still read why, until `refused` is called; False where too many do."""
        if self._refused >= self._bounds.connections_refused:
            return False
        self._refused += 1
        return True

    def refused(self) -> None:
        """One that was refused is gone."""
        self._refused -= 1
