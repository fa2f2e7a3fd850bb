"""What commands for people say, in Kazakh, Russian and English; the texts are data (`texts.toml`)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def texts(command: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of a command by name and language."""
    data = tomllib.loads(files("gateway.commands").joinpath("texts.toml").read_text("utf-8"))
    told: Mapping[str, Mapping[str, str]] = data[command]
    return told
