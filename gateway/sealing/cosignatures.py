"""Co-signatures: the word of a witness, under its own key, that a checkpoint extends what it saw before."""

from dataclasses import replace
from datetime import datetime

import orjson

from gateway.model import Cosignature
from gateway.sealing.jws import KeySet, kid_of, sign_compact, verify_compact
from gateway.sealing.keys import KeyHolder
from gateway.sealing.receipts import moment_text
from gateway.sealing.refusals import SealRefused

COSIGNATURE_TYPE = "fma-cosignature+jws"
WITNESS = "urn:fma-gateway:witness"


async def seal_cosignature(cosignature: Cosignature, keys: KeyHolder) -> Cosignature:
    """The co-signature with its JWS and the `kid` of the key that made it."""
    facts = {
        "iss": WITNESS,
        "iat": int(cosignature.seen_at.timestamp()),
        "ledger": cosignature.ledger,
        "seq": cosignature.seq,
        "chain": cosignature.chain.hex(),
        "seen_at": moment_text(cosignature.seen_at),
    }
    payload = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return replace(cosignature, witness=keys.kid, jws=await sign_compact(payload, keys, COSIGNATURE_TYPE))


def read_cosignature(jws: str, keys: KeySet) -> Cosignature:
    """The co-signature that a JWS truly seals; `keys` are those of the witnesses. SealRefused otherwise."""
    payload = verify_compact(jws.strip(), keys, COSIGNATURE_TYPE)
    try:
        facts = orjson.loads(payload)
        return Cosignature(
            ledger=int(facts["ledger"]),
            seq=int(facts["seq"]),
            chain=bytes.fromhex(facts["chain"]),
            seen_at=datetime.fromisoformat(facts["seen_at"]),
            witness=kid_of(jws.strip()),
            jws=jws.strip(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SealRefused("payload") from error
