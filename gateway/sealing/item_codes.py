"""A unique code under the gateway's signature: a compact JWS that fits into a QR code and is verified off line."""

from dataclasses import dataclass
from datetime import date

import orjson

from gateway.sealing.jws import KeySet, sign_compact, verify_compact
from gateway.sealing.keys import KeyHolder
from gateway.sealing.refusals import SealRefused

ITEM_CODE_TYPE = "fma-item-code+jws"


@dataclass(frozen=True, slots=True)
class SealedCode:
    """What is signed: the code, the class of the thing, and the day on which it was issued (Asia/Almaty)."""

    code: str
    item_class: str
    issued: date


async def seal_code(code: SealedCode, keys: KeyHolder) -> str:
    """The JWS of a code; under the same key always the same bytes."""
    facts = {"code": code.code, "class": code.item_class, "issued": code.issued}
    return await sign_compact(orjson.dumps(facts), keys, ITEM_CODE_TYPE)


def read_sealed_code(token: str, keys: KeySet) -> SealedCode:
    """The code that a JWS truly seals; SealRefused otherwise."""
    payload = verify_compact(token.strip(), keys, ITEM_CODE_TYPE)
    try:
        facts = orjson.loads(payload)
        return SealedCode(facts["code"], facts["class"], date.fromisoformat(facts["issued"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SealRefused("payload") from error
