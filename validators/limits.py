"""How much of a message is looked at before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a message may hold; each figure has the name its refusal gives.

    `bytes` counts the body as received; `depth` counts elements from the root down, at most 255; `elements` is for the
    whole message; `attributes` is for one element; `names` counts different names of elements and attributes;
    `name`, `attribute` and `text` are lengths in characters, of a name, of an attribute's value and of the text
    between two tags.
    """

    bytes: int = 4 * 1024 * 1024
    depth: int = 32
    elements: int = 65_536
    attributes: int = 64
    names: int = 1_024
    name: int = 128
    attribute: int = 65_536
    text: int = 2 * 1024 * 1024


DEFAULT_LIMITS = Limits()

LONG_LIMITS = Limits(bytes=1_152 * 1024 * 1024, elements=16 * 1024 * 1024)
"""What is taken of a message that is read from a file in windows: one of 1 GiB, and a little more."""
