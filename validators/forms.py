"""What is wrong with one value, told from the simple type that xmlschema has for it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from xmlschema.validators import XsdSimpleType
from xmlschema.validators.validation import ValidationContext

from validators.model import NOTHING

_FORBIDDEN: Final = "&<>`"
_CODES: Final[Mapping[str, str]] = {
    "guid": "XML-020",
    "date": "XML-021",
    "datetime": "XML-022",
    "amount": "XML-023",
    "number": "XML-024",
    "boolean": "XML-025",
    "eknp": "XML-026",
    "party": "XML-027",
    "identifier": "XML-028",
    "failure": "XML-030",
    "time": "XML-032",
    "day": "XML-033",
    "sequence": "XML-034",
    "whole": "XML-035",
    "sha256": "XML-036",
    "complex": "XML-037",
    "unit": "XML-037",
}
_OTHER_FORM: Final = "XML-031"
_CUT_BY_LENGTH: Final = frozenset({"text", "code", "party"})


class ValueFlaw(NamedTuple):
    """A finding's code and parameters for one value."""

    code: str
    parameters: Mapping[str, str] = NOTHING


def value_flaws(value: str, type_: XsdSimpleType, context: ValidationContext) -> Iterator[ValueFlaw]:
    """Everything wrong with the value; nothing when the type takes it."""
    if type_.text_is_valid(value, context):
        return
    kind = kind_of(type_)
    forbidden = [character for character in _FORBIDDEN if character in value]
    most = type_.max_length
    too_long = most is not None and len(value) > most and kind in _CUT_BY_LENGTH
    stripped = value.strip()
    if kind == "nothing":
        yield ValueFlaw("XML-012")
    elif not stripped and not type_.text_is_valid(stripped, context):
        yield ValueFlaw("XML-014", {"kind": kind})
    elif value != stripped and kind != "text" and type_.text_is_valid(stripped, context):
        yield ValueFlaw("XML-015", {"kind": kind})
    elif forbidden or too_long:
        if forbidden:
            yield ValueFlaw("XML-040", {"characters": " ".join(forbidden)})
        if too_long:
            yield ValueFlaw("XML-016", {"length": str(len(value)), "most": str(most)})
    elif kind in _CODES:
        yield ValueFlaw(_CODES[kind])
    else:
        yield ValueFlaw(_OTHER_FORM, {"kind": kind})


@lru_cache(maxsize=256)
def kind_of(type_: XsdSimpleType) -> str:
    """The kind that the schema notes on the type or on what it is derived from: `guid`, `amount`, `text` ..."""
    current: object = type_
    while isinstance(current, XsdSimpleType):
        for annotation in current.annotations:
            for note in annotation.appinfo:
                value = note.find("value")
                if value is not None:
                    return str(value.get("kind"))
        current = current.base_type
    return "text"
