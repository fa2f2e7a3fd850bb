"""Whether the log is the one that a witness saw, and which seals of a compromised key that covers."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from gateway.journal.entry_checks import Fault, Link
from gateway.model import Checkpoint, Cosignature

ReadCosignature = Callable[[str], Cosignature]
ReadTimestamp = Callable[[bytes, str], datetime]
"""From a time-stamping service's answer and the JWS that it must be about to the moment it names; raises otherwise."""
Remembered = tuple[int, bytes]
"""The `seq` and the chain value that a witness remembers of a ledger."""

_NOTHING: Mapping[int, Remembered] = MappingProxyType({})
_SKEW = timedelta(minutes=5)


def _never(_jws: str) -> datetime | None:
    return None


@dataclass(frozen=True, slots=True)
class Witnesses:
    """By what history is held against those who saw it.

    `kids` are the keys of the witnesses that are believed (none: co-signatures are not checked), `read` checks one of
    their co-signatures or raises, `remembered` is what a witness's own memory holds of each ledger.
    `compromised` tells of a JWS since when its key is in other hands. `read_timestamp` checks a time stamp; without it
    nobody looks who made those that are kept.
    """

    kids: frozenset[str] = frozenset()
    read: ReadCosignature | None = None
    remembered: Mapping[int, Remembered] = field(default_factory=lambda: _NOTHING)
    compromised: Callable[[str], datetime | None] = _never
    read_timestamp: ReadTimestamp | None = None


@dataclass(slots=True)
class _Doubt:
    """Seals of compromised keys, of one moment of compromise, that nobody's word from before it covers yet."""

    count: int = 0
    first: int = 0


@dataclass(slots=True)
class LedgerWitnesses:
    """The checks of one ledger, told everything in the order of the log."""

    ledger: int
    witnesses: Witnesses
    furthest: int = 0
    checked: int = 0
    timestamps: int = 0
    stamped: tuple[int, datetime] | None = None
    _doubts: dict[datetime, _Doubt] = field(default_factory=dict)

    def sealed(self, seq: int, jws: str) -> None:
        """A seal of the log, to be doubted where its key is in other hands."""
        moment = self.witnesses.compromised(jws)
        if moment is not None:
            doubt = self._doubts.setdefault(moment, _Doubt())
            doubt.first = doubt.first or seq
            doubt.count += 1

    def cosignature_faults(self, row: Mapping[str, Any], link: Link | None) -> Iterator[Fault]:
        """What is wrong with a kept co-signature; `link` is the chain at its entry, None where that is not there."""
        if self.witnesses.read is None or row["witness"] not in self.witnesses.kids:
            return
        self.checked += 1
        try:
            said = self.witnesses.read(row["jws"])
        except Exception as error:  # noqa: BLE001 - however a reader fails on damaged bytes, it is a break and no more
            yield ("cosignature", f"the co-signature does not verify: {type(error).__name__} {error}".strip())
            return
        names = ("ledger", "seq", "chain", "seen_at", "witness")
        wrong = [name for name in names if getattr(said, name) != row[name]]
        if wrong:
            yield ("cosignature", f"the columns contradict the co-signature: {', '.join(wrong)}")
        elif link is None:
            yield ("cosignature", f"the witness saw this entry at {said.seen_at.isoformat()}, and it is not there")
        elif not link.holds(said.chain):
            yield ("cosignature", f"the witness saw another history up to here at {said.seen_at.isoformat()}")
        else:
            self.furthest = said.seq
            self._settle(said.seen_at)

    def timestamp_faults(self, row: Mapping[str, Any], link: Link | None) -> Iterator[Fault]:
        """What is wrong with a kept time stamp; `link` is the chain at its checkpoint, None where that is not there."""
        self.timestamps += 1
        if hashlib.sha256(row["token"]).digest() != row["sha256"]:
            yield ("timestamp", "its bytes are not those that were kept")
        elif row["jws"] is None:
            yield ("timestamp", f"the checkpoint that was stamped at {row['stamped_at'].isoformat()} is not there")
        elif self.witnesses.read_timestamp is not None:
            yield from self._stamp_faults(row, link, self.witnesses.read_timestamp)

    def _stamp_faults(self, row: Mapping[str, Any], link: Link | None, read: ReadTimestamp) -> Iterator[Fault]:
        try:
            stamped_at = read(row["token"], row["jws"])
        except Exception as error:  # noqa: BLE001 - however a reader fails on damaged bytes, it is a break and no more
            yield ("timestamp", f"the time stamp does not verify: {type(error).__name__} {error}".strip())
            return
        if stamped_at != row["stamped_at"]:
            yield ("timestamp", "the columns contradict the time stamp: stamped_at")
        elif stamped_at < row["made_at"] - _SKEW:
            yield ("timestamp", f"it was stamped at {stamped_at.isoformat()}, before it says that it was made")
        elif link is not None and link.holds(row["chain"]):
            self.stamped = (row["seq"], stamped_at)
            self._settle(stamped_at)

    def _settle(self, seen_at: datetime) -> None:
        """Somebody else's word of this moment covers all that was told so far."""
        for moment in [moment for moment in self._doubts if seen_at < moment]:
            del self._doubts[moment]

    def carried_faults(self, checkpoint: Checkpoint) -> Iterator[Fault]:
        """What is wrong with the co-signatures that a checkpoint carries to the topic."""
        if self.witnesses.read is None:
            return
        for jws in checkpoint.cosignatures:
            try:
                said = self.witnesses.read(jws)
            except Exception as error:  # noqa: BLE001 - as above
                if getattr(error, "reason", "") != "unknown-key":
                    yield ("cosignature", f"one that the checkpoint carries does not verify: {type(error).__name__}")
                continue
            if said.ledger != self.ledger or said.seq >= checkpoint.seq:
                yield ("cosignature", "one that the checkpoint carries is not of an earlier entry of this ledger")

    def memory_faults(self, seq: int, link: Link) -> Iterator[Fault]:
        """What the witness's own memory says against the chain at this entry."""
        remembered = self.witnesses.remembered.get(self.ledger)
        if remembered is not None and remembered[0] == seq and not link.holds(remembered[1]):
            yield ("witness", "the witness remembers another history up to here")

    def end_faults(self, length: int, *, whole: bool = True) -> Iterator[tuple[int, str, str]]:
        """What is missing at the end of a log that was read as a `whole`, or from a place on: `seq`, what, detail."""
        remembered = self.witnesses.remembered.get(self.ledger)
        if remembered is not None and remembered[0] > length:
            yield (length, "witness", f"the witness remembers entry {remembered[0]}, and the log ends at {length}")
        if self.witnesses.read is not None and length and not self.checked:
            yield (length, "cosignature", "not one checkpoint of this log is co-signed by this witness")
        if self.witnesses.read_timestamp is not None and whole and length and not self.timestamps:
            yield (length, "timestamp", "not one checkpoint of this log is time-stamped")

    @property
    def undetermined(self) -> int:
        """How many seals of compromised keys are not covered."""
        return sum(doubt.count for doubt in self._doubts.values())

    @property
    def first_undetermined(self) -> int | None:
        """The first entry among them."""
        return min((doubt.first for doubt in self._doubts.values()), default=None)
