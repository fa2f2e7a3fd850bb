"""Notices to the sender in the FMA's own XML: `Ack1` when a message is accepted, `Ack2` when it is not.

The annex settles the tags and their order; the values below that it leaves open are ours (proposed). The same receipt
always makes the same notice, GUIDs, times and signature included, as long as the key and the texts stay.
"""

import re
from datetime import datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from lxml import etree

from gateway.model import Finding, Receipt, Severity
from gateway.sealing.keys import KeyHolder
from gateway.sealing.xmldsig import sign_tree
from validators.catalogue import catalogue

ALMATY = ZoneInfo("Asia/Almaty")
NO_DOCUMENT = str(UUID(int=0))
UNNAMED_FAILURE = "1"
_LONGEST_TEXT = 3000
_PARTY = re.compile(r"[A-Z0-9]{1,32}")
_CODE = re.compile(r"([A-Z]+)-([0-9]+)")
_FORBIDDEN = str.maketrans({"&": "+", "<": "‹", ">": "›", "`": "'"})
_FIFTH_DIGITS_OF_A_BIN = "456"


async def make_notice(receipt: Receipt, keys: KeyHolder, receiver: str | None = None) -> bytes:
    """The signed `Ack1` or `Ack2` of a receipt, in UTF-16.

    `receiver` is the name that the sender gave itself in `Sender`; without a usable one it is `BIN` or `IIN` and the
    sender's number.
    """
    moment = _legal_time(receipt.received_at)
    root = etree.Element("ExportData")
    signed = etree.SubElement(root, "SignedData")
    _add(signed, "Sender", "AFM")
    _add(signed, "Receiver", receiver if receiver and _PARTY.fullmatch(receiver) else _numbered_name(receipt.sender))
    _add(signed, "TimeStamp", moment)
    data = etree.SubElement(signed, "Data")
    content = etree.SubElement(data, "Check" if receipt.verdict.stands else "Root")
    errors = [finding for finding in receipt.findings if finding.severity is Severity.ERROR]
    _add(content, "Version", str(uuid5(receipt.id, "notice-version")).upper())
    _add(content, "DocumentUniqueIdentifier", str(uuid5(receipt.id, "notice")).upper())
    _add(content, "Description", _description(receipt))
    _add(content, "OriginalDocumentGuid", (receipt.document or NO_DOCUMENT).upper())
    _add(content, "ErrorCode", "0" if receipt.verdict.stands else _failure_number(errors))
    if errors:
        _add(content, "ErrorName", _told(errors))
    _add(content, "AcceptanceDateTime", moment)
    return await sign_tree(root, keys)


def error_number(code: str) -> str:
    """A finding's code as the number that `ErrorCode` wants: letters by their two-digit place in the alphabet.

    `MSG-001` becomes 131907001: one number a code, never 0, for the FMA's own list of numbers is not published.
    """
    match = _CODE.fullmatch(code)
    if match is None:
        return UNNAMED_FAILURE
    letters = "".join(f"{ord(letter) - ord('A') + 1:02}" for letter in match[1])
    return str(int(letters + match[2]))


def _failure_number(errors: list[Finding]) -> str:
    return error_number(errors[0].code) if errors else UNNAMED_FAILURE


def _description(receipt: Receipt) -> str:
    outcome = "принято" if receipt.verdict.stands else "не принято"
    warnings = [finding for finding in receipt.findings if finding.severity is Severity.WARNING]
    remarks = f" Замечания: {_told(warnings)}" if warnings else ""
    return f"Сообщение {outcome}, квитанция {receipt.id}.{remarks}"


def _told(findings: list[Finding]) -> str:
    texts = catalogue()
    return "; ".join(f"{finding.code} {finding.path}: {texts.text(finding, 'ru')}" for finding in findings)


def _numbered_name(identifier: str) -> str:
    """`BIN` or `IIN` and the number: a BIN's fifth digit is 4 to 6, where an IIN has the tens of a day."""
    return ("BIN" if identifier[4:5] in _FIFTH_DIGITS_OF_A_BIN else "IIN") + identifier


def _legal_time(moment: datetime) -> str:
    return moment.astimezone(ALMATY).strftime("%d.%m.%Y %H:%M:%S")


def _add(parent: etree._Element, tag: str, text: str) -> None:
    etree.SubElement(parent, tag).text = text.translate(_FORBIDDEN)[:_LONGEST_TEXT]
