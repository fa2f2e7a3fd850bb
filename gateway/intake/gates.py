"""Back-pressure: how much may be under way at once, and how fast one sender may file."""

import math
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gateway.intake.refusals import Busy, RateExceeded

_MOST_SENDERS = 10_000


class Gate:
    """A counter with a ceiling; taking past the ceiling raises Busy at once, nobody waits."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.taken = 0

    def take(self, amount: int) -> None:
        """Takes `amount`; raises Busy, taking nothing, where less than that is free."""
        if self.taken + amount > self.ceiling:
            raise Busy("the gate is full")
        self.taken += amount

    def give_back(self, amount: int) -> None:
        """Frees what was taken."""
        self.taken -= amount

    def hold(self, amount: int = 0) -> "Hold":
        """A context that starts by taking `amount` and frees at its end all that was taken through it."""
        return Hold(self, amount)


class SharedGate(Gate):
    """A gate of which each address may hold no more than `share` of the ceiling, so that none can fill it alone."""

    def __init__(self, ceiling: int, share: float) -> None:
        super().__init__(ceiling)
        self._most = int(ceiling * share)
        self._held: dict[str, int] = {}

    def hold_for(self, address: str) -> "Hold":
        """The same as `hold`, counted against the address too."""
        return Hold(_Share(self, address), 0)

    def change(self, address: str, amount: int) -> None:
        """Takes, or gives back what is less than nothing; raises Busy, taking nothing."""
        held = self._held.get(address, 0) + amount
        if amount > 0:
            if held > self._most:
                raise Busy("the address holds its share of the gate")
            self.take(amount)
        else:
            self.give_back(-amount)
        if held:
            self._held[address] = held
        else:
            self._held.pop(address, None)


class _Share(Gate):
    """One address's way to a shared gate."""

    def __init__(self, gate: SharedGate, address: str) -> None:
        super().__init__(gate.ceiling)
        self._gate = gate
        self._address = address

    def take(self, amount: int) -> None:
        self._gate.change(self._address, amount)

    def give_back(self, amount: int) -> None:
        self._gate.change(self._address, -amount)


class Hold:
    """What one request holds of a gate."""

    __slots__ = ("_amount", "_first", "_gate")

    def __init__(self, gate: Gate, first: int) -> None:
        self._gate = gate
        self._first = first
        self._amount = 0

    def take(self, amount: int) -> None:
        """Takes more; raises Busy."""
        self._gate.take(amount)
        self._amount += amount

    def release(self) -> None:
        """Frees all that was taken so far."""
        amount, self._amount = self._amount, 0
        self._gate.give_back(amount)

    def __enter__(self) -> Self:
        self.take(self._first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.give_back(self._amount)


class Quota:
    """A token bucket for each sender: `rate` messages a second (0: no limit), `burst` at once.

    `clock` tells seconds that only go up. The 10 000 senders seen last are remembered; who was forgotten had, or
    gets, a full bucket.
    """

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __call__(self, sender: str) -> None:
        """Counts one message of the sender; raises RateExceeded when its bucket is empty."""
        if self._rate <= 0:
            return
        now = self._clock()
        level, seen = self._buckets.pop(sender, (self._burst, now))
        level = min(self._burst, level + (now - seen) * self._rate)
        enough = level >= 1.0
        self._buckets[sender] = (level - 1.0 if enough else level, now)
        if len(self._buckets) > _MOST_SENDERS:
            self._buckets.popitem(last=False)
        if not enough:
            raise RateExceeded(max(1, math.ceil((1.0 - level) / self._rate)))
