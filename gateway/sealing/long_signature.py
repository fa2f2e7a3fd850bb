"""The signature of a message that is too long for memory: the same profile, digested window by window.

What `gateway.sealing.xmldsig` does with a tree is done here with a file, in the same order: whatever one refuses the
other refuses for the same reason, and a signature of either holds for both.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from lxml import etree

from gateway.model import Signer
from gateway.sealing.canonical import canonical
from gateway.sealing.refusals import SignatureMissing, SignatureOutsideProfile, SignatureRefused, SignatureWrong
from gateway.sealing.sigform import read_form
from gateway.sealing.trust import TrustStore
from validators.apart import apart
from validators.identifiers import has_identifier_form
from validators.long_text import LongText
from validators.windows import Window, windows

_OPENING = b"<Signature>"
_CLOSING = b"</Signature>"
_OPENING_WITH_MORE = b"<Signature "
_REPORTER = etree.XPath("SignedData/Data/Root/PersonalData/IINBIN/text()", smart_strings=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What a message holds that matters to its signature, once all of it was read.

    `digest` is that of its `SignedData` without `Signature`, `text` that of its first `Signature`, None where there is
    none; `signatures` counts all elements of that name in it, `cut` says that one was left out of the digest.
    `reporter` are the 12 digits by which it names its reporting entity. `fault` keeps it from having a signature.
    """

    digest: bytes
    text: str | None
    signatures: int
    cut: bool
    reporter: str | None
    fault: SignatureRefused | None


def read_long(text: LongText) -> Found:
    """Reads a message once, in bounded memory; raises validators.refusals.Refusal where it is none."""
    return apart(lambda: _read(text))


def verify_long(text: LongText, trust: TrustStore, at: datetime) -> tuple[Signer, Found]:
    """Who signed a message, as `verify_signature` tells of a tree; raises Refusal and SignatureRefused.

    What was signed is what the file held while it was read: whoever acts on it later must know that nobody else can
    have changed it since.
    """
    found = read_long(text)
    if found.fault is not None:
        raise found.fault
    if found.text is None:
        raise SignatureMissing("no-signature")
    if not found.text.strip():
        raise SignatureMissing("empty-signature")
    form = read_form(found.text)
    if found.signatures > 1:
        raise SignatureOutsideProfile("several-signatures")
    if not found.cut:
        raise SignatureMissing("no-signature")
    if not hmac.compare_digest(found.digest, form.digest):
        raise SignatureWrong("digest")
    trusted = trust.trusted(form.certificates, at)
    form.algorithm.verify(trusted.key, form.value, form.signed_info)
    return trusted.signer, found


def _read(text: LongText) -> Found:
    reading = _Reading()
    for window in windows(text):
        reading.take(window)
    return reading.found()


class _Reading:
    """What was found so far."""

    def __init__(self) -> None:
        self._digest = _Digest()
        self._root_tag: object = None
        self._sections = 0
        self._children = 0
        self._text: str | None = None
        self._odd = False
        self._reporter: str | None = None
        self._relative: SignatureOutsideProfile | None = None

    def take(self, window: Window) -> None:
        """Takes up one window, and what is not needed any more away."""
        if window.root is None:
            return
        self._root_tag, self._sections = window.root.tag, window.sections
        for part in window.parts:
            if part.tag == "Signature" and part.getparent() is window.signed:
                self._take_signature(part)
        if self._reporter is None:
            texts = cast("list[str]", _REPORTER(window.root))
            self._reporter = next(filter(has_identifier_form, texts), None)
        if self._relative is None:
            try:
                self._digest.take(window)
            except SignatureOutsideProfile as refusal:
                self._relative = refusal

    def found(self) -> Found:
        """All of it, once there is no further window."""
        digest = self._digest
        return Found(digest.value(), self._text, digest.signatures, digest.cut, self._reporter, self._fault())

    def _take_signature(self, part: etree._Element) -> None:
        self._children += 1
        if self._children == 1:
            self._text = part.text or ""
            self._odd = len(part) > 0 or bool(part.attrib)

    def _fault(self) -> SignatureRefused | None:
        if self._root_tag != "ExportData":
            return SignatureMissing("not-a-message")
        if not self._sections:
            return SignatureMissing("no-signed-data")
        if self._sections > 1:
            return SignatureOutsideProfile("several-signed-data")
        if self._children > 1:
            return SignatureOutsideProfile("several-signatures")
        if self._odd:
            return SignatureOutsideProfile("signature-element")
        return self._relative


class _Digest:
    """SHA-256 over the canonical form of `SignedData`, which grows at its end and is taken away at its start.

    The canonical form of what stands, less the end tags of the open elements, begins with what stood when the last
    window was forgotten and goes on with what is new. That is asserted of every window: were it ever untrue, the
    message would not be judged at all.
    """

    def __init__(self) -> None:
        self.signatures = 0
        self.cut = False
        self._hash = hashlib.sha256()
        self._standing = b""
        self._inside = False
        self._ended = False

    def take(self, window: Window) -> None:
        """Digests what is new and forgets the window; raises SignatureOutsideProfile where there is no such form."""
        signed = window.signed
        if signed is None or self._ended:
            return
        begun = _begun(signed, window.open)
        if not begun.startswith(self._standing):
            raise AssertionError("what was digested has changed")
        self._take(begun[len(self._standing) :])
        self._ended = signed not in window.open
        window.forget()
        self._standing = b"" if self._ended else _begun(signed, window.open)

    def value(self) -> bytes:
        """The digest of all that was taken: 32 bytes."""
        return self._hash.digest()

    def _take(self, fresh: bytes) -> None:
        """Digests all but the first `Signature`; no tag is ever cut, since windows hold whole ones."""
        self.signatures += fresh.count(_OPENING) + fresh.count(_OPENING_WITH_MORE)
        if not self.cut and not self._inside:
            before, opening, fresh = fresh.partition(_OPENING)
            self._hash.update(before)
            self._inside = bool(opening)
        if self._inside:
            _, closing, fresh = fresh.partition(_CLOSING)
            self._inside, self.cut = not closing, bool(closing)
        self._hash.update(fresh)


def _begun(signed: etree._Element, open_: list[etree._Element]) -> bytes:
    """The canonical form of an element as far as it goes: without the end tags of what is still open."""
    whole = canonical(signed)
    below = open_[open_.index(signed) :] if signed in open_ else []
    closing = b"".join(_end_tag(element) for element in reversed(below))
    if not whole.endswith(closing):
        raise AssertionError("open elements end last")
    return whole[: len(whole) - len(closing)]


def _end_tag(element: etree._Element) -> bytes:
    local = etree.QName(element).localname
    return f"</{element.prefix}:{local}>".encode() if element.prefix else f"</{local}>".encode()
