"""What `gateway trace` says and with which status it ends, of what was found."""

from datetime import UTC, date, datetime
from uuid import UUID

from gateway.commands.trace import BREAKS, BROKEN, UNKNOWN, facts_of, lines_of, status_of
from gateway.consumer import Event, LuxuryOperation, Trace
from gateway.consumer.decoding import LuxuryItem
from validators.luxury.chains import chain_of, chain_rules, luxury_deal
from validators.operations.deals import LUXURY, Deal, Filing

CODE = "TCZ6EP34VK5DMD"
PEOPLE = ("150540007897", "900101300017", "851212400335", "920501450216")


def sold(sequence: int, seller: str, buyer: str) -> Deal:
    day = date(2026, 11, sequence).isoformat()
    content = {"sequence": sequence, "id": f"id-{sequence}", "kind": "SALE", "date": day, "item_code": CODE}
    return luxury_deal(Filing(LUXURY, PEOPLE[0], "160", sequence), {**content, "seller": seller, "buyer": buyer})


def reported(deal: Deal) -> LuxuryOperation:
    return LuxuryOperation(
        receipt=UUID(int=1),
        sender=deal.id.filer,
        series=f"luxury/{deal.id.filer}",
        number=1,
        sha256="00" * 32,
        received_at=datetime(2026, 11, 26, tzinfo=UTC),
        edition="2026-01-01",
        codes_digest="00" * 32,
        findings=(),
        item=LuxuryItem.model_validate({**deal.id.told(), "kind": deal.kind, "date": deal.day}),
    )


def chained(*deals: Deal) -> Trace:
    links, standing = chain_of(deals, chain_rules())
    return Trace(CODE, operations={}, links=links, standing=standing)


def test_a_record_whose_seal_is_wrong_outweighs_all_else() -> None:
    event = Event("fma.luxury.v1", 1, 7, CODE, {}, {}, "signature", b"")
    found = Trace(CODE, broken=[event])
    assert status_of(found) == BROKEN
    assert next(lines_of(found)) == "seal signature: fma.luxury.v1/1@7"
    assert facts_of(found)["broken_seals"] == [{"partition": 1, "offset": 7, "reason": "signature"}]


def test_nothing_is_known_of_a_code_without_records() -> None:
    found = Trace(CODE)
    assert (status_of(found), list(lines_of(found))) == (UNKNOWN, ["TCZ6E-P34VK-5DMD: nothing is known of this code"])


def test_the_break_stands_below_its_operation() -> None:
    found = chained(sold(1, *PEOPLE[:2]), sold(2, *PEOPLE[2:]))
    found.operations = {link.deal.id: reported(link.deal) for link in found.links}
    lines = list(lines_of(found))
    assert status_of(found) == BREAKS
    assert lines[0].endswith("BREAKS: no such code was issued")
    assert lines[3].strip() == f"BREAKS: the seller is not the last known buyer {PEOPLE[1]} (no finding yet)"
    assert [one["kind"] for one in facts_of(found)["chain"][1]["findings"]] == ["owner"]
