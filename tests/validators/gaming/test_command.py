"""`gateway validate` tells of messages with events what the gateway would."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.__main__ import main
from tests.support.gaming import GamingCase, example
from validators.gaming.messages import BATCH, MESSAGES

AT = ("--at", "2026-11-28T08:21:00", "--kind", "093")


def _validate(place: Path, case: GamingCase, *options: str) -> Result:
    file = place / "message.xml"
    file.write_bytes(case.body())
    return CliRunner().invoke(main, ["validate", str(file), *AT, *options])


@pytest.mark.parametrize("message_type", MESSAGES)
def test_a_clean_message_is_accepted_without_a_server(tmp_path: Path, message_type: str) -> None:
    result = _validate(tmp_path, GamingCase(example(message_type)))
    assert result.exit_code == 0
    assert "accepted (edition 2026-01-01)" in result.output


def test_refused_events_stand_under_items_as_in_a_receipt(tmp_path: Path) -> None:
    case = GamingCase(example(BATCH)).change("delete //Event[3]/@Means ; offline")
    result = _validate(tmp_path, case, "--json", "--lang", "ru")
    assert result.exit_code == 0
    told = json.loads(result.output)
    [item] = told["items"]
    [online] = [item for item in case.judge().items if not item.accepted]
    assert (item["number"], item["id"], item["leaf"]) == (online.number, online.id, online.leaf)
    assert [finding["code"] for finding in item["findings"]] == ["GAM-020"]
    assert "нет обязательного атрибута `Means`" in item["findings"][0]["message"]
    assert [finding["code"] for finding in told["findings"]] == ["ITM-001"]
    assert told["verdict"] == "accepted with warnings"


def test_refused_events_are_told_in_text(tmp_path: Path) -> None:
    result = _validate(tmp_path, GamingCase(example(BATCH)).change("delete //Event[3]/@Means"))
    assert "item 3 5F1C0000-0000-4000-8000-000000000003: refused" in result.output
    assert "The event BUY-IN lacks the required attribute `Means`" in result.output


def test_a_refused_batch_ends_with_status_1(tmp_path: Path) -> None:
    result = _validate(tmp_path, GamingCase(example(BATCH)).change("set //Total[1]/@Count = 7"), "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["verdict"] == "refused"
    assert "items" not in told
