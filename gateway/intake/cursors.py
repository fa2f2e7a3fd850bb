"""Cursors: where a page ended, in a form that says nothing and can't be bent to reach what is another's.

A cursor is the id of the last receipt of the page. It is looked up among the reader's own when it comes back, so a
made-up or borrowed one leads nowhere, and it does not tell how much others have filed.
"""

import base64
import binascii
from uuid import UUID

from gateway.intake.refusals import CursorRefused

_PREFIX = b"\x01"
_LENGTH = 17


def make_cursor(last: UUID) -> str:
    """The cursor of a page that ends with that receipt."""
    return base64.urlsafe_b64encode(_PREFIX + last.bytes).rstrip(b"=").decode("ascii")


def read_cursor(text: str) -> UUID:
    """The receipt at which the page begins; raises CursorRefused when the text is no cursor."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise CursorRefused from error
    if len(raw) != _LENGTH or raw[:1] != _PREFIX:
        raise CursorRefused
    found = UUID(bytes=raw[1:])
    if make_cursor(found) != text:
        raise CursorRefused
    return found
