"""Receipts: the gateway's word on one message, as a compact JWS over the facts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from gateway.model import Finding, Item, Judgement, Receipt, Series, Severity, Verdict
from gateway.sealing.jws import KeySet, sign_compact, verify_compact
from gateway.sealing.keys import KeyHolder
from gateway.sealing.refusals import SealRefused
from validators.catalogue import catalogue

ISSUER = "urn:fma-gateway"
RECEIPT_TYPE = "fma-receipt+jws"
_NOTHING: Mapping[str, Any] = MappingProxyType({})

Told = Callable[[Iterable[Finding]], list[dict[str, Any]]]
"""How findings are told: as data alone, or with a text in one language."""


async def seal_receipt(receipt: Receipt, keys: KeyHolder) -> Receipt:
    """The receipt with its JWS; the same facts under the same key are always the same bytes."""
    facts = {
        **sealed_facts(receipt),
        "iss": ISSUER,
        "iat": int(receipt.received_at.timestamp()),
        **found_facts(receipt, plain_findings),
    }
    payload = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return replace(receipt, jws=await sign_compact(payload, keys, RECEIPT_TYPE))


def read_receipt(jws: str, keys: KeySet) -> Receipt:
    """The receipt that a JWS truly seals; SealRefused otherwise."""
    payload = verify_compact(jws.strip(), keys, RECEIPT_TYPE)
    try:
        return _receipt_of(orjson.loads(payload), jws.strip())
    except (KeyError, TypeError, ValueError) as error:
        raise SealRefused("payload") from error


def receipt_facts(receipt: Receipt, lang: str) -> dict[str, Any]:
    """The JSON that a client reads: the facts, findings with their text in `kk`, `ru` or `en`, and the JWS."""
    told = found_facts(receipt, lambda findings: told_findings(findings, lang))
    return {**sealed_facts(receipt), **told, "receipt": receipt.jws}


def found_facts(judged: Receipt | Judgement, told: Told) -> dict[str, list[dict[str, Any]]]:
    """The findings, and for a message in a series its refused items, each finding as `told` gives it."""
    facts = {"findings": told(judged.findings)}
    if judged.series is not None:
        facts["items"] = [item_facts(item, told) for item in judged.items if not item.accepted]
    return facts


def series_facts(series: Series | None) -> dict[str, dict[str, Any]]:
    """The place in a series as a member `series`; nothing where there is none."""
    return {} if series is None else {"series": {"name": series.name, "number": series.number, **series.facts}}


def item_facts(item: Item, told: Told) -> dict[str, Any]:
    """A refused item: its number, its own id, the RFC 9162 leaf hash of its element, and why."""
    return {"number": item.number, "id": item.id, "leaf": item.leaf, "findings": told(item.findings)}


def plain_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings as data, in no language."""
    return [finding_facts(finding) for finding in findings]


def told_findings(findings: Iterable[Finding], lang: str) -> list[dict[str, Any]]:
    """The findings as a client reads them, each with its text in `kk`, `ru` or `en` under `message`."""
    texts = catalogue()
    return [{**finding_facts(finding), "message": texts.text(finding, lang)} for finding in findings]


def sealed_facts(receipt: Receipt) -> dict[str, Any]:
    """The facts of a receipt without its findings and items, times in RFC 3339 (UTC)."""
    return {
        "id": str(receipt.id),
        "verdict": receipt.verdict.value,
        "document": receipt.document,
        "version": receipt.version,
        "sender": receipt.sender,
        "sha256": receipt.sha256,
        "received_at": moment_text(receipt.received_at),
        "family": receipt.family,
        "message_type": receipt.message_type,
        "edition": receipt.edition,
        "codes_digest": receipt.codes_digest,
        **series_facts(receipt.series),
    }


def finding_facts(finding: Finding) -> dict[str, Any]:
    """A finding as data, in no language."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "path": finding.path,
        "line": finding.line,
        "field": finding.field,
        "value": finding.value,
        "parameters": dict(finding.parameters),
    }


def finding_of(facts: Mapping[str, Any]) -> Finding:
    """The finding that `finding_facts` described; KeyError, TypeError or ValueError where it is none."""
    return Finding(**{**facts, "severity": Severity(facts["severity"])})


@lru_cache(maxsize=256)
def moment_text(moment: datetime) -> str:
    """RFC 3339 in UTC with six decimals, such as `2026-11-22T16:45:00.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _receipt_of(facts: Mapping[str, Any], jws: str) -> Receipt:
    return Receipt(
        id=UUID(str(facts["id"])),
        verdict=Verdict(facts["verdict"]),
        document=facts["document"],
        version=facts["version"],
        sender=facts["sender"],
        sha256=facts["sha256"],
        received_at=datetime.fromisoformat(facts["received_at"]),
        family=facts["family"],
        message_type=facts["message_type"],
        edition=facts["edition"],
        codes_digest=facts["codes_digest"],
        findings=tuple(finding_of(finding) for finding in facts["findings"]),
        jws=jws,
        items=tuple(item_of(item) for item in facts.get("items", ())),
        series=series_of(facts["series"]) if "series" in facts else None,
    )


def item_of(facts: Mapping[str, Any]) -> Item:
    """The refused item that `item_facts` described, without what it said."""
    findings = tuple(finding_of(finding) for finding in facts["findings"])
    return Item(facts["number"], facts["id"], accepted=False, findings=findings, leaf=facts["leaf"], content=_NOTHING)


def series_of(facts: Mapping[str, Any]) -> Series:
    """The series that `series_facts` described."""
    rest = {name: value for name, value in facts.items() if name not in ("name", "number")}
    return Series(facts["name"], facts["number"], MappingProxyType(rest))
