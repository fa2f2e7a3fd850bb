"""The named SQL of the journal."""

from gateway.named_sql import named_sql


def sql(name: str) -> str:
    """The text of one named query.

    Raises LookupError when no file holds that name.
    """
    return named_sql(__package__)[name]


def query_names() -> frozenset[str]:
    """The names of all queries."""
    return frozenset(named_sql(__package__))
