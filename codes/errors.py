"""What can be wrong with code tables and with asking for one."""

from typing import ClassVar


class CodesError(Exception):
    """Anything the code tables cannot answer; `code` is stable and never reused."""

    code: ClassVar[str] = "codes"


class CodeTableDamaged(CodesError):
    """A file of the code tables is not what its manifest promises, so none of it is used.

    `place` names the file, `line` counts from 1 (None where the whole file is meant), `what` says what is wrong and
    `remedy` what to do about it.
    """

    code = "code-table-damaged"

    def __init__(self, place: str, what: str, remedy: str, line: int | None = None) -> None:
        self.place = place
        self.what = what
        self.remedy = remedy
        self.line = line
        where = place if line is None else f"{place}, line {line}"
        super().__init__(f"{where}: {what}. {remedy}.")


class UnknownEdition(CodesError, LookupError):
    """No edition of that name is loaded; `known` are the names of those that are, oldest first."""

    code = "unknown-edition"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"there is no edition {name}; known are: {', '.join(known)}")


class UnknownTable(CodesError, LookupError):
    """The edition holds no table of that name; `known` are the names of those it holds, in the manifest's order."""

    code = "unknown-table"

    def __init__(self, name: str, edition: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.edition = edition
        self.known = known
        super().__init__(f"edition {edition} has no table {name}; it has: {', '.join(known)}")
