"""The append-only log and the directory of who may file, in PostgreSQL."""

from gateway.journal.archiving import ArchiveAction, ArchiveStore, Helping, Partition, Progressed, StoredPart
from gateway.journal.audit import UNNAMED, Actor, AuditEntry, AuditLog, Channel, Deed
from gateway.journal.audit_verification import AuditBreak, AuditReport, verify_audit
from gateway.journal.checkpointer import Checkpointer
from gateway.journal.connections import database_ready
from gateway.journal.dealers import dealers_with_reports
from gateway.journal.directory import Anchor, Directory, EnrolledCertificate, Enrolment
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
    PersonUnknown,
    SchemaOutdated,
    SeriesConflict,
    StagingLost,
)
from gateway.journal.journal import Journal
from gateway.journal.keys import KeyHistoryCopy, KeyRegister
from gateway.journal.limits import JournalLimits
from gateway.journal.migrations import Deploy, migrate
from gateway.journal.oversight.reading import DayFigures, OversightReader, Place
from gateway.journal.oversight.register import ComplexRegister
from gateway.journal.people import People, PeopleCache, Person, Role
from gateway.journal.settlement import Head
from gateway.journal.spent_tokens import SpentTokens
from gateway.journal.staging import LargeDraft, Staging
from gateway.journal.verification import Break, Report, verify_journal
from gateway.journal.witnessed import Witnesses

__all__ = [
    "UNNAMED",
    "Actor",
    "Anchor",
    "ArchiveAction",
    "ArchiveStore",
    "ArchivingRefused",
    "AuditBreak",
    "AuditEntry",
    "AuditLog",
    "AuditReport",
    "Break",
    "Channel",
    "Checkpointer",
    "ComplexRegister",
    "DayFigures",
    "Deed",
    "Deploy",
    "Directory",
    "DirectoryCache",
    "DocumentConflict",
    "EnrolledCertificate",
    "Enrolment",
    "EnrolmentRefused",
    "EntityUnknown",
    "EntryArchived",
    "EntryRefused",
    "Head",
    "Helping",
    "Journal",
    "JournalDamaged",
    "JournalLimits",
    "KeyHistoryCopy",
    "KeyRegister",
    "LargeDraft",
    "MigrationRefused",
    "Overloaded",
    "OverseerFenced",
    "OversightReader",
    "Partition",
    "People",
    "PeopleCache",
    "Person",
    "PersonUnknown",
    "Place",
    "Progressed",
    "Report",
    "Role",
    "SchemaOutdated",
    "SeriesConflict",
    "SpentTokens",
    "Staging",
    "StagingLost",
    "StoredPart",
    "Witnesses",
    "database_ready",
    "dealers_with_reports",
    "migrate",
    "verify_audit",
    "verify_journal",
]
