"""Settling a batch is the same as settling its submissions one by one."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import DocumentConflict, Head
from gateway.journal.encoding import CHAIN_START, Packer, chain_of, leaf_of
from gateway.journal.settlement import Answer, DocumentKey, Key, Prepared, settle
from gateway.model import Filed, Verdict
from tests.journal.support import Drafts

PACKER, DRAFT = Packer(), Drafts()
MESSAGES = st.builds(
    lambda message, sender, verdict: PACKER.row(
        DRAFT(message[0], sender=sender, document=message[1], version="1", verdict=verdict)
    ),
    st.sampled_from([(b"a", "D"), (b"b", "D"), (b"c", "D"), (b"d", "E"), (b"e", "E")]),
    st.sampled_from(["X", "Y"]),
    st.sampled_from(list(Verdict)),
).map(lambda row: Prepared(row, leaf_of(row)))


def plain(answer: Answer) -> object:
    return "conflict" if isinstance(answer, DocumentConflict) else answer


def one_by_one(batch: list[Prepared]) -> tuple[list[object], Head]:
    head = Head(0, 0, CHAIN_START)
    filed: dict[Key, Filed] = {}
    taken: frozenset[DocumentKey] = frozenset()
    answers: list[object] = []
    for item in batch:
        settled = settle([item], head, filed, taken)
        answers.append(plain(settled.answers[0]))
        head = settled.head
        for placed in settled.appended:
            row = placed.prepared.row
            filed[item.key] = Filed(row.receipt_id, row.receipt, 0, placed.seq, repeated=True)
            if row.accepted:
                taken |= {(row.sender, row.document, row.version)}
    return answers, head


@given(st.lists(MESSAGES, max_size=12))
def test_a_batch_is_settled_as_its_submissions_would_be_one_by_one(batch: list[Prepared]) -> None:
    settled = settle(batch, Head(0, 0, CHAIN_START), {}, frozenset())
    assert ([plain(answer) for answer in settled.answers], settled.head) == one_by_one(batch)


@given(st.lists(MESSAGES, max_size=12), st.integers(0, 1000))
def test_places_have_no_gap_and_the_chain_goes_through_all(batch: list[Prepared], length: int) -> None:
    settled = settle(batch, Head(0, length, CHAIN_START), {}, frozenset())
    chain = CHAIN_START
    for seq, placed in enumerate(settled.appended, length + 1):
        chain = chain_of(chain, placed.prepared.leaf)
        assert (placed.seq, placed.chain) == (seq, chain)
    assert settled.head == Head(0, length + len(settled.appended), chain)


@given(st.lists(MESSAGES, min_size=1, max_size=12))
def test_a_batch_whose_commit_had_no_answer_is_not_repeated_when_it_is_filed_again(batch: list[Prepared]) -> None:
    first = settle(batch, Head(0, 0, CHAIN_START), {}, frozenset())
    filed = {
        placed.prepared.key: Filed(
            placed.prepared.row.receipt_id, placed.prepared.row.receipt, 0, placed.seq, repeated=True
        )
        for placed in first.appended
    }
    taken: frozenset[DocumentKey] = frozenset(
        (placed.prepared.row.sender, placed.prepared.row.document, placed.prepared.row.version)
        for placed in first.appended
        if placed.prepared.row.accepted
    )
    again = settle([replace(item, attempted=True) for item in batch], first.head, filed, taken)
    assert not again.appended
    assert [plain(answer) for answer in again.answers] == [plain(answer) for answer in first.answers]
