"""Merkle trees by RFC 9162, section 2.1."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sealing.merkle import Tree, leaf_hash, root_from

LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=70).map(lambda data: [leaf_hash(one) for one in data])


def tree_hash(leaves: list[bytes]) -> bytes:
    """The definition of 2.1.1, word by word."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def test_a_leaf_is_hashed_behind_a_zero_byte() -> None:
    assert leaf_hash(b"L123456").hex() == hashlib.sha256(b"\x00L123456").hexdigest()


def test_a_tree_without_leaves_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one leaf"):
        Tree([])


@given(LEAVES)
def test_the_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert Tree(leaves).root == tree_hash(leaves)


@given(LEAVES)
def test_every_leaf_is_proved_by_its_path(leaves: list[bytes]) -> None:
    tree = Tree(leaves)
    assert len(tree.paths()) == len(leaves)
    for at, (leaf, path) in enumerate(zip(leaves, tree.paths(), strict=True)):
        assert root_from(leaf, at, len(leaves), path) == tree.root


@given(LEAVES, st.data())
def test_a_path_proves_no_other_leaf_place_or_size(leaves: list[bytes], data: st.DataObject) -> None:
    tree = Tree(leaves)
    at = data.draw(st.integers(0, len(leaves) - 1))
    path = tree.paths()[at]
    assert root_from(leaf_hash(b"another leaf"), at, len(leaves), path) != tree.root
    assert root_from(leaves[at], at, len(leaves), path + bytes(32)) != tree.root
    assert root_from(leaves[at], len(leaves), len(leaves), path) is None
    if path:
        assert root_from(leaves[at], at, len(leaves), path[:-1]) is None
        assert root_from(leaves[at], at, len(leaves), path[32:]) != tree.root
    elsewhere = data.draw(st.integers(0, len(leaves) - 1))
    if leaves[elsewhere] != leaves[at] and elsewhere != at:
        assert root_from(leaves[at], elsewhere, len(leaves), path) != tree.root
