"""The named SQL of the journal, read once from `sql/*.sql`."""

import re
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- name: (?P<name>[a-z_]+)\s*$", re.MULTILINE)


@cache
def _queries() -> dict[str, str]:
    found: dict[str, str] = {}
    for source in sorted(files(__package__).joinpath("sql").iterdir(), key=lambda item: item.name):
        if not source.name.endswith(".sql"):
            continue
        pieces = _HEADING.split(source.read_text("utf-8"))[1:]
        for name, text in zip(pieces[::2], pieces[1::2], strict=True):
            if name in found:
                raise LookupError(f"two queries are named {name}")
            found[name] = text.strip()
    return found


def sql(name: str) -> str:
    """The text of one named query.

    Raises LookupError when no file holds that name.
    """
    return _queries()[name]


def query_names() -> frozenset[str]:
    """The names of all queries."""
    return frozenset(_queries())
