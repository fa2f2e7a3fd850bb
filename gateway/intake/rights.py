"""Who may do what, over HTTP and at the command line, as data (rights.toml)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gateway.journal import Role

PUBLIC, SIGNATURE, ENTITY, WITNESS = "public", "signature", "entity", "witness"


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of each role, and what each route (`GET /v1/...`) and each command of administration needs.

    That is a right, or for a route one of the four words above.
    """

    roles: Mapping[Role, frozenset[str]]
    routes: Mapping[str, str]
    commands: Mapping[str, str]

    def allows(self, role: Role, right: str) -> bool:
        """Whether the role has the right."""
        return right in self.roles[role]


@cache
def rights() -> Rights:
    """The table, read once."""
    data = tomllib.loads(files("gateway.intake").joinpath("rights.toml").read_text(encoding="utf-8"))
    return Rights({role: frozenset(data["roles"][role.value]) for role in Role}, data["routes"], data["commands"])
