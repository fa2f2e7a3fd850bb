"""How long to wait before the next attempt."""

from random import Random

SHORTEST = 0.5
LONGEST = 60.0
LONGEST_ASKED = 3_600.0


class Backoff:
    """Waits that double and are scattered, so that many agents do not come back at once."""

    def __init__(self, random: Random, shortest: float = SHORTEST, longest: float = LONGEST) -> None:
        self._random = random
        self._shortest = shortest
        self._longest = longest
        self._bound = shortest

    def reset(self) -> None:
        """After a success."""
        self._bound = self._shortest

    def next(self, asked: float | None = None) -> float:
        """Seconds to wait: half to all of the bound, and never less than the gateway asked for, up to an hour."""
        wait = self._random.uniform(self._bound / 2, self._bound)
        self._bound = min(self._bound * 2, self._longest)
        return wait if asked is None else min(asked, LONGEST_ASKED) + wait
