"""What a witness does: look at the newest checkpoint, compute the chain up to it from the leaves, and co-sign."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

import structlog

from gateway.errors import GatewayError
from gateway.journal.encoding import CHAIN_START, chain_of
from gateway.model import Checkpoint, Cosignature
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.cosignatures import seal_cosignature
from gateway.sealing.jws import KeySet
from gateway.sealing.keys import KeyHolder
from gateway.sealing.refusals import SealRefused, SealUndetermined
from gateway.witness.memory import Memory, Seen

PAGE = 4096
_NOTHING = Seen(0, CHAIN_START, "", told=True)

log = structlog.get_logger(__name__)


class Gateway(Protocol):
    """What a witness needs of the gateway; every method raises Unavailable."""

    async def keys(self) -> KeySet: ...

    async def latest(self, ledger: int, /) -> str | None: ...

    async def leaves(self, ledger: int, after: int, limit: int, /) -> Sequence[bytes]: ...

    async def tell(self, jws: str, /) -> None: ...


class Alarm(GatewayError):
    """The gateway shows another history than the one that was co-signed: it is not co-signed, and people must look."""

    code = "witness-alarm"

    def __init__(self, kind: Literal["fork", "step-back", "leaves", "seal", "ledger"], ledger: int, text: str) -> None:
        super().__init__(f"ledger {ledger}: {kind}: {text}")
        self.kind = kind
        self.ledger = ledger


class Witness:
    """Co-signs the checkpoints of one gateway; `alarms` counts what it refused, `seen` is the last `seq` by ledger."""

    def __init__(self, gateway: Gateway, memory: Memory, keys: KeyHolder, clock: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._memory = memory
        self._keys = keys
        self._clock = clock
        self._gateway_keys = KeySet({})
        self.alarms = 0
        self.seen: dict[int, int] = {}

    async def look(self, ledger: int) -> Cosignature | None:
        """Co-signs the newest checkpoint where it extends what was seen; None where there is nothing new.

        What is co-signed is remembered on disk before the gateway is told. Raises Alarm, Unavailable,
        ConfigurationError.
        """
        before = self._memory.read().get(ledger, _NOTHING)
        self.seen[ledger] = before.seq
        if not before.told:
            await self._tell(ledger, before)
        jws = await self._gateway.latest(ledger)
        checkpoint = None if jws is None else await self._read(ledger, jws)
        if checkpoint is None:
            return None
        if checkpoint.seq < before.seq:
            raise Alarm("step-back", ledger, f"it ends at {checkpoint.seq}, and {before.seq} was co-signed")
        if checkpoint.seq == before.seq and checkpoint.chain == before.chain:
            return None
        await self._compute(checkpoint, before)
        made = await seal_cosignature(
            Cosignature(ledger, checkpoint.seq, checkpoint.chain, self._clock(), ""), self._keys
        )
        seen = Seen(checkpoint.seq, checkpoint.chain, made.jws)
        self._memory.write(ledger, seen)
        self.seen[ledger] = seen.seq
        await self._tell(ledger, seen)
        return made

    async def run(self, ledgers: Sequence[int], seconds: float) -> None:
        """Looks at each ledger again and again; what fails is logged, counted where it is an alarm, and tried again."""
        while True:
            for ledger in ledgers:
                try:
                    await self.look(ledger)
                except Alarm as alarm:
                    self.alarms += 1
                    log.critical("witness.alarm", ledger=ledger, kind=alarm.kind, why=str(alarm))
                except GatewayError as error:
                    log.warning("witness.interrupted", ledger=ledger, code=error.code, why=str(error))
            await asyncio.sleep(seconds)

    async def _read(self, ledger: int, jws: str) -> Checkpoint | None:
        """The checkpoint that the gateway seals; None where its key is known to be in other hands by now."""
        try:
            try:
                checkpoint = read_checkpoint(jws, self._gateway_keys)
            except SealRefused:
                self._gateway_keys = await self._gateway.keys()
                checkpoint = read_checkpoint(jws, self._gateway_keys)
        except SealUndetermined:
            log.warning("witness.waiting", ledger=ledger, why="the newest checkpoint is sealed with a compromised key")
            return None
        except SealRefused as error:
            raise Alarm("seal", ledger, f"the checkpoint's seal does not hold: {error.reason}") from error
        if checkpoint.ledger != ledger:
            raise Alarm("ledger", ledger, f"the checkpoint is one of ledger {checkpoint.ledger}")
        return checkpoint

    async def _compute(self, checkpoint: Checkpoint, before: Seen) -> None:
        """Raises Alarm where the leaves between the two do not lead from one chain value to the other."""
        if checkpoint.seq == before.seq:
            raise Alarm("fork", checkpoint.ledger, f"entry {before.seq} has another chain value than was co-signed")
        seq, chain = before.seq, before.chain
        while seq < checkpoint.seq:
            leaves = await self._gateway.leaves(checkpoint.ledger, seq, min(PAGE, checkpoint.seq - seq))
            if not 0 < len(leaves) <= checkpoint.seq - seq:
                raise Alarm("leaves", checkpoint.ledger, f"{len(leaves)} leaves were answered after entry {seq}")
            for leaf in leaves:
                chain = chain_of(chain, leaf)
            seq += len(leaves)
        if chain != checkpoint.chain:
            told = f"the entries {before.seq + 1} to {seq} do not lead from what was co-signed to this checkpoint"
            raise Alarm("fork", checkpoint.ledger, told)

    async def _tell(self, ledger: int, seen: Seen) -> None:
        await self._gateway.tell(seen.jws)
        self._memory.write(ledger, Seen(seen.seq, seen.chain, seen.jws, told=True))
