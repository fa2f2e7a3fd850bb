"""SQL that lives in `sql/*.sql` of a package, each statement under a heading `-- name: such_and_such`."""

import re
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- name: (?P<name>[a-z_]+)\s*$", re.MULTILINE)


@cache
def named_sql(package: str) -> dict[str, str]:
    """The statements of a package by their names; raises LookupError when two have the same."""
    found: dict[str, str] = {}
    for source in sorted(files(package).joinpath("sql").iterdir(), key=lambda item: item.name):
        if not source.name.endswith(".sql"):
            continue
        pieces = _HEADING.split(source.read_text("utf-8"))[1:]
        for name, text in zip(pieces[::2], pieces[1::2], strict=True):
            if name in found:
                raise LookupError(f"two queries are named {name}")
            found[name] = text.strip()
    return found
