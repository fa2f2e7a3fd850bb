"""The gateway's own keys over time: what was decided of each, and what may be decided next. Pure.

A key is announced (`next`), published by every replica for the overlap, then seals (`current`), and is `retired` when
another takes over. What it sealed stands for ever. A key that got out is `compromised` from a moment on; that is final.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.errors import GatewayError

OVERLAP = timedelta(minutes=10)
"""How long a key is published before it seals, unless the announcement says otherwise."""


class KeyState(StrEnum):
    """What a key of the gateway is at a moment."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"
    COMPROMISED = "compromised"


class KeyChangeRefused(GatewayError):
    """What is to be done with a key does not fit what was done before."""

    code = "key-change-refused"


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One decision: the key is in this state `since`, as `by` said `at`, both UTC.

    Of a `next` key, `since` is the earliest moment at which it may seal. `certificate` is its PEM chain.
    """

    kid: str
    state: KeyState
    since: datetime
    at: datetime
    by: str
    reason: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, when (UTC), and why."""

    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """Every event in the order in which they were decided."""

    events: tuple[KeyEvent, ...] = ()

    @property
    def kids(self) -> tuple[str, ...]:
        """The keys in the order in which they were announced."""
        return tuple(dict.fromkeys(event.kid for event in self.events))

    def certificate(self, kid: str) -> bytes:
        """The PEM chain of a key; KeyChangeRefused for a key that was never announced."""
        return self._first(kid).certificate.encode()

    def events_of(self, kid: str) -> tuple[KeyEvent, ...]:
        """What was decided of one key."""
        return tuple(event for event in self.events if event.kid == kid)

    def compromised_at(self, kid: str) -> datetime | None:
        """The earliest moment from which the key is said to be in other hands, whenever that was said."""
        moments = [event.since for event in self.events_of(kid) if event.state is KeyState.COMPROMISED]
        return min(moments, default=None)

    def state(self, kid: str, at: datetime) -> KeyState:
        """The key's state at a moment; a `next` key stays one until it is told to seal."""
        if self.compromised_at(kid) is not None:
            return KeyState.COMPROMISED
        begun = [event for event in self.events_of(kid) if event.state is KeyState.NEXT or event.since <= at]
        return begun[-1].state if begun else KeyState.NEXT

    def current(self, at: datetime) -> str | None:
        """The key that seals at a moment; None before the first one."""
        sealing = [
            event
            for event in self.events
            if event.state is KeyState.CURRENT and event.since <= at and self.compromised_at(event.kid) is None
        ]
        return max(sealing, key=lambda event: event.since).kid if sealing else None

    def moment(self, kid: str, state: KeyState) -> datetime | None:
        """Since when the key is, or will be, in this state, as it was last decided."""
        moments = [event.since for event in self.events_of(kid) if event.state is state]
        return moments[-1] if moments else None

    def begin(self, kid: str, certificate: str, decision: Decision) -> Sequence[KeyEvent]:
        """The first key seals at once; nothing where there is a history already."""
        if self.events:
            return ()
        return (_event(kid, KeyState.CURRENT, decision.at, decision, certificate),)

    def announce(
        self, kid: str, certificate: str, decision: Decision, overlap: timedelta = OVERLAP
    ) -> Sequence[KeyEvent]:
        """A new key is published, and may seal when the overlap has passed; KeyChangeRefused for one that is known."""
        self._refuse_known(kid)
        return (_event(kid, KeyState.NEXT, decision.at + overlap, decision, certificate),)

    def remember(self, kid: str, certificate: str, decision: Decision) -> Sequence[KeyEvent]:
        """A key that sealed before there was a history is published as a retired one."""
        self._refuse_known(kid)
        return (_event(kid, KeyState.RETIRED, decision.at, decision, certificate),)

    def activate(self, kid: str, decision: Decision) -> Sequence[KeyEvent]:
        """A `next` key seals as soon as its overlap has passed, and the current one is retired at that moment."""
        announced = self._first(kid)
        if self.state(kid, decision.at) is not KeyState.NEXT or self.moment(kid, KeyState.CURRENT) is not None:
            raise KeyChangeRefused(f"{kid} is not a next key; announce a new one with `gateway keys add`")
        since = max(decision.at, announced.since)
        return self._handed_over(kid, since, decision)

    def retire(self, kid: str, decision: Decision) -> Sequence[KeyEvent]:
        """A `next` key is withdrawn; KeyChangeRefused for the current one, which is retired by activating another."""
        certificate = self._first(kid).certificate
        if self.current(decision.at) == kid:
            raise KeyChangeRefused(f"{kid} seals now; activate another key, that retires this one")
        if self.state(kid, decision.at) is not KeyState.NEXT:
            raise KeyChangeRefused(f"{kid} is {self.state(kid, decision.at).value} already")
        if self.moment(kid, KeyState.CURRENT) is not None:
            raise KeyChangeRefused(f"{kid} was activated and takes over soon; it can be followed, not withdrawn")
        return (_event(kid, KeyState.RETIRED, decision.at, decision, certificate),)

    def compromise(self, kid: str, since: datetime, decision: Decision) -> Sequence[KeyEvent]:
        """A key is in other hands since a moment; where it seals now, the `next` key takes over at once.

        KeyChangeRefused where nothing could take over, or the moment is still to come.
        """
        certificate = self._first(kid).certificate
        if since > decision.at:
            raise KeyChangeRefused("the moment of compromise is in the future")
        event = _event(kid, KeyState.COMPROMISED, since, decision, certificate)
        if self.current(decision.at) != kid:
            return (event,)
        successors = [other for other in self.kids if other != kid and self.state(other, decision.at) is KeyState.NEXT]
        if not successors:
            raise KeyChangeRefused(
                f"{kid} seals now and no next key could take over; "
                "run `gateway keys generate` and `gateway keys add` first"
            )
        return (event, *self._handed_over(successors[0], decision.at, decision)[:1])

    def _handed_over(self, kid: str, since: datetime, decision: Decision) -> tuple[KeyEvent, ...]:
        events = [_event(kid, KeyState.CURRENT, since, decision, self._first(kid).certificate)]
        before = self.current(since)
        if before is not None:
            events.append(_event(before, KeyState.RETIRED, since, decision, self._first(before).certificate))
        return tuple(events)

    def _first(self, kid: str) -> KeyEvent:
        for event in self.events:
            if event.kid == kid:
                return event
        raise KeyChangeRefused(f"no key {kid} is known; `gateway keys list` names them")

    def _refuse_known(self, kid: str) -> None:
        if kid in self.kids:
            raise KeyChangeRefused(f"the key {kid} is known already")


def _event(kid: str, state: KeyState, since: datetime, decision: Decision, certificate: str) -> KeyEvent:
    return KeyEvent(kid, state, since, decision.at, decision.by, decision.reason, certificate)
