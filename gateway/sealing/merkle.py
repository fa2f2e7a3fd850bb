"""Merkle trees by RFC 9162, section 2.1: roots, and the audit paths by which one leaf is proved to be below a root."""

import hashlib
from collections.abc import Sequence
from itertools import islice, zip_longest

DIGEST_BYTES = 32
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: 32 bytes."""
    return hashlib.sha256(_LEAF + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


class Tree:
    """The tree over at least one leaf hash; `root` is its 32 bytes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            raise ValueError("a tree has at least one leaf")
        levels = [list(leaves)]
        while len(levels[-1]) > 1:
            below = levels[-1]
            above = [_node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
            levels.append(above + below[len(above) * 2 :])
        self._levels = levels[:-1]
        self.root = levels[-1][0]
        self.size = len(leaves)

    def paths(self) -> list[bytes]:
        """The audit path of each leaf: the hashes beside its way to the root, lowest first, one after the other."""
        if not self._levels:
            return [b""]
        columns: list[list[bytes]] = []
        for height, level in enumerate(self._levels):
            even, odd = level[::2], level[1::2]
            beside = [one for pair in zip_longest(odd, even, fillvalue=b"") for one in pair]
            columns.append([one for one in beside for _ in range(1 << height)])
        return [b"".join(hashes) for hashes in islice(zip(*columns, strict=False), self.size)]


def root_from(leaf: bytes, index: int, size: int, path: bytes) -> bytes | None:
    """The root that an audit path leads to from a leaf hash; None where the path does not fit the place (2.1.3.2)."""
    if not 0 <= index < size or len(path) % DIGEST_BYTES:
        return None
    node, last = leaf, size - 1
    for at in range(0, len(path), DIGEST_BYTES):
        if last == 0:
            return None
        beside = path[at : at + DIGEST_BYTES]
        if index & 1 or index == last:
            node = _node_hash(beside, node)
            while index and not index & 1:
                index >>= 1
                last >>= 1
        else:
            node = _node_hash(node, beside)
        index >>= 1
        last >>= 1
    return node if last == 0 else None
