"""What becomes of each submission of a batch: appended, answered from the log, or in conflict. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.journal.encoding import Row, chain_of
from gateway.journal.errors import DocumentConflict, SeriesConflict, StagingLost
from gateway.model import Filed

Key = tuple[bytes, str]
DocumentKey = tuple[str, str | None, str | None]
NumberKey = tuple[str, str | None, int | None]
Conflict = DocumentConflict | SeriesConflict
Answer = Filed | Conflict | StagingLost


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

    @property
    def number_key(self) -> NumberKey | None:
        row = self.row
        return None if row.series is None else (row.sender, row.series, row.number)


@dataclass(frozen=True, slots=True)
class Taken:
    """Documents and numbers of series of which one was accepted earlier, and large messages whose parts are gone."""

    documents: frozenset[DocumentKey] = frozenset()
    numbers: frozenset[NumberKey] = frozenset()
    lost: frozenset[UUID] = frozenset()


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
    taken: Taken,
) -> Settlement:
    """Settles a batch against the log as it stands under the head's lock.

    `before` holds what was filed earlier under the batch's keys, `taken` which of its documents and numbers were
    accepted earlier. The same bytes get the first one's receipt whatever the verdict was; other bytes for a GUID and
    version, or an accepted message for a number, of which one was accepted are a conflict; each concerns itself alone.
    """
    filed, claimed = dict(before), _Claims(taken)
    answers: list[Answer] = []
    appended: list[Placed] = []
    for prepared in batch:
        earlier = filed.get(prepared.key)
        if earlier is not None:
            answers.append(_again(earlier, prepared))
            continue
        conflict = claimed.conflict(prepared)
        if conflict is not None:
            answers.append(conflict)
            continue
        head = Head(head.ledger, head.seq + 1, chain_of(head.chain, prepared.leaf))
        appended.append(Placed(prepared, head.seq, head.chain))
        row = prepared.row
        answers.append(Filed(row.receipt_id, row.receipt, head.ledger, head.seq, repeated=False))
        filed[prepared.key] = Filed(row.receipt_id, row.receipt, head.ledger, head.seq, repeated=True)
        claimed.add(prepared)
    return Settlement(tuple(answers), tuple(appended), head)


class _Claims:
    """What is taken while a batch is settled."""

    def __init__(self, taken: Taken) -> None:
        self._documents: set[DocumentKey | None] = set(taken.documents)
        self._numbers: set[NumberKey | None] = set(taken.numbers)
        self._lost = taken.lost

    def conflict(self, prepared: Prepared) -> Conflict | StagingLost | None:
        if prepared.document_key in self._documents:
            return DocumentConflict("an accepted message has this document GUID and version, and other bytes")
        if prepared.row.accepted and prepared.number_key in self._numbers:
            return SeriesConflict("an accepted message has this number in its series, and other bytes")
        if prepared.row.receipt_id in self._lost:
            return StagingLost("the parts of this message were given up")
        return None

    def add(self, prepared: Prepared) -> None:
        if not prepared.row.accepted:
            return
        if prepared.document_key is not None:
            self._documents.add(prepared.document_key)
        if prepared.number_key is not None:
            self._numbers.add(prepared.number_key)


def _again(earlier: Filed, prepared: Prepared) -> Filed:
    mine = prepared.attempted and earlier.receipt_id == prepared.row.receipt_id
    return Filed(earlier.receipt_id, earlier.jws, earlier.ledger, earlier.seq, repeated=not mine)
