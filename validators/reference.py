"""Pages of the reference that are generated from data."""

from validators.catalogue import LANGUAGES, CatalogueEntry, catalogue

_LANGUAGE_NAMES = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
_HEAD = """\
# Findings

Generated from `validators/data/findings.toml`; do not edit by hand.

Every finding has a code that is stable and never used again. An **error** refuses the message, a **warning** accepts
and flags it. The provenance says where the rule was read: `official` in the text of the act, `predecessor` in an
earlier act that the current one replaced, `observed` in third parties' software or data, `proposed` by us; the texts
of proposed rules say so. `{value}` and other words in braces are filled from the message.

| code | severity | provenance | in short |
|---|---|---|---|
"""


def render_findings() -> str:
    """The page `docs/reference/findings.md`: a table of all codes, then each with source and texts."""
    entries = catalogue().entries.values()
    table = "".join(_row(entry) for entry in entries)
    return _HEAD + table + "".join(_section(entry) for entry in entries)


def _row(entry: CatalogueEntry) -> str:
    short = entry.texts["en"].partition(". ")[0].rstrip(".").replace("|", "\\|")
    anchor = entry.code.lower()
    return f"| [{entry.code}](#{anchor}) | {_severity(entry)} | {entry.provenance} | {short} |\n"


def _section(entry: CatalogueEntry) -> str:
    texts = "".join(f"* {_LANGUAGE_NAMES[lang]}: {entry.texts[lang]}\n" for lang in LANGUAGES)
    return f"\n### {entry.code}\n\n{_severity(entry)}, {entry.provenance}. Source: {entry.source}.\n\n{texts}"


def _severity(entry: CatalogueEntry) -> str:
    return entry.severity if entry.retired is None else f"{entry.severity}, retired {entry.retired}"
