"""The verdict on one FM-1 by one edition: the schema and the rules are asked, findings put in order."""

from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree

from validators.assembly import guid_of, in_document_order, limited
from validators.catalogue import found
from validators.faults import Fault
from validators.fm1.rules import Rules, effective_day
from validators.model import Circumstances, Finding, Judgement, Verdict, verdict_of
from validators.names import foreign_letters, latin
from validators.paths import line_of, path_of, shown_name
from validators.profiles import Profile, Told
from validators.structure import structure_findings

CHECK = "Check"
_SHOWN_NAMES = 6
_SHOWN_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Judging:
    """The rules of FM-1 in one edition, and the verdict that follows from them."""

    rules: Rules

    def judge(self, profile: Profile, told: Told, circumstances: Circumstances) -> Judgement:
        """The verdict on a message, with every finding in document order."""
        if told.message_type not in profile.accepted:
            return _unknown(told.root, told.message_type, profile)
        structure = structure_findings(told.root, profile.schemas[told.message_type], regular=told.regular)
        # a schema that accepts a message has seen to it that no name in it only looks right
        if structure and _look_alike_of_check(told.root) is not None:
            return _unknown(told.root, told.message_type, profile)
        return _judge(self.rules, profile, told, circumstances, structure)


def _judge(
    rules: Rules, profile: Profile, told: Told, circumstances: Circumstances, structure: list[Finding]
) -> Judgement:
    root, message_type, day, _ = told
    schema = profile.schemas[message_type]
    content, faults = rules.examine(root, circumstances, day)
    early = _before_first_edition(profile, root, circumstances) if day < profile.valid_from else None
    findings = in_document_order(root, schema, structure, faults if early is None else [early, *faults])
    inner = content.get("Data", {}).get("Root", {})
    verdict = verdict_of(findings)
    reason = inner.get("MessageInformation", {}).get("ReasonFilingId")
    return Judgement(
        verdict=verdict,
        findings=limited(findings, root),
        family=profile.family,
        message_type=message_type,
        edition=profile.edition,
        codes_digest=profile.codes.digest,
        topic=profile.routing.topic(reason) if verdict.stands else profile.routing.refused,
        document=guid_of(inner.get("DocumentUniqueIdentifier")),
        version=guid_of(inner.get("Version")),
        content=MappingProxyType(content),
    )


def _before_first_edition(profile: Profile, root: etree._Element, circumstances: Circumstances) -> Fault | None:
    """The operation is older than the edition that judges it, which is then the first one known."""
    element = effective_day(root, circumstances).element
    if element is None:
        return None
    parameters = {"edition": profile.edition, "valid_from": f"{profile.valid_from:%d.%m.%Y}"}
    return Fault("RUL-020", element, "", element.text, parameters)


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
        document=guid_of(_inner_text(root, "DocumentUniqueIdentifier")),
        version=guid_of(_inner_text(root, "Version")),
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
