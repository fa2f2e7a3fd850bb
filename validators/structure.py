"""Findings about the structure of a message: libxml2 judges, and xmlschema is asked only about what it refused."""

from itertools import islice
from typing import Final

from lxml import etree

from validators.model import Finding, Severity
from validators.schemas import Schema

MOST_FINDINGS: Final = 500
LARGE: Final = 10_000
_is_large: Final = etree.XPath(f"boolean(/descendant::*[{LARGE + 1}])", regexp=False, smart_strings=False)


def structure_findings(root: etree._Element, schema: Schema, *, regular: bool = False) -> list[Finding]:
    """Every defect of structure and form, in document order; empty when the schema accepts the message.

    After `MOST_FINDINGS` a last finding says that more are not listed. A message of more than `LARGE` elements is
    explained first: where many of them are wrong libxml2 takes time by their square, and the explanation ends early.
    `regular` says that the root is that of a regular text, which has fewer.
    """
    large = not regular and _is_large(root)
    if not large and schema.accepts(root, regular=regular):
        return []
    findings = _explained(root, schema)
    if findings or (large and schema.accepts(root)):
        return findings
    return [unexplained(root, schema)]


def _explained(root: etree._Element, schema: Schema) -> list[Finding]:
    from validators.explain import explain  # noqa: PLC0415 - xmlschema costs memory, needed for refusals only

    findings = list(islice(explain(root, schema), MOST_FINDINGS + 1))
    if len(findings) > MOST_FINDINGS:
        last = findings[-1]
        most = {"most": str(MOST_FINDINGS)}
        findings[-1] = Finding("XML-098", Severity.ERROR, last.path, last.line, parameters=most)
    return findings


def unexplained(root: etree._Element, schema: Schema) -> Finding:
    """libxml2's own reason for a refusal that nothing explains."""
    reason, line = schema.complaint(root)
    return Finding("XML-099", Severity.ERROR, f"/{root.tag}", line, parameters={"message": reason})
