"""Settling a batch is the same as settling its submissions one by one."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.journal import DocumentConflict, Head, SeriesConflict
from gateway.journal.encoding import CHAIN_START, Packer, chain_of, leaf_of
from gateway.journal.settlement import Answer, Key, Placed, Prepared, Settlement, Taken, settle
from gateway.model import Filed, Series, Verdict
from tests.journal.support import Drafts

PACKER, DRAFT = Packer(), Drafts()
MESSAGES = st.builds(
    lambda message, sender, verdict: PACKER.row(
        DRAFT(message[0], sender=sender, document=message[1], version="1", verdict=verdict, series=message[2])
    ),
    st.sampled_from(
        [
            (b"a", "D", None),
            (b"b", "D", None),
            (b"c", "D", Series("S", 1, {})),
            (b"d", "E", Series("S", 1, {})),
            (b"e", "E", Series("S", 2, {})),
            (b"f", "F", Series("S", 2, {})),
        ]
    ),
    st.sampled_from(["X", "Y"]),
    st.sampled_from(list(Verdict)),
).map(lambda row: Prepared(row, leaf_of(row)))


def plain(answer: Answer) -> object:
    return type(answer) if isinstance(answer, DocumentConflict | SeriesConflict) else answer


def conflict_or(answer: Answer) -> object:
    return answer if isinstance(answer, Filed) else "conflict"


NOTHING = Taken()


def taken_by(appended: Iterable[Placed], before: Taken = NOTHING) -> Taken:
    accepted = [placed.prepared for placed in appended if placed.prepared.row.accepted]
    return Taken(
        before.documents | {item.document_key for item in accepted if item.document_key is not None},
        before.numbers | {item.number_key for item in accepted if item.number_key is not None},
    )


def settled_anew(batch: list[Prepared], length: int = 0) -> Settlement:
    return settle(batch, Head(0, length, CHAIN_START), {}, NOTHING)


def one_by_one(batch: list[Prepared]) -> tuple[list[object], Head]:
    head = Head(0, 0, CHAIN_START)
    filed: dict[Key, Filed] = {}
    taken = NOTHING
    answers: list[object] = []
    for item in batch:
        settled = settle([item], head, filed, taken)
        answers.append(plain(settled.answers[0]))
        head = settled.head
        for placed in settled.appended:
            row = placed.prepared.row
            filed[item.key] = Filed(row.receipt_id, row.receipt, 0, placed.seq, repeated=True)
        taken = taken_by(settled.appended, taken)
    return answers, head


@given(st.lists(MESSAGES, max_size=12))
def test_a_batch_is_settled_as_its_submissions_would_be_one_by_one(batch: list[Prepared]) -> None:
    settled = settled_anew(batch)
    assert ([plain(answer) for answer in settled.answers], settled.head) == one_by_one(batch)


@given(st.lists(MESSAGES, max_size=12), st.integers(0, 1000))
def test_places_have_no_gap_and_the_chain_goes_through_all(batch: list[Prepared], length: int) -> None:
    settled = settled_anew(batch, length)
    chain = CHAIN_START
    for seq, placed in enumerate(settled.appended, length + 1):
        chain = chain_of(chain, placed.prepared.leaf)
        assert (placed.seq, placed.chain) == (seq, chain)
    assert settled.head == Head(0, length + len(settled.appended), chain)


@given(st.lists(MESSAGES, min_size=1, max_size=12))
def test_a_batch_whose_commit_had_no_answer_is_not_repeated_when_it_is_filed_again(batch: list[Prepared]) -> None:
    assume(len({item.key for item in batch}) == len({(item.key, item.row.verdict) for item in batch}))
    first = settled_anew(batch)
    filed = {
        placed.prepared.key: Filed(
            placed.prepared.row.receipt_id, placed.prepared.row.receipt, 0, placed.seq, repeated=True
        )
        for placed in first.appended
    }
    attempted = [replace(item, attempted=True) for item in batch]
    again = settle(attempted, first.head, filed, taken_by(first.appended))
    assert not again.appended
    assert [conflict_or(answer) for answer in again.answers] == [conflict_or(answer) for answer in first.answers]
