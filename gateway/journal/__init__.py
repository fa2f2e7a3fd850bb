"""The append-only log and the directory of who may file, in PostgreSQL."""

from gateway.journal.checkpointer import Checkpointer
from gateway.journal.connections import database_ready
from gateway.journal.dealers import dealers_with_reports
from gateway.journal.directory import Anchor, Directory, Enrolment
from gateway.journal.directory_cache import DirectoryCache
from gateway.journal.errors import (
    DocumentConflict,
    EnrolmentRefused,
    EntityUnknown,
    EntryRefused,
    JournalDamaged,
    MigrationRefused,
    Overloaded,
    OverseerFenced,
    SchemaOutdated,
    SeriesConflict,
)
from gateway.journal.journal import Journal
from gateway.journal.keys import KeyHistoryCopy, KeyRegister
from gateway.journal.limits import JournalLimits
from gateway.journal.migrations import Deploy, migrate
from gateway.journal.oversight.reading import DayFigures, OversightReader, Place
from gateway.journal.oversight.register import ComplexRegister
from gateway.journal.settlement import Head
from gateway.journal.verification import Break, Report, verify_journal
from gateway.journal.witnessed import Witnesses

__all__ = [
    "Anchor",
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
    "EntryRefused",
    "Head",
    "Journal",
    "JournalDamaged",
    "JournalLimits",
    "KeyHistoryCopy",
    "KeyRegister",
    "MigrationRefused",
    "Overloaded",
    "OverseerFenced",
    "OversightReader",
    "Place",
    "Report",
    "SchemaOutdated",
    "SeriesConflict",
    "Witnesses",
    "database_ready",
    "dealers_with_reports",
    "migrate",
    "verify_journal",
]
