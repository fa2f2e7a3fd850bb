"""Signing a message that is too long for memory: its text is written on as it came, with `Signature` filled."""

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.long_signature import Found, read_long
from gateway.sealing.refusals import SignatureMissing, SignatureOutsideProfile
from gateway.sealing.xmldsig import Encoded, in_the_making
from validators.limits import LONG_LIMITS, Limits
from validators.long_text import LongText, settle
from validators.refusals import TooLarge

_BLANKS = b" \t\r\n"
_TOKENS = re.compile(
    rb"<!\[CDATA\[(?s:.*?)\]\]>|<(?P<open>Signature)(?=[\s/>])[^>]*>"
    rb"|</(?P<close>Signature)\s*>|</(?P<end>SignedData)\s*>"
)


def sign_long(text: LongText, keys: LocalKeyHolder, out: BinaryIO, encoding: Encoded = "UTF-16") -> None:
    """Writes the message with `Signature` filled; one that is there is replaced, a missing one added as the last child.

    The rest of the text stays as it is, under a declaration of its own. Raises validators.refusals.Refusal,
    ConfigurationError, and SignatureMissing or SignatureOutsideProfile where the message can't be signed: what was
    written until then is of no use.
    """
    found = read_long(text)
    _check(found)
    form = in_the_making(found.digest, keys)
    filled = form.text(keys.sign_now(form.signed_info())).encode("ascii")
    element = b"<Signature>%s</Signature>" % filled
    declaration = f"<?xml version='1.0' encoding='{encoding}'?>\n"
    codec = "utf-8" if encoding == "UTF-8" else "utf-16-le"
    if encoding == "UTF-16":
        out.write(codecs.BOM_UTF16_LE)
    out.write(declaration.encode(codec))
    out.writelines(
        part if encoding == "UTF-8" else part.decode().encode(codec)
        for part in _with(element, _undeclared(text), added=found.text is None)
    )


def sign_file(
    source: Path, target: Path, keys: LocalKeyHolder, encoding: Encoded = "UTF-16", limits: Limits = LONG_LIMITS
) -> None:
    """The same from file to file: the target, which may be the source, appears whole or stays as it was.

    Raises TooLarge where the result has more bytes than its verifier takes, and OSError.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with source.open("rb") as file, part.open("wb") as out:
            sign_long(settle(file, limits), keys, out, encoding)
        if (size := part.stat().st_size) > limits.bytes:
            raise TooLarge("bytes", None, {"most": str(limits.bytes), "found": str(size)})
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _check(found: Found) -> None:
    """Raises what `sign_xml` raises for a message that can't be signed."""
    if found.fault is not None:
        raise found.fault
    if found.signatures + (found.text is None) > 1:
        raise SignatureOutsideProfile("several-signatures")
    if found.text is not None and not found.cut:
        raise SignatureMissing("no-signature")


def _undeclared(text: LongText) -> Iterator[bytes]:
    """The pieces of a message from its root element on."""
    start = text.opened.declaration_end
    for piece in text.pieces():
        yield piece[start:] if start == 0 else piece[start:].lstrip(_BLANKS)
        start = 0


def _with(element: bytes, pieces: Iterator[bytes], *, added: bool) -> Iterator[bytes]:
    """The pieces with that element in the place of the one `Signature`, or before the end of `SignedData`.

    The tags are looked for in the text: SignatureOutsideProfile where another element has one of the two names.
    """
    places, inside = 0, False
    for piece in pieces:
        at = 0
        for token in _TOKENS.finditer(piece):
            if token["open"] or (added and token["end"]):
                places += 1
                yield piece[at : token.start()] + element
                at = token.start() if added else token.end()
                inside = not added and not token.group().endswith(b"/>")
            elif token["close"]:
                inside, at = False, token.end()
        if not inside:
            yield piece[at:]
    if places != 1:
        raise SignatureOutsideProfile("several-signatures" if places else "signature-element")
