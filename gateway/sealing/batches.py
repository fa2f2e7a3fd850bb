"""Many records under one signature: a JWS over the Merkle root of a batch, and in each record its audit path.

A leaf is the RFC 9162 leaf hash of four fields, each behind its length in 4 bytes big-endian: the topic, `ce_id`,
`ce_type` and the value. So a single record verifies alone, and one that was moved or given another identity does not.
The header `seal` is the compact JWS over `{"root": hex, "size": records}`, the same in all records of the batch; the
header `seal_path` is `<index>/<base64url of the audit path>`.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from gateway.model import Record
from gateway.sealing.cloudevents import CloudEvent, event_headers
from gateway.sealing.jws import KeySet, decoded, encoded, sign_compact, verify_compact
from gateway.sealing.keys import KeyHolder
from gateway.sealing.merkle import Tree, leaf_hash, root_from
from gateway.sealing.refusals import SealRefused

BATCH_SEAL_TYPE = "fma-batch+jws"
SEAL_PATH = "seal_path"
_LENGTH = struct.Struct(">I")
_LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class Unsealed:
    """One record of a batch before its seal."""

    topic: str
    key: str
    value: bytes
    event: CloudEvent


async def seal_records(batch: Sequence[Unsealed], keys: KeyHolder) -> tuple[Record, ...]:
    """The records of a batch, all under one signature; none for an empty one."""
    if not batch:
        return ()
    tree = Tree([record_leaf(one.topic, one.event.id, one.event.type, one.value) for one in batch])
    payload = orjson.dumps({"root": tree.root.hex(), "size": tree.size})
    seal = ("seal", (await sign_compact(payload, keys, BATCH_SEAL_TYPE)).encode("ascii"))
    return tuple(
        [
            Record(one.topic, one.key, one.value, (*event_headers(one.event), seal, _path_header(index, path)))
            for index, (one, path) in enumerate(zip(batch, tree.paths(), strict=True))
        ]
    )


def record_leaf(topic: str, event_id: str, event_type: str, value: bytes) -> bytes:
    """The leaf hash of a record: 32 bytes."""
    fields = (topic.encode(), event_id.encode(), event_type.encode(), value)
    return leaf_hash(b"".join(_LENGTH.pack(len(field)) + field for field in fields))


def check_batch_seal(seal: str, path: str, leaf: bytes, keys: KeySet) -> None:
    """Raises SealRefused unless the seal is true and the leaf is below its root: `path`, `root`, `signature` ..."""
    root, size = _sealed_root(seal, keys)
    index, audit_path = _read_path(path)
    if root_from(leaf, index, size, audit_path) != root:
        raise SealRefused("root")


def _path_header(index: int, path: bytes) -> tuple[str, bytes]:
    return (SEAL_PATH, b"%d/%s" % (index, encoded(path)))


def _read_path(text: str) -> tuple[int, bytes]:
    index, slash, path = text.partition("/")
    if not slash or not index.isascii() or not index.isdigit() or len(text) > _LONGEST_PATH:
        raise SealRefused("path")
    return int(index), decoded(path)


@lru_cache(maxsize=4096)
def _sealed_root(seal: str, keys: KeySet) -> tuple[bytes, int]:
    """The root and size that a seal truly signs; remembered, since all records of a batch share one seal."""
    payload = verify_compact(seal, keys, BATCH_SEAL_TYPE)
    try:
        facts = orjson.loads(payload)
        return bytes.fromhex(facts["root"]), int(facts["size"])
    except (KeyError, TypeError, ValueError) as error:
        raise SealRefused("payload") from error
