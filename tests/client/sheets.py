"""What the tests of sheets read, and what they are told."""

from pathlib import Path

from gateway.client.metals_sheet import metals_form
from gateway.client.sheets.model import SheetLimits, SheetRefused
from gateway.client.sheets.reading import Line, open_sheet
from validators.catalogue import LANGUAGES, catalogue

FORM = metals_form()
PLAIN = {
    "Kind": "SOLD", "Date": "2026-11-03", "Time": "11:20", "Article": "JEWELLERY", "Metal": "AU", "Fineness": "585",
    "Grams": "4.12", "PureGrams": "2.41", "Count": "1", "Description": "Кольцо", "Price": "185000", "Cash": "185000",
    "PartyKind": "WALK-IN",
}  # fmt: skip


def lines(path: Path, limits: SheetLimits | None = None) -> list[Line]:
    with open_sheet(path, limits or SheetLimits()) as opened:
        return list(opened.lines(FORM))


def told(path: Path, limits: SheetLimits | None = None) -> list[tuple[str, str]]:
    """The codes and cells of all that is wrong, whether the sheet is read or not."""
    try:
        findings = [finding for line in lines(path, limits) for finding in line.findings]
    except SheetRefused as refusal:
        findings = list(refusal.findings)
    for finding in findings:
        assert all(catalogue().text(finding, language) for language in LANGUAGES)
    return [(finding.code, finding.path.partition("!")[2]) for finding in findings]
