"""`gateway trace`: the chain of one thing, from its code to its last owner."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from gateway.commands.common import directory_option, json_option
from gateway.commands.keys import jwks_option, trusted_keys
from gateway.commands.luxury import end, say
from gateway.consumer import Trace
from gateway.consumer import trace as read_trace
from gateway.settings import READER, read_settings
from validators.luxury.chains import ChainFinding, Link, Remark
from validators.luxury.unique_codes import CodeRefused, UniqueCode
from validators.operations.deals import Deal
from validators.totals import written

WHOLE, BREAKS, UNKNOWN, BROKEN = 0, 1, 2, 4
NOBODY = "?"
_TOLD: Mapping[Remark, str] = {
    Remark.OWNER: "BREAKS: the seller is not the last known buyer {expected}",
    Remark.PRICE: "the price is far from the last one, {last}",
    Remark.NEW: "new a second time: it was new on {after[date]}",
}


@click.command()
@click.argument("code")
@click.option("--bootstrap", metavar="HOST:PORT", help="Kafka; by default the local stack's, or the environment's.")
@click.option("--every-partition", is_flag=True, help="Read the whole topic: for one that was given more partitions.")
@jwks_option
@directory_option
@json_option
def trace(
    code: str, bootstrap: str | None, every_partition: bool, jwks: str | None, directory: Path | None, as_json: bool
) -> None:
    """Prints the whole chain of the thing that has the code CODE, each record verified: for the FMA's side.

    Exit status: 0 the chain is whole, 1 something in it does not hold, 2 nothing is known of the code, 4 a seal is
    wrong.
    """
    settings = read_settings(os.environ, directory)
    server, keys = settings.bootstrap(READER, bootstrap), trusted_keys(settings, jwks)
    try:
        found = asyncio.run(read_trace(code, bootstrap=server, keys=keys, every_partition=every_partition))
    except CodeRefused as refused:
        end(UNKNOWN, {"code": code, "known": False}, [f"{code}: no code of a thing ({refused.fault.value})"], as_json)
    say(facts_of(found), list(lines_of(found)), as_json=as_json)
    sys.exit(status_of(found))


def status_of(found: Trace) -> int:
    """The exit status for what was found."""
    if found.broken:
        return BROKEN
    if not found.known:
        return UNKNOWN
    return WHOLE if found.whole else BREAKS


def lines_of(found: Trace) -> Iterator[str]:
    """The chain in words, a line an operation, what does not hold below it."""
    shown = UniqueCode(found.code).grouped
    if found.broken:
        yield from (f"seal {one.seal}: {one.topic}/{one.partition}@{one.offset}" for one in found.broken)
    if not found.known:
        yield f"{shown}: nothing is known of this code"
        return
    yield _issue_line(shown, found)
    for link in found.links:
        yield _deal_line(link.deal)
        yield from (f"    {_remark_line(found, one)}" for one in link.findings)
    yield from (f"  {one.day}  {one.kind} {one.id.guid} was withdrawn or replaced" for one in found.withdrawn)
    yield _end_line(found)


def facts_of(found: Trace) -> dict[str, Any]:
    """The chain for machines."""
    return {
        "code": found.code,
        "known": found.known,
        "whole": found.whole and not found.broken,
        "issued": found.issued.model_dump(mode="json", by_alias=True) if found.issued else None,
        "chain": [_link_facts(found, link) for link in found.links],
        "withdrawn": [one.id.told() for one in found.withdrawn],
        "owner": found.standing.owner,
        "broken_seals": [
            {"partition": one.partition, "offset": one.offset, "reason": one.seal} for one in found.broken
        ],
    }


def _link_facts(found: Trace, link: Link) -> dict[str, Any]:
    deal = link.deal
    return {
        **deal.id.told(),
        "kind": deal.kind,
        "date": deal.day.isoformat(),
        "seller": deal.seller,
        "buyer": deal.buyer,
        "price": None if deal.price is None else written(deal.price),
        "condition": deal.condition,
        "operation_code": deal.code,
        "findings": [
            {"kind": one.remark.value, "detail": dict(one.detail), "published": _published(found, one)}
            for one in link.findings
        ],
    }


def _issue_line(shown: str, found: Trace) -> str:
    if found.issued is None:
        return f"{shown}: BREAKS: no such code was issued"
    told = found.issued
    identifiers = ", ".join(f"{name} {value}" for name, value in told.issued.identifiers.items())
    return f"{shown}: {told.issued.item_class}, {identifiers}; issued {told.received_at.date()} to {told.sender}"


def _deal_line(deal: Deal) -> str:
    price = "no price" if deal.price is None else f"{written(deal.price)} tenge"
    condition = f", {deal.condition.lower()}" if deal.condition else ""
    return f"  {deal.day}  {deal.kind}  {deal.seller or NOBODY} -> {deal.buyer or NOBODY}  {price}{condition}"


def _remark_line(found: Trace, one: ChainFinding) -> str:
    published = _published(found, one)
    told = f"finding {published}" if published else "no finding yet"
    return f"{_TOLD[one.remark].format(**one.detail)} ({told})"


def _published(found: Trace, one: ChainFinding) -> str | None:
    finding = found.finding_at(one.deal, one.remark.value)
    return str(finding.id) if finding is not None and finding.state == "open" else None


def _end_line(found: Trace) -> str:
    remarks = sum(len(link.findings) for link in found.links)
    owner = f"owner {found.standing.owner}" if found.standing.owner else "no owner is known"
    verdict = "whole" if found.whole else f"{remarks} finding(s)"
    return f"{len(found.links)} operation(s), {owner}: {verdict}"
