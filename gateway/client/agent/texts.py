"""What the agent says, in Kazakh, Russian and English; the texts are data (`texts.toml`)."""

import logging
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from gateway.client.agent.model import Told

LONGEST_VALUE = 200


def told(code: str, member: str = "", value: object = "") -> Told:
    """The finding of that code about a member and its value, which is cut where it is long."""
    shown = str(value)[:LONGEST_VALUE]
    texts = _texts()["finding"][code]
    return Told(
        code, member, shown, {language: text.format(member=member, value=shown) for language, text in texts.items()}
    )


class OperatorLog:
    """Lines for the people of a casino: time, level, and one sentence in their language, on standard error."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._log = logging.getLogger("agent")

    def say(self, text: str, level: int = logging.INFO, /, **parameters: object) -> None:
        """Writes the text of that name."""
        self._log.log(level, "%s", _texts()["log"][text][self._language].format(**parameters))


def configure_operator_log() -> None:
    """Sends the operator's lines to standard error, and none of the libraries' below warnings."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("agent")
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)


@cache
def _texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(files(__package__).joinpath("texts.toml").read_text(encoding="utf-8"))
