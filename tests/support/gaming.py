"""Messages of the gaming family for tests: the examples of the documentation, and changes of them written as data."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType

from lxml import etree

from gateway.client.gaming import totals_of
from tests.support.fm1 import TESTS, Case
from validators.gaming.complexes import complex_id_of
from validators.gaming.judging import Judging
from validators.gaming.messages import MESSAGES
from validators.gaming.model import Complex, ComplexState
from validators.model import Circumstances, Judgement
from validators.parsing import parse
from validators.profiles import ProfileBook

PAGE = TESTS.parent / "docs" / "reference" / "gaming.md"
RECEIVED = datetime(2026, 11, 28, 8, 21, tzinfo=UTC)
OWNER = "050140000011"
SOFTWARE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UNITS = MappingProxyType(
    {
        "DESK-1": "DESK",
        "TABLE-1": "TABLE",
        "SLOT-1": "MACHINE",
        "SLOT-2": "MACHINE",
        "TERM-1": "TERMINAL",
        "SERVER-1": "SERVER",
    }
)
HOME = Complex(
    "ALA-CASINO-1", OWNER, ComplexState.ACTIVE, "093", "Hall 1", "750000000", 60, None, UNITS, frozenset({SOFTWARE})
)
ROOT = "/ExportData/SignedData/Data/Root"
EVENTS = f"{ROOT}/GamingBatch/Events"


@cache
def examples() -> dict[str, bytes]:
    """The documentation's example of each message, by message type."""
    blocks = re.findall(r"^```xml\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return {next(name for name in MESSAGES if f"<{name}>" in block): block.encode() for block in blocks}


def example(message_type: str) -> etree._Element:
    """A copy of that example, parsed."""
    return parse(examples()[message_type]).root


def gaming_rules() -> Judging:
    """The rules of the first edition of the family."""
    judging = ProfileBook.load().family("gaming").first.rules
    assert isinstance(judging, Judging)
    return judging


@dataclass
class GamingCase(Case):
    """A message of the family under way to be judged; the sender has HOME, unless it registers one."""

    received: datetime = RECEIVED
    kind: str | None = "093"
    profiles: ProfileBook = field(default_factory=ProfileBook.load)
    home: Complex = HOME
    known: bool = True
    taken: bool = False
    registered: bool = False
    certificate: str | None = None

    def circumstances(self) -> Circumstances:
        """Under which the gateway would judge it."""
        own = complex_id_of(self.root) == self.home.id
        registers = self.root.findtext(".//Action") == "REGISTER" and not self.registered
        return Circumstances(
            self.received,
            self.kind,
            self.home if own and not registers else None,
            self.known,
            self.certificate,
            self.taken,
        )

    def circumstance(self, verb: str, told: str) -> bool:
        """Beside FM-1's those of the register: `state`, `certificate`, `offline` ...; `totals` counts anew."""
        if verb == "state":
            self.home = replace(self.home, state=ComplexState(told))
        elif verb == "owned-certificate":
            self.home = replace(self.home, certificate=told)
        elif verb == "certificate":
            self.certificate = told
        elif verb == "taken":
            self.taken = True
        elif verb == "registered":
            self.registered = True
        elif verb == "offline":
            self.known, self.kind = False, None
        elif verb == "totals":
            count_anew(self.root)
        else:
            return super().circumstance(verb, told)
        return True


def count_anew(root: etree._Element) -> None:
    """Makes the totals of a batch true again."""
    holder = root.find(".//Totals")
    assert holder is not None
    for total in list(holder):
        holder.remove(total)
    events = (
        {"kind": event.get("Kind"), "amount": event.get("Amount", "0")}
        for event in root.iterfind(".//Events/Event")
        if event.get("Kind") is not None
    )
    for kind, (count, amount) in totals_of(events).items():
        etree.SubElement(holder, "Total", {"Kind": str(kind), "Count": str(count), "Amount": amount})


def told_items(judgement: Judgement) -> list[str]:
    """What was found in items as the corpus writes it: `3 GAM-032 @Player`, the number, code and path in the item."""
    return [
        " ".join((str(item.number), finding.code, finding.path.partition("]/")[2])).strip()
        for item in judgement.items
        for finding in item.findings
    ]


def refused(judgement: Judgement) -> list[int]:
    """The numbers of the items that were refused."""
    return [item.number for item in judgement.items if not item.accepted]


def contents(judgement: Judgement) -> list[object]:
    """The contents of the items that were accepted."""
    return [item.content for item in judgement.items if item.accepted]


def events_of(root: etree._Element) -> Iterable[etree._Element]:
    """The events of a batch."""
    return root.iterfind(".//Events/Event")
