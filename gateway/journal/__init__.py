"""The append-only log and the directory of who may file, in PostgreSQL."""

from gateway.journal.archiving import ArchiveAction, ArchiveStore, Partition, Progressed
from gateway.journal.checkpointer import Checkpointer
from gateway.journal.connections import database_ready
from gateway.journal.dealers import dealers_with_reports
from gateway.journal.directory import Anchor, Directory, Enrolment
from gateway.journal.directory_cache import DirectoryCache
from gateway.journal.errors import (
    ArchivingRefused,
    DocumentConflict,
    EnrolmentRefused,
    EntityUnknown,
    EntryArchived,
    EntryRefused,
    JournalDamaged,
    MigrationRefused,
    Overloaded,
    OverseerFenced,
    SchemaOutdated,
    SeriesConflict,
    StagingLost,
)
from gateway.journal.journal import Journal
from gateway.journal.limits import JournalLimits
from gateway.journal.migrations import Deploy, migrate
from gateway.journal.oversight.reading import DayFigures, OversightReader, Place
from gateway.journal.oversight.register import ComplexRegister
from gateway.journal.settlement import Head
from gateway.journal.staging import LargeDraft, Staging
from gateway.journal.verification import Break, Report, verify_journal

__all__ = [
    "Anchor",
    "ArchiveAction",
    "ArchiveStore",
    "ArchivingRefused",
    "Break",
    "Checkpointer",
    "ComplexRegister",
    "DayFigures",
    "Deploy",
    "Directory",
    "DirectoryCache",
    "DocumentConflict",
    "Enrolment",
    "EnrolmentRefused",
    "EntityUnknown",
    "EntryArchived",
    "EntryRefused",
    "Head",
    "Journal",
    "JournalDamaged",
    "JournalLimits",
    "LargeDraft",
    "MigrationRefused",
    "Overloaded",
    "OverseerFenced",
    "OversightReader",
    "Partition",
    "Place",
    "Progressed",
    "Report",
    "SchemaOutdated",
    "SeriesConflict",
    "Staging",
    "StagingLost",
    "database_ready",
    "dealers_with_reports",
    "migrate",
    "verify_journal",
]
