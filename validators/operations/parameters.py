"""What judging reports takes from data: the section `judging` of `validators/data/<family>/<edition>.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from validators.envelope import SenderKinds


@dataclass(frozen=True, slots=True)
class Parameters:
    """The spans, bounds and lists that the rules of one edition speak of."""

    future_hours: int
    earliest: date
    maximum_days: int
    maximum_operations: int
    maximum_operations_large: int
    kinds: SenderKinds

    @classmethod
    def of(cls, sections: Mapping[str, Any]) -> "Parameters":
        """The parameters in those sections; raises `KeyError` when something is missing."""
        judging = sections["judging"]
        return cls(
            future_hours=judging["future_hours"],
            earliest=judging["earliest"],
            maximum_days=judging["maximum_days"],
            maximum_operations=judging["maximum_operations"],
            maximum_operations_large=judging["maximum_operations_large"],
            kinds=SenderKinds(frozenset(judging["sender_kinds"]), "OPS-011"),
        )


def read_sections(file: Path) -> Mapping[str, Any]:
    """All the sections of one file of parameters."""
    return tomllib.loads(file.read_text("utf-8"))
