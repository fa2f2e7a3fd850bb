"""Receipts, judgements and keys for tests of what is sealed."""

import functools
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import strategies as st

from gateway.model import Finding, Judgement, Receipt, Severity, Verdict
from gateway.sealing.generation import make_gateway_key
from gateway.sealing.keys import LocalKeyHolder

MOMENT = datetime(2026, 11, 22, 16, 45, 0, 123456, tzinfo=UTC)


@functools.cache
def holder(number: int = 0) -> LocalKeyHolder:
    issued = make_gateway_key(f"TEST GATEWAY {number}", MOMENT)
    return LocalKeyHolder.from_pem(issued.key, issued.certificate)


def finding(code: str, severity: Severity = Severity.ERROR, value: str | None = "121") -> Finding:
    return Finding(
        code=code,
        severity=severity,
        path="/ExportData/SignedData/Data/Root/MessageInformation/ViewOperationId",
        line=7,
        field="3.1",
        value=value,
        parameters={"table": "operation_kinds", "nearest": "0121"},
    )


def receipt(*findings: Finding, verdict: Verdict = Verdict.ACCEPTED, document: str | None = None) -> Receipt:
    return Receipt(
        id=UUID("01936d3a-0000-7000-8000-000000000001"),
        verdict=verdict,
        document=document,
        version=None,
        sender="230941821107",
        sha256="ab" * 32,
        received_at=MOMENT,
        family="fm1",
        message_type="doc",
        edition="2025-07-10",
        codes_digest="cd" * 32,
        findings=findings,
    )


def judgement(of: Receipt) -> Judgement:
    return Judgement(
        verdict=of.verdict,
        findings=of.findings,
        family=of.family,
        message_type=of.message_type,
        edition=of.edition,
        codes_digest=of.codes_digest,
        topic="fma.fm1.threshold.v1",
        document=of.document,
        version=of.version,
        content={"Sender": "CASINO", "Participants": {"Participant": [{"@Code": "1"}]}},
    )


texts = st.text(max_size=30)
findings = st.builds(
    Finding,
    code=st.from_regex(r"[A-Z]{3}-[0-9]{3}", fullmatch=True),
    severity=st.sampled_from(Severity),
    path=texts,
    line=st.none() | st.integers(1, 10**6),
    field=st.none() | texts,
    value=st.none() | texts,
    parameters=st.dictionaries(texts, texts, max_size=3),
)
receipts = st.builds(
    Receipt,
    id=st.uuids(),
    verdict=st.sampled_from(Verdict),
    document=st.none() | st.uuids().map(lambda each: str(each).upper()),
    version=st.none() | st.uuids().map(lambda each: str(each).upper()),
    sender=st.from_regex(r"[0-9]{12}", fullmatch=True),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    received_at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive, values are not
    family=st.sampled_from(["fm1", "luxury"]),
    message_type=texts,
    edition=texts,
    codes_digest=texts,
    findings=st.lists(findings, max_size=3).map(tuple),
)
