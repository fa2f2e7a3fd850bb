"""From faults of rules and findings of the schema to the findings of a message, in document order and in bounds."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lxml import etree

from validators.catalogue import found
from validators.faults import Fault
from validators.identifiers import is_guid
from validators.model import Finding, Severity
from validators.paths import line_of, path_of, shown_name
from validators.schemas import Schema

_SOME = 2
_FEW_FAULTS = 16
MAX_FINDINGS = 1000
"""So many findings a message are listed at most; the verdict rests on all of them."""


def in_document_order(
    root: etree._Element, schema: Schema, structure: list[Finding], faults: list[Fault]
) -> tuple[Finding, ...]:
    """All findings in document order; where the schema has spoken of a place the rules keep quiet about it."""
    if not faults and len(structure) < _SOME:
        return tuple(structure)
    paths = named(root) if structure or len(faults) > _FEW_FAULTS else None
    spoken = _spoken(structure)
    placed = [
        (finding, fault.element) for fault in faults if (finding := _finding(fault, schema, paths)).path not in spoken
    ]
    if paths is not None:
        placed.extend(_placed(root, structure, paths))
    if len(placed) > 1:
        position = {element: nth for nth, element in enumerate(root.iter())}
        placed.sort(key=lambda pair: (position[pair[1]], pair[0].path.count("/")))
    return tuple(finding for finding, _ in placed)


def _spoken(structure: Iterable[Finding]) -> set[str]:
    """The paths that the schema's findings speak of, and of a misspelt name the right one beside it."""
    paths = set()
    for finding in structure:
        paths.add(finding.path)
        meant = finding.parameters.get("suggestion")
        if meant is not None:
            paths.add(f"{finding.path.rpartition('/')[0]}/{meant}")
    return paths


def _finding(fault: Fault, schema: Schema, paths: Mapping[etree._Element, str] | None) -> Finding:
    path = (paths[fault.element] if paths is not None else path_of(fault.element)) + fault.below
    return found(
        fault.code,
        path,
        line=line_of(fault.element),
        field=fault.field or schema.field_of(_without_positions(path)),
        value=fault.value,
        parameters=fault.parameters,
    )


def _without_positions(path: str) -> str:
    return "/".join(step.partition("[")[0] for step in path.split("/")) if "[" in path else path


def _placed(
    root: etree._Element, findings: Iterable[Finding], paths: Mapping[etree._Element, str]
) -> Iterator[tuple[Finding, etree._Element]]:
    """The schema's findings with the deepest element of their paths that exists."""
    elements = {path: element for element, path in paths.items()}
    for finding in findings:
        path = finding.path
        while path and path not in elements:
            path = path.rpartition("/")[0]
        yield finding, elements.get(path, root)


def named(root: etree._Element) -> dict[etree._Element, str]:
    """Every element of the tree with its path, as `path_of` writes it, in time that grows with the tree alone."""
    paths = {root: "/" + shown_name(root.tag)}
    for element in root.iter():
        children = list(element)
        if not children:
            continue
        there = paths[element]
        counts = Counter(child.tag for child in children)
        seen: Counter[str] = Counter()
        for child in children:
            tag = child.tag
            seen[tag] += 1
            position = f"[{seen[tag]}]" if counts[tag] > 1 else ""
            paths[child] = f"{there}/{shown_name(tag)}{position}"
    return paths


def limited(findings: tuple[Finding, ...], root: etree._Element) -> tuple[Finding, ...]:
    """At most so many findings, errors first to be kept, and then one that says that there are more."""
    if len(findings) <= MAX_FINDINGS:
        return findings
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    room = {Severity.ERROR: MAX_FINDINGS, Severity.WARNING: max(0, MAX_FINDINGS - errors)}
    kept: list[Finding] = []
    for finding in findings:
        if room[finding.severity] > 0:
            room[finding.severity] -= 1
            kept.append(finding)
    more = {"most": str(MAX_FINDINGS), "all": str(len(findings))}
    return (*kept, found("MSG-005", path_of(root), line=line_of(root), parameters=more))


def guid_of(value: Any) -> str | None:
    """The value where it is a well-formed GUID."""
    return value if isinstance(value, str) and is_guid(value) else None
