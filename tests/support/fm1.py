"""FM-1 for the tests of rules: clean messages made from the samples, and changes of them written as data."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Self

from lxml import etree

from validators.fm1.judging import Judging
from validators.fm1.rules import Rules
from validators.judge import judge
from validators.model import Circumstances, Finding, Judgement
from validators.parsing import parse
from validators.profiles import ProfileBook

TESTS = Path(__file__).parent.parent
ROOT = "/ExportData/SignedData/Data/Root"
RECEIVED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SAMPLES = {
    "casino": "fm1-threshold-casino.xml",
    "jeweller": "fm1-threshold-jeweller.xml",
    "bank": "fm1-suspicious-bank-rsa.xml",
}


def fm1_rules() -> Rules:
    """The rules of the first edition of FM-1."""
    judging = ProfileBook.load().family("fm1").first.rules
    assert isinstance(judging, Judging)
    return judging.rules


@cache
def _sample(name: str) -> etree._Element:
    root = etree.fromstring((TESTS / "samples" / SAMPLES[name]).read_bytes())
    for member in root.findall(".//MemberId"):
        parent = member.getparent()
        assert parent is not None
        parent.remove(member)
    for person in root.iterfind(".//Participant"):
        birth, iin = person.find(".//DateBirth"), person.findtext("IndividualIssue")
        if birth is not None and iin is not None:
            century = {"3": "19", "4": "19", "5": "20", "6": "20"}[iin[6]]
            birth.text = f"{iin[4:6]}.{iin[2:4]}.{century}{iin[:2]}"
    return root


def clean(name: str = "casino") -> etree._Element:
    """A sample without anything that a rule could find; unsigned, for it was changed."""
    return deepcopy(_sample(name))


@dataclass
class Case:
    """A message under way to be judged."""

    root: etree._Element
    received: datetime = RECEIVED
    kind: str | None = None
    profiles: ProfileBook = field(default_factory=ProfileBook.load)

    def body(self) -> bytes:
        written = etree.tostring(self.root, encoding="UTF-16", xml_declaration=True)
        assert isinstance(written, bytes)
        return written

    def circumstances(self) -> Circumstances:
        return Circumstances(self.received, self.kind)

    def judge(self) -> Judgement:
        return judge(parse(self.body()), self.circumstances(), self.profiles)

    def change(self, written: str) -> Self:
        """The case after changes such as `set //ReasonFilingId = 2 ; delete //SuspicionFirst`.

        A value in double quotes is a JSON string, a value that begins with `<` an element.
        """
        for step in filter(None, written.split(" ; ")):
            left, _, value = step.partition(" = ")
            verb, _, place = left.strip().partition(" ")
            told = json.loads(value) if value.startswith('"') else value
            if not self.circumstance(verb, told):
                self._change(verb, place, told)
        return self

    def circumstance(self, verb: str, told: str) -> bool:
        """Takes a change of what stands beside the message; False for a change of the message."""
        if verb == "received":
            self.received = datetime.fromisoformat(told)
        elif verb == "kind":
            self.kind = told
        else:
            return False
        return True

    def _change(self, verb: str, place: str, value: str) -> None:
        path, _, attribute = place.partition("/@")
        found = self.root.xpath(path)
        assert isinstance(found, list)
        assert found, f"{path} is not in the message"
        for element in found:
            assert isinstance(element, etree._Element)
            if attribute:
                _ATTRIBUTE_CHANGES[verb](element, attribute, value)
            else:
                _CHANGES[verb](element, value)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _set(element: etree._Element, value: str) -> None:
    element.text = value


def _rename(element: etree._Element, value: str) -> None:
    element.tag = value


def _delete(element: etree._Element, _: str) -> None:
    _parent(element).remove(element)


def _empty(element: etree._Element, _: str) -> None:
    for child in list(element):
        element.remove(child)
    element.text = None


def _add(element: etree._Element, value: str) -> None:
    element.append(etree.fromstring(value))


def _before(element: etree._Element, value: str) -> None:
    element.addprevious(etree.fromstring(value))


def _after(element: etree._Element, value: str) -> None:
    element.addnext(etree.fromstring(value))


def _copy(element: etree._Element, value: str) -> None:
    for _ in range(int(value or 1)):
        element.addnext(deepcopy(element))


def _first(element: etree._Element, _: str) -> None:
    _parent(element).insert(0, element)


def _set_attribute(element: etree._Element, name: str, value: str) -> None:
    element.set(name, value)


def _delete_attribute(element: etree._Element, name: str, _: str) -> None:
    del element.attrib[name]


_CHANGES: dict[str, Callable[[etree._Element, str], None]] = {
    "set": _set,
    "rename": _rename,
    "delete": _delete,
    "empty": _empty,
    "add": _add,
    "before": _before,
    "after": _after,
    "copy": _copy,
    "first": _first,
}
_ATTRIBUTE_CHANGES: dict[str, Callable[[etree._Element, str, str], None]] = {
    "set": _set_attribute,
    "delete": _delete_attribute,
}


def told(finding: Finding) -> str:
    """A finding as the corpus writes it: code, path (`~` is Root), and form field where there is one."""
    words = (finding.code, finding.path.replace(ROOT, "~"), finding.field or "")
    return " ".join(filter(None, words))


def findings(judgement: Judgement) -> list[str]:
    """All findings as the corpus writes them."""
    return [told(finding) for finding in judgement.findings]
