"""What becomes of each submission of a batch: appended, answered from the log, or in conflict. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.journal.encoding import Row, chain_of
from gateway.journal.errors import DocumentConflict
from gateway.model import Filed

Key = tuple[bytes, str]
DocumentKey = tuple[str, str | None, str | None]
Answer = Filed | DocumentConflict


@dataclass(frozen=True, slots=True)
class Head:
    """How long a ledger is, and its chain value there."""

    ledger: int
    seq: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row ready to be appended, with its leaf; `attempted` when an earlier commit of it had no answer."""

    row: Row
    leaf: bytes
    attempted: bool = False

    @property
    def key(self) -> Key:
        return (self.row.sha256, self.row.sender)

    @property
    def document_key(self) -> DocumentKey | None:
        row = self.row
        return None if row.document is None or row.version is None else (row.sender, row.document, row.version)


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with its place in the log."""

    prepared: Prepared
    seq: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Settlement:
    """The answers in the order of the batch, what is to be appended, and the head after it."""

    answers: tuple[Answer, ...]
    appended: tuple[Placed, ...]
    head: Head


def settle(
    batch: Sequence[Prepared],
    head: Head,
    before: Mapping[Key, Filed],
    taken: frozenset[DocumentKey],
) -> Settlement:
    """Settles a batch against the log as it stands under the head's lock.

    `before` holds what was filed earlier under the batch's keys, `taken` which of its documents were accepted
    earlier. The same bytes get the first one's receipt whatever the verdict was; other bytes for a GUID and version
    of which one was accepted are a conflict; each concerns itself alone.
    """
    filed, claimed = dict(before), set(taken)
    answers: list[Answer] = []
    appended: list[Placed] = []
    for prepared in batch:
        earlier = filed.get(prepared.key)
        if earlier is not None:
            answers.append(_again(earlier, prepared))
            continue
        if prepared.document_key in claimed:
            answers.append(DocumentConflict("an accepted message has this document GUID and version, and other bytes"))
            continue
        head = Head(head.ledger, head.seq + 1, chain_of(head.chain, prepared.leaf))
        appended.append(Placed(prepared, head.seq, head.chain))
        row = prepared.row
        answers.append(Filed(row.receipt_id, row.receipt, head.ledger, head.seq, repeated=False))
        filed[prepared.key] = Filed(row.receipt_id, row.receipt, head.ledger, head.seq, repeated=True)
        if row.accepted and prepared.document_key is not None:
            claimed.add(prepared.document_key)
    return Settlement(tuple(answers), tuple(appended), head)


def _again(earlier: Filed, prepared: Prepared) -> Filed:
    mine = prepared.attempted and earlier.receipt_id == prepared.row.receipt_id
    return Filed(earlier.receipt_id, earlier.jws, earlier.ledger, earlier.seq, repeated=not mine)
