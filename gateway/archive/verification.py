"""Archives, checked from their bytes alone: files, leaves, chain, seals, and how one archive follows from another."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from gateway.archive.errors import ArchiveBroken
from gateway.archive.lines import checkpoint_of_line, cosignature_of_line, entry_of_line, lines_of
from gateway.archive.manifest import (
    CHECKPOINTS,
    COSIGNATURES,
    MANIFEST,
    SEAL,
    SEAL_TYPE,
    ArchiveFile,
    Manifest,
    Section,
    manifest_of,
)
from gateway.archive.parts import ArchivedEntry, part_faults
from gateway.errors import GatewayError
from gateway.journal.encoding import CHAIN_START, Packer
from gateway.journal.entry_checks import UNKNOWN, EntryChecks, Fault, Link, checkpoint_fault
from gateway.journal.witnessed import LedgerWitnesses, Witnesses
from gateway.model import Checkpoint, Cosignature
from gateway.sealing.checkpoints import read_checkpoint
from gateway.sealing.jws import KeySet, verify_detached
from gateway.sealing.receipts import read_receipt
from gateway.sealing.refusals import SealRefused

BREAKS_KEPT = 100
LONGEST_SEAL = 8192
NOBODY = Witnesses()
_PROGRESS_EVERY = 10_000


@dataclass(frozen=True, slots=True)
class ArchiveBreak:
    """One thing that is not as it was sealed, and where: archive, file, and the entry where it is known.

    `what` is `manifest`, `file`, `missing`, `extra`, `join`, `checkpoint`, `cosignature`, `timestamp`, or as in a break
    of the log.
    """

    archive: str
    file: str
    what: str
    detail: str
    ledger: int | None = None
    seq: int | None = None

    def __str__(self) -> str:
        entry = "" if self.seq is None else f", ledger {self.ledger}, entry {self.seq}"
        return f"{self.archive}: {self.file}{entry}: {self.what}: {self.detail}"


@dataclass(slots=True)
class ArchiveReport:
    """How much was checked, how many breaks were found, and the first of them in the order of the archives.

    `witnessed` is the furthest entry of each ledger that a witness is known to have seen, 0 where what it said is not
    true of this history.
    """

    archives: int = 0
    entries: int = 0
    checkpoints: int = 0
    timestamps: int = 0
    broken: int = 0
    breaks: list[ArchiveBreak] = field(default_factory=list)
    cosignatures: int = 0
    witnessed: dict[int, int] = field(default_factory=dict)

    @property
    def intact(self) -> bool:
        """True when everything is as it was sealed."""
        return self.broken == 0

    def note(self, found: ArchiveBreak) -> None:
        """Counts a break."""
        self.broken += 1
        if len(self.breaks) < BREAKS_KEPT:
            self.breaks.append(found)


def _silent(_archive: str, _seq: int) -> None:
    return None


def verify_archives(
    paths: Sequence[Path],
    keys: KeySet,
    progress: Callable[[str, int], None] = _silent,
    witnesses: Witnesses = NOBODY,
) -> ArchiveReport:
    """Checks every archive, and that those which follow each other by their numbers join, in constant memory.

    With a reader in `witnesses` co-signatures too: that the entries are those which were seen, and that of every ledger
    there is one; with one of time stamps those too, which are only counted else.

    What is in an archive is looked at only once its manifest's seal and the file's SHA-256 stand, and parts once they
    have the SHA-256 that their entry names: so of a file of parts that was changed the part is named. Damage is
    reported, never raised.
    """
    report = ArchiveReport()
    read: list[tuple[Path, Manifest]] = []
    for path in paths:
        report.archives += 1
        manifest = _Check(path, keys, report, progress, witnesses).verify()
        if manifest is not None:
            read.append((path, manifest))
    read.sort(key=lambda each: each[1].low)
    for (_, before), (path, after) in pairwise(read):
        for detail in _faults_of_join(before, after):
            report.note(ArchiveBreak(path.name, MANIFEST, "join", detail))
    if witnesses.read is not None and read:
        _note_unwitnessed(*read[-1], report)
    return report


def _note_unwitnessed(path: Path, manifest: Manifest, report: ArchiveReport) -> None:
    """Co-signatures that are not there at all are not noticed otherwise."""
    for section in manifest.sections:
        if section.ledger not in report.witnessed:
            detail = "not one checkpoint of this ledger in these archives is co-signed by this witness"
            report.note(ArchiveBreak(path.name, COSIGNATURES, "cosignature", detail, section.ledger, section.last))


@dataclass(slots=True)
class _Check:
    """One archive."""

    path: Path
    keys: KeySet
    report: ArchiveReport
    progress: Callable[[str, int], None]
    witnesses: Witnesses
    parts: set[str] = field(default_factory=set)
    changed_parts: dict[str, ArchiveFile] = field(default_factory=dict)

    def verify(self) -> Manifest | None:
        """The manifest where it stands; what is broken goes into the report."""
        try:
            manifest = self._sealed_manifest()
        except (ArchiveBroken, SealRefused, OSError) as error:
            self._note(MANIFEST, "manifest", str(error))
            return None
        sound = {file.name for file in manifest.files if self._is_sound(file)}
        listed = {file.name for file in manifest.files} | {MANIFEST, SEAL}
        for stranger in sorted(item.name for item in self.path.iterdir() if item.name not in listed):
            self._note(stranger, "extra", "the manifest does not list it")
        checkpoints = self._checkpoints() if CHECKPOINTS in sound else []
        cosignatures = self._cosignatures() if COSIGNATURES in sound else []
        for section in manifest.sections:
            own = iter([checkpoint for checkpoint in checkpoints if checkpoint.ledger == section.ledger])
            said = iter([cosignature for cosignature in cosignatures if cosignature.ledger == section.ledger])
            _Walk(self, section, own, said).over(manifest.segments(section.ledger), sound)
        for file in self.changed_parts.values():
            self._note_changed(file)
        return manifest

    def note_parts(self, ledger: int, entry: ArchivedEntry, file: str) -> None:
        """Looks at the parts of an entry that stands in this file."""
        for name, (what, detail) in part_faults(self.path, ledger, entry, self.parts):
            self.changed_parts.pop(name or "", None)
            self.report.note(ArchiveBreak(self.path.name, name or file, what, detail, ledger, entry.stored.seq))

    def _sealed_manifest(self) -> Manifest:
        content = (self.path / MANIFEST).read_bytes()
        with (self.path / SEAL).open("rb") as file:
            seal = file.read(LONGEST_SEAL)
        try:
            token = seal.decode("ascii")
        except UnicodeDecodeError:
            raise SealRefused("malformed") from None
        if not token.endswith("\n"):
            raise SealRefused("malformed")
        verify_detached(token[:-1], content, self.keys, SEAL_TYPE)
        return manifest_of(content)

    def _is_sound(self, file: ArchiveFile) -> bool:
        """Whether the file is the one that was sealed; of a file of parts, which part is not is looked for later."""
        path = self.path / Path(file.name).name
        try:
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            self._note(file.name, "missing", f"it can't be read: {error.strerror}")
            return False
        if file.parts is not None:
            self.parts.add(file.name)
        if digest == file.sha256:
            return True
        if file.parts is not None:
            self.changed_parts[file.name] = file
        else:
            self._note_changed(file)
        return False

    def _note_changed(self, file: ArchiveFile) -> None:
        entries = "" if file.first is None else f"; entries {file.first} to {file.last} of ledger {file.ledger}"
        self._note(file.name, "file", f"the SHA-256 is not the one that was sealed{entries}")

    def _checkpoints(self) -> list[Checkpoint]:
        found: list[Checkpoint] = []
        try:
            for line in lines_of(self.path / CHECKPOINTS):
                checkpoint = checkpoint_of_line(line)
                self.report.checkpoints += 1
                fault = checkpoint_fault(checkpoint, partial(read_checkpoint, keys=self.keys))
                if fault is None:
                    found.append(checkpoint)
                    fault = self._timestamp_fault(checkpoint)
                if fault is not None:
                    place = (checkpoint.ledger, checkpoint.seq)
                    self.report.note(ArchiveBreak(self.path.name, CHECKPOINTS, *fault, *place))
        except ArchiveBroken as error:
            self._note(CHECKPOINTS, "file", str(error))
        return sorted(found, key=lambda checkpoint: (checkpoint.ledger, checkpoint.seq))

    def _cosignatures(self) -> list[Cosignature]:
        """Those in the archive, none of them checked yet."""
        try:
            found = [cosignature_of_line(line) for line in lines_of(self.path / COSIGNATURES)]
        except ArchiveBroken as error:
            self._note(COSIGNATURES, "file", str(error))
            return []
        return sorted(found, key=lambda cosignature: (cosignature.ledger, cosignature.seq))

    def _timestamp_fault(self, checkpoint: Checkpoint) -> Fault | None:
        if not checkpoint.timestamp:
            return None
        self.report.timestamps += 1
        try:
            if self.witnesses.read_timestamp is not None:
                self.witnesses.read_timestamp(checkpoint.timestamp, checkpoint.jws)
        except GatewayError as error:
            return ("timestamp", str(error))
        return None

    def _note(self, file: str, what: str, detail: str) -> None:
        self.report.note(ArchiveBreak(self.path.name, file, what, detail))


class _Walk:
    """The entries of one ledger of an archive, from the chain value before them to the one after."""

    def __init__(
        self, check: _Check, section: Section, checkpoints: Iterator[Checkpoint], cosignatures: Iterator[Cosignature]
    ) -> None:
        self._check = check
        self._section = section
        self._checkpoints = checkpoints
        self._due = next(checkpoints, None)
        self._cosignatures = cosignatures
        self._said = next(cosignatures, None)
        self._seen = LedgerWitnesses(section.ledger, check.witnesses)
        self._checks = EntryChecks(Packer(), partial(read_receipt, keys=check.keys))
        self._link = Link(section.chain_before, section.chain_before)
        self._seq = section.first - 1
        self._file = MANIFEST

    def over(self, segments: Sequence[ArchiveFile], sound: set[str]) -> None:
        """Goes over all segments; of those that are not sound nothing is looked at."""
        if self._section.first == 1 and self._section.chain_before != CHAIN_START:
            self._note("chain", "the chain does not begin where every ledger begins")
        for segment in segments:
            self._file = segment.name
            if segment.first != self._seq + 1:
                self._note("missing", f"the file begins with entry {segment.first}")
            if segment.name in sound:
                self._segment(segment)
            else:
                self._link = UNKNOWN
            self._seq = segment.last or self._seq
        if self._seq != self._section.last:
            self._note("missing", f"the entries end before {self._section.last}")
        elif not self._link.holds(self._section.chain_after) and self._link.known:
            self._note("chain", "the chain value behind the last entry is not the one that was sealed")
        if self._due is not None and self._link.known:
            self._note("checkpoint", f"the entry of the checkpoint at {self._due.seq} is missing")
        if self._said is not None and self._link.known:
            self._note_cosignature(self._said, None)
        self._check.report.cosignatures += self._seen.checked
        if self._seen.checked:
            witnessed = self._check.report.witnessed
            witnessed[self._section.ledger] = max(self._seen.furthest, witnessed.get(self._section.ledger, 0))

    def _segment(self, segment: ArchiveFile) -> None:
        seq = (segment.first or 0) - 1
        try:
            for line in lines_of(self._check.path / segment.name):
                entry = entry_of_line(line)
                stored = entry.stored
                self._seq = stored.seq
                if stored.seq != seq + 1:
                    self._note("missing", f"entry {seq + 1} is not there")
                seq = stored.seq
                faults, self._link = self._checks.faults(stored, self._link)
                for what, detail in faults:
                    self._note(what, detail)
                if stored.row.in_parts:
                    self._check.note_parts(self._section.ledger, entry, self._file)
                self._check.report.entries += 1
                self._pass_checkpoints(seq)
                self._pass_cosignatures(seq)
                if seq % _PROGRESS_EVERY == 0:
                    self._check.progress(self._check.path.name, seq)
        except ArchiveBroken as error:
            self._note("file", str(error))
            self._link = UNKNOWN
        if seq != segment.last:
            self._note("missing", f"the file ends with entry {seq}, not {segment.last}")

    def _pass_checkpoints(self, seq: int) -> None:
        while self._due is not None and self._due.seq <= seq:
            if self._due.seq == seq and not self._link.holds(self._due.chain):
                self._note("checkpoint", "the chain value is not the one that was sealed")
            self._due = next(self._checkpoints, None)

    def _pass_cosignatures(self, seq: int) -> None:
        while self._said is not None and self._said.seq <= seq:
            if self._said.seq == seq:
                self._note_cosignature(self._said, self._link)
            self._said = next(self._cosignatures, None)

    def _note_cosignature(self, said: Cosignature, link: Link | None) -> None:
        for what, detail in self._seen.cosignature_faults(asdict(said), link):
            self._note(what, detail)

    def _note(self, what: str, detail: str) -> None:
        place = (self._section.ledger, self._seq)
        self._check.report.note(ArchiveBreak(self._check.path.name, self._file, what, detail, *place))


def _faults_of_join(before: Manifest, after: Manifest) -> Iterator[str]:
    if before.high != after.low:
        yield f"it begins at {after.low}, the one before ends at {before.high}: an archive between them is missing"
        return
    ends = {section.ledger: section for section in before.sections}
    for section in after.sections:
        end = ends.get(section.ledger)
        if end is not None and end.chain_after != section.chain_before:
            yield f"ledger {section.ledger}: the chain does not go on from where the archive before ended"
