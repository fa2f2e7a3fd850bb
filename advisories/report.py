"""What pip-audit reported, held against the list of what is ignored; pure."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Ignored:
    """An advisory that does not concern the gateway: its id, of which package, why, and until which day."""

    id: str
    package: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Report:
    """How many packages were audited, and each fault as a line for people."""

    audited: int
    faults: tuple[str, ...]


def read_ignored(text: str) -> tuple[Ignored, ...]:
    """The list that advisories/ignored.toml holds; TypeError for an entry that is not whole."""
    return tuple(Ignored(**entry) for entry in tomllib.loads(text).get("ignored", ()))


def judge(report: str, ignored: Sequence[Ignored], today: date) -> Report:
    """What stands against the packages of a report in pip-audit's JSON; ValueError for another text.

    A package that could not be audited is a fault: silence about it is no good news.
    """
    dependencies: list[Mapping[str, Any]] = json.loads(report)["dependencies"]
    out_of_date = [
        f"{one.id} was ignored until {one.until}: look again ({one.reason})" for one in ignored if one.until <= today
    ]
    names = {(one.id, one.package) for one in ignored}
    found = [fault for one in dependencies for fault in _faults(one, names)]
    return Report(sum("vulns" in one for one in dependencies), tuple(dict.fromkeys([*out_of_date, *found])))


def _faults(dependency: Mapping[str, Any], ignored: set[tuple[str, str]]) -> Iterator[str]:
    name = dependency["name"]
    if "skip_reason" in dependency:
        yield f"{name} was not audited: {dependency['skip_reason']}"
    for known in dependency.get("vulns", ()):
        if not any((one, name) in ignored for one in (known["id"], *known["aliases"])):
            fixed = ", ".join(known["fix_versions"]) or "nothing yet"
            yield f"{name} {dependency['version']}: {known['id']}, fixed in {fixed}"
