"""Whose message is next: turns that go round by address, then by the sender that a message claims, under bounds.

What a message claims is not verified yet, so it is trusted with nothing but its own place: the address comes first,
and within one address the claimed senders take turns, so that whoever makes up a thousand senders takes the turns of
nobody at another address. Within one sender's lane suspicious operations go before all others.
"""

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from starlette.requests import Request

from gateway.intake.refusals import Busy

LONGEST_WAIT = 60
LONGEST_REFUSAL = 5.0
LEAST_AT_ONCE = 64
"""So many are worked on at once however slowly: judging and group commit need some to be busy."""
_LOOKED_AT = 16_384
_COUNTED = 256
_NETWORK_BITS = 64
_LONGEST_SENDER = 256
_SUSPICIOUS = "2"
"""Field 1.5 of an FM-1: the code that every edition's parameters call suspicious, which a test holds equal."""
_MARKS = ("<Sender>", "</Sender>", f"<ReasonFilingId>{_SUSPICIOUS}</ReasonFilingId>")
_LOOKS = tuple(tuple(mark.encode(encoding) for mark in _MARKS) for encoding in ("utf-16-le", "utf-8", "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a message came from, whose it says it is, and whether it says that it tells of a suspicious operation."""

    address: str
    sender: str = ""
    urgent: bool = False


def claim_of(body: bytes, address: str) -> Claim:
    """What the first 16 KB claim, found without parsing: a look of microseconds, whatever stands there."""
    for opening, closing, urgent in _LOOKS:
        begin = body.find(opening, 0, _LOOKED_AT)
        if begin >= 0:
            begin += len(opening)
            end = body.find(closing, begin, begin + _LONGEST_SENDER)
            if end < 0:
                break
            sender = body[begin:end].replace(b"\x00", b"").decode("latin-1")
            return Claim(address, sender, body.find(urgent, end, _LOOKED_AT) >= 0)
    return Claim(address)


def address_of(request: Request) -> str:
    """By what the client of a request is counted."""
    return network_of(request.client.host if request.client else "")


def network_of(address: str) -> str:
    """By what a client is counted: its address, or the network of 64 bits that an IPv6 client has to itself."""
    if ":" not in address:
        return address
    try:
        return str(int(IPv6Address(address.partition("%")[0])) >> (128 - _NETWORK_BITS))
    except ValueError:
        return address


@dataclass(slots=True, eq=False)
class _Waiter:
    claim: Claim
    turn: asyncio.Future[None]
    queued: bool = False


@dataclass(slots=True, eq=False)
class _Lane:
    """The messages of one claimed sender: the urgent ones first, each kind in the order in which it came."""

    urgent: deque[_Waiter] = field(default_factory=deque)
    usual: deque[_Waiter] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.urgent) + len(self.usual)

    def add(self, waiter: _Waiter) -> None:
        (self.urgent if waiter.claim.urgent else self.usual).append(waiter)

    def first(self) -> _Waiter:
        return (self.urgent or self.usual).popleft()

    def last(self) -> _Waiter:
        """The one that is given up when room is needed."""
        return (self.usual or self.urgent).pop()

    def discard(self, waiter: _Waiter) -> None:
        (self.urgent if waiter.claim.urgent else self.usual).remove(waiter)


class _Queue:
    """Lanes by address and sender, from which the next is taken in turns."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, OrderedDict[str, _Lane]] = OrderedDict()
        self._counts: dict[str, int] = {}
        self.length = 0

    def add(self, waiter: _Waiter) -> None:
        waiter.queued = True
        claim = waiter.claim
        lanes = self._addresses.setdefault(claim.address, OrderedDict())
        lanes.setdefault(claim.sender, _Lane()).add(waiter)
        self._count(claim.address, 1)

    def next(self) -> _Waiter:
        address, lanes = self._addresses.popitem(last=False)
        sender, lane = lanes.popitem(last=False)
        waiter = lane.first()
        waiter.queued = False
        if lane:
            lanes[sender] = lane
        if lanes:
            self._addresses[address] = lanes
        self._count(address, -1)
        return waiter

    def discard(self, waiter: _Waiter) -> None:
        """Takes it out, unless it was taken already in the moment between its end and its waking up."""
        if waiter.queued:
            self._addresses[waiter.claim.address][waiter.claim.sender].discard(waiter)
            self._gone(waiter)

    def displaced_by(self, claim: Claim) -> _Waiter | None:
        """Whom a newcomer takes the place of: the last of the longest lane.

        Where that would be its own it takes the place of one that is less urgent than itself, or None.
        """
        address = max(self._counts, key=self._counts.__getitem__)
        if self._counts.get(claim.address, 0) >= self._counts[address]:
            address = claim.address
        lanes = self._addresses[address]
        sender = max(lanes, key=lambda name: len(lanes[name]))
        if address == claim.address and len(lanes.get(claim.sender, ())) >= len(lanes[sender]):
            if not (claim.urgent and lanes[claim.sender].usual):
                return None
            sender = claim.sender
        waiter = lanes[sender].last()
        self._gone(waiter)
        return waiter

    def _gone(self, waiter: _Waiter) -> None:
        waiter.queued = False
        claim = waiter.claim
        lanes = self._addresses[claim.address]
        if not lanes[claim.sender]:
            del lanes[claim.sender]
        if not lanes:
            del self._addresses[claim.address]
        self._count(claim.address, -1)

    def _count(self, address: str, change: int) -> None:
        self.length += change
        left = self._counts.get(address, 0) + change
        if left:
            self._counts[address] = left
        else:
            del self._counts[address]


class Turns:
    """At most `at_once` messages are worked on, at most `ceiling` are here, nobody waits longer than `seconds`.

    Whose turn it is stands behind all that is worked on already, whoever sent that: so no more of them are worked on
    than were lately worked off in `ahead` seconds, or LEAST_AT_ONCE. `clock` tells seconds that only go up. Where there
    is no more room the longest lane gives up its last place, so that a flood is refused and not whoever comes beside
    it. Busy tells when to come again: what waits, by the rate at which it was worked off lately.

    Beyond a second's worth, no more than `refusals` a second are told so, each LONGEST_REFUSAL seconds late at most:
    who is refused and comes again at once would otherwise take the processor from those who are served.
    """

    def __init__(
        self,
        at_once: int,
        ceiling: int,
        seconds: float,
        clock: Callable[[], float],
        *,
        ahead: float = math.inf,
        refusals: float = math.inf,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._at_once = min(at_once, ceiling)
        self._ahead = ahead
        self._ceiling = ceiling
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._queue = _Queue()
        self._done: deque[float] = deque(maxlen=_COUNTED)
        self._between = 1 / refusals
        self._next_refusal = -math.inf
        self.working = 0

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._queue.length

    @property
    def here(self) -> int:
        """How many wait or are worked on."""
        return self.working + self._queue.length

    @asynccontextmanager
    async def turn(self, claim: Claim) -> AsyncIterator[None]:
        """A context that begins with the message's turn; raises Busy where there is none for it."""
        try:
            await self._enter(claim)
        except Busy:
            if seconds := self._until_refusal():
                await self._sleep(seconds)
            raise
        try:
            yield
        finally:
            self._leave()

    def retry_after(self) -> int:
        """Seconds in which what is here now should be worked off: 1 to 60."""
        rate = self._rate()
        return max(1, min(LONGEST_WAIT, math.ceil(self.here / rate))) if rate else 1

    def _rate(self) -> float:
        """Messages a second that were worked off lately, 0 where it is not known."""
        spent = max(self._clock() - self._done[0], 0.001) if self._done else 1.0
        return max(0, len(self._done) - 1) / spent

    def _room(self) -> float:
        """How many may be worked on now."""
        if self.working < min(LEAST_AT_ONCE, self._at_once):
            return self._at_once
        return min(self._at_once, max(LEAST_AT_ONCE, self._rate() * self._ahead))

    async def _enter(self, claim: Claim) -> None:
        if not self._queue.length and self.working < self._room():
            self.working += 1
            return
        if self.here >= self._ceiling:
            self._make_room(claim)
        waiter = _Waiter(claim, asyncio.get_running_loop().create_future())
        self._queue.add(waiter)
        timer = asyncio.get_running_loop().call_later(self._seconds, self._give_up, waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise
        finally:
            timer.cancel()

    def _make_room(self, claim: Claim) -> None:
        displaced = self._queue.displaced_by(claim) if self._queue.length else None
        if displaced is None:
            raise self._busy()
        if not displaced.turn.done():
            displaced.turn.set_exception(self._busy())

    def _give_up(self, waiter: _Waiter) -> None:
        if not waiter.turn.done():
            self._queue.discard(waiter)
            waiter.turn.set_exception(self._busy())

    def _abandon(self, waiter: _Waiter) -> None:
        """Its client has gone, before or just after its turn came."""
        if waiter.turn.cancelled():
            self._queue.discard(waiter)
        elif waiter.turn.exception() is None:
            self._leave()

    def _leave(self) -> None:
        self._done.append(self._clock())
        self.working -= 1
        while self._queue.length and self.working < self._room():
            waiter = self._queue.next()
            if not waiter.turn.done():
                self.working += 1
                waiter.turn.set_result(None)

    def _until_refusal(self) -> float:
        """Seconds until the next refusal may be told."""
        now = self._clock()
        self._next_refusal = max(self._next_refusal, now - 1) + self._between
        return max(0.0, min(self._next_refusal - now, LONGEST_REFUSAL))

    def _busy(self) -> Busy:
        return Busy(retry_after=self.retry_after())
