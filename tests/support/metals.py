"""Reports of the precious metals family for tests: the examples of the documentation, changed as data says."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from lxml import etree

from gateway.client.envelopes import totals_by_kind
from tests.support.fm1 import TESTS, Case
from validators.parsing import parse
from validators.profiles import ProfileBook

PAGE = TESTS.parent / "docs" / "reference" / "precious-metals.md"
LUXURY = PAGE.with_name("luxury.md")
RECEIVED = datetime(2026, 12, 1, 8, 21, tzinfo=UTC)
DEALER = "070240001235"
OPERATIONS = "/ExportData/SignedData/Data/Root/MetalsReport/Operations"


@cache
def page_examples(page: Path) -> tuple[bytes, ...]:
    """The examples of XML of a page, in their order."""
    blocks = re.findall(r"^```xml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return tuple(block.encode() for block in blocks)


def example(name: str = "report", page: Path = PAGE) -> etree._Element:
    """A copy of the documentation's `report` or `nil` report, parsed."""
    return parse(page_examples(page)[("report", "nil").index(name)]).root


@dataclass
class ReportCase(Case):
    """A report of operations under way to be judged."""

    received: datetime = RECEIVED
    kind: str | None = "150"
    profiles: ProfileBook = field(default_factory=ProfileBook.load)

    def circumstance(self, verb: str, told: str) -> bool:
        """Beside FM-1's `totals` (counts anew) and `offline` (the sender's kind is not known)."""
        if verb == "totals":
            count_anew(self.root)
        elif verb == "offline":
            self.kind = None
        else:
            return super().circumstance(verb, told)
        return True


def count_anew(root: etree._Element) -> None:
    """Makes the totals of a report true again."""
    holder = root.find(".//Totals")
    assert holder is not None
    for total in list(holder):
        holder.remove(total)
    operations = [
        {name: operation.get(tag) for name, tag in _TOTALLED.items() if operation.get(tag) is not None}
        for operation in operations_of(root)
        if operation.get("Kind") is not None
    ]
    for kind, (count, amount) in totals_by_kind(operations, ("price_tenge", "price")).items():
        etree.SubElement(holder, "Total", {"Kind": kind, "Count": str(count), "Amount": amount})


def operations_of(root: etree._Element) -> list[etree._Element]:
    """The operations of a report."""
    return root.findall(".//Operations/Operation")


_TOTALLED = {"kind": "Kind", "price": "Price", "price_tenge": "PriceTenge"}
