"""The verdict on one message: the edition is chosen, the schema and the rules are asked, findings put in order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from lxml import etree

from validators.catalogue import found
from validators.faults import Fault
from validators.fm1.rules import EffectiveDay, effective_day
from validators.identifiers import is_guid
from validators.model import Circumstances, Finding, Judgement, Severity, Verdict, verdict_of
from validators.names import foreign_letters, latin
from validators.parsing import ParsedMessage
from validators.paths import path_of, shown_name
from validators.profiles import Profile, ProfileBook
from validators.schemas import Schema, message_type_of
from validators.structure import structure_findings

UNKNOWN = "unknown"
CHECK = "Check"
_SHOWN_NAMES = 6
_SHOWN_LENGTH = 40
_SOME = 2
_FEW_FAULTS = 16
MAX_FINDINGS = 1000
"""So many findings a message are listed at most; the verdict rests on all of them."""


def judge(message: ParsedMessage, circumstances: Circumstances, profiles: ProfileBook) -> Judgement:
    """The verdict on a parsed message, with every finding in document order.

    The edition is that of the operation's day. Where two are in force the newest judges, and an older one where the
    newest refuses and it does not. The same message under the same circumstances always gets the same verdict.
    """
    root = message.root
    day = effective_day(root, circumstances)
    candidates = profiles.on(day.day)
    message_type = message_type_of(root)
    if message_type not in candidates[0].accepted or _look_alike_of_check(root) is not None:
        return _unknown(root, message_type, candidates[0])
    first = _judge_by(candidates[0], root, message_type, circumstances, day)
    if first.verdict.stands:
        return first
    others = (_judge_by(profile, root, message_type, circumstances, day) for profile in candidates[1:])
    return next((other for other in others if other.verdict.stands), first)


def _judge_by(
    profile: Profile, root: etree._Element, message_type: str, circumstances: Circumstances, day: EffectiveDay
) -> Judgement:
    schema = profile.schemas[message_type]
    structure = structure_findings(root, schema)
    content, faults = profile.rules.examine(root, circumstances, day.day)
    early = _before_first_edition(profile, day)
    findings = _findings(root, schema, structure, faults if early is None else [early, *faults])
    inner = content.get("Data", {}).get("Root", {})
    verdict = verdict_of(findings)
    reason = inner.get("MessageInformation", {}).get("ReasonFilingId")
    return Judgement(
        verdict=verdict,
        findings=_limited(findings, root),
        family=profile.family,
        message_type=message_type,
        edition=profile.edition,
        codes_digest=profile.codes.digest,
        topic=profile.routing.topic(reason) if verdict.stands else profile.routing.refused,
        document=_guid(inner.get("DocumentUniqueIdentifier")),
        version=_guid(inner.get("Version")),
        content=MappingProxyType(content),
    )


def _before_first_edition(profile: Profile, day: EffectiveDay) -> Fault | None:
    """The operation is older than the edition that judges it, which is then the first one known."""
    if day.element is None or day.day >= profile.valid_from:
        return None
    parameters = {"edition": profile.edition, "valid_from": f"{profile.valid_from:%d.%m.%Y}"}
    return Fault("RUL-020", day.element, "", day.element.text, parameters)


def _findings(
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


def _limited(findings: tuple[Finding, ...], root: etree._Element) -> tuple[Finding, ...]:
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


def line_of(element: etree._Element) -> int | None:
    """The line of the element in the message as received, counting from 1."""
    line: Any = element.sourceline
    return int(line) if line else None


def _guid(value: Any) -> str | None:
    return value if isinstance(value, str) and is_guid(value) else None


def _unknown(root: etree._Element, message_type: str, profile: Profile) -> Judgement:
    """The verdict on what no entity sends: it is refused by its kind, and nothing else is looked at."""
    return Judgement(
        verdict=Verdict.REFUSED,
        findings=(_unknown_finding(root),),
        family=profile.family,
        message_type=message_type,
        edition=profile.edition,
        codes_digest=profile.codes.digest,
        topic=profile.routing.refused,
        document=_guid(_inner_text(root, "DocumentUniqueIdentifier")),
        version=_guid(_inner_text(root, "Version")),
    )


def _unknown_finding(root: etree._Element) -> Finding:
    misspelt = _look_alike_of_check(root)
    if misspelt is not None:
        return found(
            "MSG-002",
            path_of(misspelt),
            line=line_of(misspelt),
            value=misspelt.tag,
            parameters={"letters": foreign_letters(misspelt.tag)},
        )
    data = root.find("SignedData/Data")
    place = data if data is not None else root
    inside = [child.tag for block in place for child in (block, *block)]
    shown = ", ".join(shown_name(tag)[:_SHOWN_LENGTH] for tag in inside[:_SHOWN_NAMES]) or "-"
    return found("MSG-001", path_of(place), line=line_of(place), parameters={"contents": shown})


def _look_alike_of_check(root: etree._Element) -> etree._Element | None:
    """The child of `Data` whose name only looks like `Check`."""
    for signed in root.iterchildren("SignedData"):
        for data in signed.iterchildren("Data"):
            for inner in data:
                if not inner.tag.isascii() and latin(inner.tag) == CHECK:
                    return inner
    return None


def _inner_text(root: etree._Element, tag: str) -> str | None:
    element = root.find(f"SignedData/Data/*/{tag}")
    return element.text if element is not None else None
