"""Entries of the log as the pipeline would file them for a dealer, made directly."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.judging.examination import rendered
from gateway.model import Draft, Item, Judgement, Receipt, Series, Verdict
from gateway.sealing.receipts import seal_receipt
from gateway.sealing.records import records_for
from tests.bus.kit import KEYS

Content = Mapping[str, Any]
_REPORTS = {"luxury": "LuxuryReport", "precious-metals": "MetalsReport"}


@dataclass
class Reporter:
    """Makes the drafts of one dealer's accepted reports in a family."""

    owner: str
    kind: str = "160"
    family: str = "luxury"
    at: datetime = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
    made: int = 0

    async def report(self, operations: Sequence[Content]) -> Draft:
        """A report of these operations, each as the content of an accepted item."""
        self.made += 1
        self.at += timedelta(seconds=1)
        items = tuple(
            Item(one["sequence"], one["id"], True, (), "", dict(one), one.get("item_code")) for one in operations
        )
        judgement = Judgement(
            verdict=Verdict.ACCEPTED,
            findings=(),
            family=self.family,
            message_type=_REPORTS[self.family],
            edition="2026-01-01",
            codes_digest="00" * 32,
            topic=f"fma.{self.family}.v1",
            event_type=f"kz.fma.{self.family}.operation.v1",
            content={},
            items=items,
            series=Series(f"{self.family}/{self.owner}", self.made, {"entity_kind": self.kind}),
        )
        body = f"{self.family} {self.owner} {self.made}".encode()
        receipt = Receipt(
            id=uuid.uuid5(uuid.NAMESPACE_URL, body.decode()),
            verdict=Verdict.ACCEPTED,
            document=None,
            version=None,
            sender=self.owner,
            sha256=hashlib.sha256(body).hexdigest(),
            received_at=self.at,
            family=self.family,
            message_type=judgement.message_type,
            edition=judgement.edition,
            codes_digest=judgement.codes_digest,
            findings=(),
            series=judgement.series,
        )
        sealed = await seal_receipt(receipt, KEYS)
        return Draft(sealed, body, await records_for(rendered(judgement), sealed, KEYS))


def operation(sequence: int, seller: str | None, buyer: str | None, item: str, **more: Any) -> dict[str, Any]:
    """A sale of a used car on the day of November that its number names; None leaves a member out."""
    content = {
        "sequence": sequence,
        "id": str(uuid.UUID(int=sequence)).upper(),
        "kind": "SALE",
        "date": f"2026-11-{sequence:02}",
        "class": "CAR",
        "item_code": item,
        "price": "10000000",
        "seller": seller,
        "buyer": buyer,
        "condition": "USED",
        **more,
    }
    return {name: value for name, value in content.items() if value is not None}
