"""Checkpoints: the gateway's signed word on how long a ledger is and what its chain value is there."""

from dataclasses import replace
from datetime import datetime

import orjson

from gateway.model import Checkpoint
from gateway.sealing.jws import KeySet, sign_compact, verify_compact
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import ISSUER, moment_text
from gateway.sealing.refusals import SealRefused

CHECKPOINT_TYPE = "fma-checkpoint+jws"


async def seal_checkpoint(checkpoint: Checkpoint, keys: KeyHolder) -> Checkpoint:
    """The checkpoint with its JWS."""
    facts = {
        "iss": ISSUER,
        "iat": int(checkpoint.made_at.timestamp()),
        "ledger": checkpoint.ledger,
        "seq": checkpoint.seq,
        "chain": checkpoint.chain.hex(),
        "made_at": moment_text(checkpoint.made_at),
    }
    payload = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return replace(checkpoint, jws=await sign_compact(payload, keys, CHECKPOINT_TYPE))


def read_checkpoint(jws: str, keys: KeySet) -> Checkpoint:
    """The checkpoint that a JWS truly seals; SealRefused otherwise."""
    payload = verify_compact(jws.strip(), keys, CHECKPOINT_TYPE)
    try:
        facts = orjson.loads(payload)
        return Checkpoint(
            ledger=facts["ledger"],
            seq=facts["seq"],
            chain=bytes.fromhex(facts["chain"]),
            made_at=datetime.fromisoformat(facts["made_at"]),
            jws=jws.strip(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SealRefused("payload") from error
