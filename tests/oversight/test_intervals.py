from hypothesis import given
from hypothesis import strategies as st

from gateway.oversight.intervals import Intervals, Piece, holes, runs, without

numbers = st.sets(st.integers(1, 60))
spans = st.tuples(st.integers(1, 60), st.integers(1, 60))


def made(found: set[int]) -> Intervals[str]:
    return Intervals(Piece(first, last, "x") for first, last in runs(sorted(found)))


def members(pieces: list[Piece[str]]) -> set[int]:
    return {number for piece in pieces for number in range(piece.first, piece.last + 1)}


@given(numbers, spans)
def test_what_is_cut_out_and_what_is_left_are_the_set(found: set[int], span: tuple[int, int]) -> None:
    intervals = made(found)
    inside = {number for number in found if span[0] <= number <= span[1]}
    assert members(intervals.within(*span)) == inside
    assert intervals.touches(*span) == bool(inside)
    assert members(intervals.cut(*span)) == inside
    assert members(list(intervals)) == found - inside


@given(numbers)
def test_runs_and_holes_complement_each_other(found: set[int]) -> None:
    covered = runs(sorted(found))
    left = holes(covered, 1, 60)
    assert {n for first, last in left for n in range(first, last + 1)} == set(range(1, 61)) - found


@given(numbers, spans)
def test_a_run_without_its_parts(found: set[int], span: tuple[int, int]) -> None:
    first, last = min(span), max(span)
    left = without((first, last), made(found).within(first, last))
    assert {n for start, end in left for n in range(start, end + 1)} == set(range(first, last + 1)) - found


def test_added_pieces_keep_their_labels() -> None:
    intervals: Intervals[str] = Intervals()
    intervals.add(10, 12, "b")
    intervals.add(1, 5, "a")
    intervals.add(8, 7, "nothing")
    assert list(intervals) == [Piece(1, 5, "a"), Piece(10, 12, "b")]
    assert intervals.cut(3, 11) == [Piece(3, 5, "a"), Piece(10, 11, "b")]
    assert list(intervals) == [Piece(1, 2, "a"), Piece(12, 12, "b")]
