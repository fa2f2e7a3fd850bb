"""The complex hears at once what the gateway would say, and the agent and the judge never disagree."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from gateway.client.agent.checking import read_event
from gateway.client.agent.model import NewEvent
from gateway.client.agent.rules import by_the_rules
from gateway.client.envelopes import Envelope, new_guid
from gateway.client.gaming import BatchHeader, batch_xml, rfc3339
from gateway.sealing.xmldsig import sign_xml
from tests.client.kit import COMPLEX, OWNER, credentials
from validators.judge import judge
from validators.model import Circumstances
from validators.parsing import parse
from validators.profiles import ProfileBook

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


def event(**more: Any) -> dict[str, Any]:
    content = {"id": new_guid(), "kind": "BUY-IN", "unit": "DESK-1", "time": rfc3339(NOW), "amount": "10"}
    return {name: value for name, value in {**content, "means": "CASH", **more}.items() if value is not None}


CASES = [
    (event(), []),
    (event(kind="HEARTBEAT", amount=None, means=None), []),
    (event(player="800101300126", player_kind="IIN"), ["player"]),
    (event(kind="CREDIT", means=None), []),
    (event(kind="NO-SUCH"), ["kind"]),
    (event(means="SHELLS"), ["means"]),
    (event(amount=None), ["amount"]),
    (event(amount="-1"), ["amount"]),
    (event(amount="1,5"), ["amount"]),
    (event(coin_in=4), ["coin_in"]),
    (event(time=rfc3339(NOW + timedelta(hours=2))), ["time"]),
    (event(time="1900-01-01T00:00:00.000Z"), ["time"]),
    (event(kind="POWER", outcome="SOFT", amount=None, means=None), ["outcome"]),
    (event(unit="desk one"), ["unit"]),
    (event(kind="CANCEL", original=new_guid(), original_sequence=3, reason="twice", amount=None, means=None), []),
    (event(id=str(new_guid()).lower()), []),
]


@pytest.mark.parametrize(("content", "members"), CASES)
def test_the_agent_says_of_an_event_what_the_judge_says(content: Mapping[str, Any], members: list[str]) -> None:
    outcome = read_event(json.dumps(content).encode(), NOW, by_the_rules, None)
    if isinstance(outcome, NewEvent):
        assert members == []
        assert judged({"sequence": 7, **outcome.content}) == []
        return
    assert [finding.member for finding in outcome] == members
    assert all(set(finding.texts) == {"kk", "ru", "en"} for finding in outcome)
    assert judged({"sequence": 7, **content}) == [finding.code for finding in outcome]


def judged(content: Mapping[str, Any]) -> list[str]:
    root = batch_xml(Envelope(OWNER, "093", NOW), BatchHeader(COMPLEX, 1), [content])
    body = sign_xml(root, credentials().key, [credentials().certificate], "UTF-8")
    assert isinstance(root, etree._Element)
    judgement = judge(parse(body), Circumstances(NOW, "093"), ProfileBook.load())
    assert judgement.verdict.stands, judgement.findings
    return [finding.code for item in judgement.items for finding in item.findings]
