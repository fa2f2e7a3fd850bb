"""Waiting, comparing positions, cutting batches, keeping house, reading a configuration: each by itself."""

import logging
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.client.agent.backoff import LONGEST, LONGEST_ASKED, SHORTEST, Backoff
from gateway.client.agent.batching import in_order
from gateway.client.agent.disk import Disk, level
from gateway.client.agent.housekeeping import Housekeeper
from gateway.client.agent.model import Batch, Halt, Head, Position, Trouble
from gateway.client.agent.position import Resend, compare
from gateway.client.agent.settings import read_agent_settings
from gateway.client.agent.spool import Spool
from gateway.client.agent.texts import OperatorLog
from gateway.client.agent.writer import Writer
from gateway.client.filing import asked_seconds
from gateway.client.gaming import rfc3339
from gateway.errors import ConfigurationError
from tests.client.kit import COMPLEX, NONE, TIME, write_config
from tests.client.test_spool import make_batch, new_event

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
HASHES = {1: "1" * 64, 2: "2" * 64, 3: "3" * 64}


def test_waits_double_up_to_a_minute_are_scattered_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(Random(1))
    waits = [backoff.next() for _ in range(12)]
    assert SHORTEST / 2 <= waits[0] <= SHORTEST
    assert all(LONGEST / 2 <= wait <= LONGEST for wait in waits[8:])
    assert len(set(waits)) == len(waits)
    backoff.reset()
    assert backoff.next() <= SHORTEST
    assert backoff.next(30.0) > 30.0
    assert backoff.next(10.0**9) < LONGEST_ASKED + LONGEST


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("7", 7.0), ("soon", None), ("-1", None), (format_datetime(NOW + timedelta(seconds=90)), 90.0)],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_seconds(header, NOW) == seconds


SENT = Batch(3, 21, 30, HASHES[3], b"")


@pytest.mark.parametrize(
    ("last_batch", "last_hash", "unanswered", "missing", "expected"),
    [
        (3, HASHES[3], None, (), None),
        (2, HASHES[2], SENT, (), None),
        (3, HASHES[3], SENT, (), None),
        (3, "f" * 64, SENT, (), Trouble.FORK),
        (2, "f" * 64, None, (), Trouble.FORK),
        (4, "f" * 64, None, (), Trouble.AHEAD),
        (1, HASHES[1], None, (), Resend((2, 3))),
        (1, HASHES[1], SENT, (), Resend((2,))),
        (1, HASHES[1], None, ((2, 2),), Resend((2,))),
        (0, NONE, None, (), Trouble.LOST),
    ],
)
def test_what_follows_from_a_position(
    last_batch: int,
    last_hash: str,
    unanswered: Batch | None,
    missing: tuple[tuple[int, int], ...],
    expected: Resend | Trouble | None,
) -> None:
    kept = {number: digest for number, digest in HASHES.items() if last_batch or number > 1}
    position = Position(last_batch, last_hash, 30, missing)
    outcome = compare(Head(COMPLEX, 30, 30, 3, HASHES[3], None), unanswered, position, kept.get)
    assert (outcome.trouble if isinstance(outcome, Halt) else outcome) == expected


def at(seconds: float, kind: str = "BUY-IN") -> Mapping[str, Any]:
    return {"kind": kind, "time": rfc3339(NOW + timedelta(seconds=seconds))}


@pytest.mark.parametrize(
    ("events", "together"),
    [
        ([at(0), at(1), at(2)], 3),
        ([at(100), at(50)], 2),
        ([at(0, "HEARTBEAT"), at(-3600), at(-3599)], 1),
        ([at(100), at(50), at(30)], 2),
        ([at(0), at(-3600, "CLOCK-CHANGED"), at(-3590)], 3),
        ([at(-3600)], 1),
    ],
)
def test_a_batch_ends_before_an_event_that_goes_back_in_time(events: list[Mapping[str, Any]], together: int) -> None:
    assert len(in_order(events)) == together


def test_the_disk_s_own_room_bounds_a_spool_too(tmp_path: Path) -> None:
    assert Disk(tmp_path, 1000).share(700) == pytest.approx(0.7)
    assert Disk(tmp_path, 1 << 62).share(1 << 20) > 0
    assert [level(share) for share in (0.1, 0.7, 0.9, 1.0)] == [0, 1, 2, 3]


