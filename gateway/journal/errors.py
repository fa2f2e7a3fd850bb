"""What the journal refuses, and what it fails at."""

from gateway.errors import ConfigurationError, GatewayError, Unavailable


class DocumentConflict(GatewayError):
    """The sender has an accepted message with this document GUID and version, and other bytes."""

    code = "document-conflict"


class SeriesConflict(GatewayError):
    """The sender has an accepted message with this number in the same series, and other bytes.

    `receipt` among the parameters names the receipt under which what was sent now is kept as evidence; it is empty
    while it is not kept yet.
    """

    code = "series-conflict"

    def __init__(self, text: str, receipt_id: str = "") -> None:
        super().__init__(text)
        self.parameters = {"receipt": receipt_id}


class Overloaded(Unavailable):
    """More submissions wait for the log than may wait; `retry_after` is in seconds."""

    code = "overloaded"

    def __init__(self, text: str, retry_after: int = 1) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class StagingLost(Unavailable):
    """What was staged of a large message is given up: it has to be staged again."""

    code = "staging-lost"


class EntryRefused(GatewayError):
    """PostgreSQL will not take this entry, whoever asks and however often: a fault of the program that made it."""

    code = "entry-refused"


class JournalDamaged(GatewayError):
    """What is read back from the log is not what can have been written: a gap, or bytes that cannot be unpacked."""

    code = "journal-damaged"


class EntryArchived(GatewayError):
    """The bytes of an entry were moved to an archive; its receipt is still in the log."""

    code = "entry-archived"

    def __init__(self, ledger: int, seq: int) -> None:
        super().__init__(
            f"ledger {ledger}, entry {seq}: its bytes are in an archive; `gateway archive restore` brings them back"
        )
        self.ledger = ledger
        self.seq = seq


class ArchivingRefused(GatewayError):
    """A partition is not moved: somebody still needs it, or it is not the one whose turn it is."""

    code = "archiving-refused"


class NoCheckpoint(GatewayError):
    """A ledger has no checkpoint at the place where a verification was to begin."""

    code = "no-checkpoint"

    def __init__(self, ledger: int, seq: int, below: int | None) -> None:
        hint = "there is none before it" if below is None else f"the one before it is at {below}"
        super().__init__(f"ledger {ledger} has no checkpoint at entry {seq}; {hint}")


class DatabaseRefused(GatewayError):
    """The database does not let this role do what the program needs: it lacks a membership, or `gateway migrate`."""

    code = "database-refused"


class SchemaOutdated(ConfigurationError):
    """The database lacks migrations that this program needs; `gateway migrate` applies them."""

    code = "schema-outdated"


class MigrationRefused(ConfigurationError):
    """The history of migrations in the database is not the one of this program."""

    code = "migration-refused"


class EnrolmentRefused(GatewayError):
    """The directory will not enrol this: `reason` is a slug such as `certificate-of-another`."""

    code = "enrolment-refused"

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class EntityUnknown(GatewayError):
    """No entity is enrolled under this identifier."""

    code = "entity-unknown"


class PersonUnknown(GatewayError):
    """Nobody of the FMA is enrolled under this id."""

    code = "person-unknown"


class BlockConflict(GatewayError):
    """The owner has a block of codes of this name, of another kind or size."""

    code = "block-conflict"


class TooManyReserved(GatewayError):
    """The owner would hold more codes in reserve than anybody may."""

    code = "too-many-reserved"


class OverseerFenced(GatewayError):
    """Another overseer of the same ledger took over."""

    code = "overseer-fenced"
