"""A complex belongs to the one who registered it first, and nobody else learns more than that a name is taken."""

import pytest

from gateway.model import Entity, EntityState, IdentifierKind
from gateway.pipeline import standing_of
from validators.gaming.model import Complex, ComplexState

OWNER = Entity("230941821107", IdentifierKind.BIN, "093", "Casino", EntityState.ACTIVE, frozenset())
OTHER = Entity("170141572457", IdentifierKind.BIN, "094", "Slots", EntityState.ACTIVE, frozenset())


@pytest.fixture
def named() -> Complex:
    return Complex("KZ-1", OWNER.identifier, ComplexState.ACTIVE, "093", "A", "710000000", 60, None, {}, frozenset(), 3)


def test_the_owner_is_judged_with_the_complex(named: Complex) -> None:
    standing = standing_of(OWNER, named)
    assert (standing.complex, standing.taken, standing.mark) == (named, False, "093 KZ-1 3")


def test_another_entity_is_told_only_that_the_name_is_taken(named: Complex) -> None:
    standing = standing_of(OTHER, named)
    assert (standing.complex, standing.taken, standing.mark) == (None, True, "094 taken")


def test_a_name_that_nobody_has_is_free() -> None:
    standing = standing_of(OTHER, None)
    assert (standing.complex, standing.taken, standing.mark) == (None, False, "094")