async def test_the_operator_hears_of_each_level_once_and_received_batches_go_when_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fill(spool: Spool) -> None:
        spool.add([new_event() for _ in range(300)], 1)
        for _ in range(50):
            batch = make_batch(spool)
            assert batch is not None
            spool.add_batch(batch, TIME)
            spool.keep_receipt(batch.number, {}, int(NOW.timestamp() * 1000))

    later = NOW + timedelta(days=8)
    async with Writer(tmp_path, COMPLEX) as writer:
        await writer.call(fill)
        used = await writer.call(lambda spool: spool.used())
        disk = Disk(tmp_path, int(used / 0.95))
        keeper = Housekeeper(writer, disk, 7 * 86_400, OperatorLog("en"), lambda: NOW)
        with caplog.at_level(logging.INFO, "agent"):
            keeper._warn(0.5)
            keeper._warn(0.75)
            keeper._warn(0.75)
            keeper._warn(0.95)
            keeper._warn(0.3)
        levels = [record.levelno for record in caplog.records]
        assert levels == [logging.WARNING, logging.ERROR, logging.INFO]
        assert not await keeper._tidy(0.5)
        old = Housekeeper(writer, disk, 7 * 86_400, OperatorLog("en"), lambda: later)
        while await old._tidy(0.5):
            pass
        unsent, _oldest = await writer.call(lambda spool: spool.unsent())
        rows: list[object] = []
        assert await writer.call(lambda spool: spool.export(1, 10**6, rows.append)) == unsent == 150


async def test_a_nearly_full_spool_lets_go_of_what_was_received_an_hour_ago(tmp_path: Path) -> None:
    def fill(spool: Spool) -> None:
        spool.add([new_event()], 1)
        batch = make_batch(spool)
        assert batch is not None
        spool.add_batch(batch, TIME)
        spool.keep_receipt(1, {}, int((NOW - timedelta(hours=2)).timestamp() * 1000))

    async with Writer(tmp_path, COMPLEX) as writer:
        await writer.call(fill)
        keeper = Housekeeper(writer, Disk(tmp_path, 1 << 30), 7 * 86_400, OperatorLog("en"), lambda: NOW)
        await keeper._tidy(0.85)
        assert await writer.call(lambda spool: spool.batch(1)) is not None
        await keeper._tidy(0.92)
        assert await writer.call(lambda spool: spool.batch(1)) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"complex__id": "-A-"}, "[complex] id"),
        ({"complex__owner": "12"}, "[complex] owner"),
        ({"complex__kind": "011"}, "[complex] kind"),
        ({"complex__heartbeat_seconds": 0}, "[complex] heartbeat_seconds"),
        ({"batches__size": 5001}, "[batches] size"),
        ({"batches__size": True}, "[batches] size"),
        ({"inputs__http": "0.0.0.0:80"}, "[inputs] http"),
        ({"spool__colour": "red"}, "[spool] colour"),
        ({"log__language": "de"}, "[log] language"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, object], named: str, tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:1", **changes)
    with pytest.raises(ConfigurationError) as refused:
        read_agent_settings(path)
    assert named in str(refused.value)


def test_a_missing_setting_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:1")
    path.write_text(path.read_text("utf-8").replace('directory = "spool"\n', ""), "utf-8")
    with pytest.raises(ConfigurationError, match="directory is missing"):
        read_agent_settings(path)
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        read_agent_settings(tmp_path / "none.toml")


def test_every_text_is_there_in_three_languages_with_the_same_parameters() -> None:
    texts = tomllib.loads(files("gateway.client.agent").joinpath("texts.toml").read_text("utf-8"))
    for group in texts.values():
        for name, languages in group.items():
            assert set(languages) == {"kk", "ru", "en"}, name
            fields = [sorted(part.split("}")[0] for part in text.split("{")[1:]) for text in languages.values()]
            assert fields[0] == fields[1] == fields[2], name
    assert {f"halt-{trouble}" for trouble in Trouble} <= texts["log"].keys()
