"""What regular expressions of the project may hold, whichever Python of 3.11 runs them."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import validators
from gateway import intake, journal, judging, sealing

ESCAPED_OR_CLASS = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")
ITS_TURNS_TAKE_ALL_THEY_BEGIN = {"validators.scanning._QUOTED_START_TAGS"}


def patterns() -> Iterator[tuple[str, str]]:
    for room in (validators, intake, journal, judging, sealing):
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not found.name.endswith("__main__"):
                for name, value in vars(importlib.import_module(found.name)).items():
                    if isinstance(value, re.Pattern):
                        text = value.pattern
                        yield f"{found.name}.{name}", text.decode() if isinstance(text, bytes) else text


def test_no_group_is_possessive_since_python_before_3_11_5_goes_on_from_where_a_turn_of_it_failed() -> None:
    found = {name for name, text in patterns() if POSSESSIVE_GROUP.search(ESCAPED_OR_CLASS.sub("x", text))}
    assert found == ITS_TURNS_TAKE_ALL_THEY_BEGIN
