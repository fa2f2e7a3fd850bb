"""`gateway agent` on the command line: init, status, export, repair, and their exit statuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.client.agent.agent import only_one
from gateway.client.agent.model import Halt, Trouble
from gateway.client.agent.settings import read_agent_settings
from gateway.client.agent.spool import FILE, Spool, read_spool
from gateway.commands.agent import agent
from tests.client.kit import COMPLEX, FakeGateway, write_config
from tests.client.test_spool import make_batch, new_event


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(agent, [str(argument) for argument in arguments])


def fill(place: Path, halt: Halt | None = None) -> None:
    def work(spool: Spool) -> None:
        spool.add([new_event() for _ in range(4)], 1)
        for answered in (True, False):
            batch = make_batch(spool, 2)
            assert batch is not None
            spool.add_batch(batch, "2026-11-28T08:00:00.000Z")
            if answered:
                spool.keep_receipt(1, {"id": "r-1", "verdict": "accepted", "received_at": "then"}, 1)
        spool.halt(halt)

    read_spool(place / "spool", COMPLEX, work)


def last_hash(place: Path, number: int) -> str:
    return read_spool(place / "spool", COMPLEX, lambda spool: spool.hash_of(number)) or ""


def test_init_writes_a_configuration_that_is_read_and_leaves_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    done = run("init", "--config", path, "--complex", "KZ-9", "--owner", "050140000017", "--url", "http://127.0.0.1:1/")
    assert done.exit_code == 0
    settings = read_agent_settings(path)
    assert (settings.complex, settings.url, settings.batch_size) == ("KZ-9", "http://127.0.0.1:1", 500)
    before = path.read_bytes()
    assert run("init", "--config", path).exit_code != 0
    assert path.read_bytes() == before


def test_status_says_what_is_unsent_and_which_fm1_is_due(fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url)
    fill(tmp_path)
    due = {
        "id": "o-1", "deadline": "2026-11-30T18:59:59Z", "operation": "0121", "player": "800101300000",
        "day": "2026-11-27", "total": "1200000", "reported": "0", "overdue": False,
    }  # fmt: skip
    following = "/v1/obligations?state=open&after=o-1&limit=20"
    fake.pages["/v1/obligations?state=open"] = {"obligations": [due], "next": following}
    fake.pages[following] = {"obligations": [due], "next": None}
    done = run("status", "--config", config)
    assert done.exit_code == 1, "events of 1970 are older than an hour"
    assert "4, 2 not received yet" in done.output
    assert "batch 1, accepted, r-1" in done.output
    assert "FM-1 due  2026-11-30T18:59:59Z  operation 0121  player 800101300000" in done.output
    told = json.loads(run("status", "--config", config, "--json").output)
    assert (told["queued"], told["running"], told["obligations"]) == (2, False, [due, due])


def test_status_stands_without_the_gateway(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9")
    done = run("status", "--config", config)
    assert (done.exit_code, "not asked" in done.output) == (0, True)
    assert run("status", "--config", config, "--offline").exit_code == 0


def test_status_says_that_the_complex_is_not_registered(fake: FakeGateway, tmp_path: Path) -> None:
    fake.registered = False
    done = run("status", "--config", write_config(tmp_path, fake.url))
    assert (done.exit_code, "does not know this complex" in done.output) == (1, True)


def test_a_stopped_series_needs_somebody(fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url)
    fill(tmp_path, Halt(Trouble.REFUSED, 2, "GAM-004 the complex is suspended", "r-2"))
    fake.pages["/v1/obligations?state=open"] = {"obligations": []}
    done = run("status", "--config", config)
    assert done.exit_code == 1
    assert "STOPPED     at batch 2: GAM-004" in done.output


def test_export_writes_events_and_receipts(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9")
    fill(tmp_path)
    done = run("export", "--config", config, "2", "4", "-o", tmp_path / "out.jsonl")
    assert done.exit_code == 0, done.output
    rows = [json.loads(row) for row in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["sequence"] for row in rows[:3]] == [2, 3, 4]
    assert [(row["batch"], bool(row["receipt"])) for row in rows[3:]] == [(1, True), (2, False)]


def test_repair_makes_a_refused_batch_anew(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9")
    fill(tmp_path, Halt(Trouble.REFUSED, 2, "suspended"))
    assert run("repair", "--config", config, "--reason", "resumed").exit_code == 0
    head = read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head())
    assert (head.last_batch, head.batched_event, head.last_event, head.halt) == (1, 2, 4, None)
    assert head.last_hash == last_hash(tmp_path, 1)


@pytest.mark.parametrize("ticket", [True, False])
def test_repair_numbers_on_behind_what_the_gateway_has(*, ticket: bool, fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url)
    fill(tmp_path, Halt(Trouble.FORK, 2, "another batch has this number"))
    tickets = [{"kind": "fork", "id": "t-1"}] if ticket else []
    fake.forced_position = {
        "last_batch": 5, "last_batch_hash": "ab" * 32, "last_event": 10, "open_tickets": tickets,
    }  # fmt: skip
    done = run("repair", "--config", config, "--reason", "restored from a copy")
    assert done.exit_code == 0, done.output
    assert "goes on with batch 6; events that were not received moved on by 8 numbers" in done.output
    head = read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head())
    assert (head.last_batch, head.last_hash, head.batched_event, head.last_event) == (5, "ab" * 32, 10, 12)
    assert [row["Repairs"] for row in fake.repairs] == (["FORK"] if ticket else [])


def test_repair_changes_nothing_when_it_can_t_ask_or_must_not(fake: FakeGateway, tmp_path: Path) -> None:
    fill(tmp_path, Halt(Trouble.AHEAD, 5, "ahead"))
    away = write_config(tmp_path, "http://127.0.0.1:9")
    assert run("repair", "--config", away, "--reason", "x").exit_code == 3
    fake.forced_position = {"last_batch": 0, "last_batch_hash": "0" * 64, "last_event": 0}
    behind = write_config(tmp_path, fake.url)
    assert run("repair", "--config", behind, "--reason", "x").exit_code == 1
    assert read_spool(tmp_path / "spool", COMPLEX, lambda spool: spool.head()).halt is not None


def test_repair_of_a_chain_files_the_right_hash(fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url)
    fill(tmp_path)
    done = run("repair", "--config", config, "--reason", "a disk was replaced", "--chain", "2")
    assert done.exit_code == 0, done.output
    assert fake.repairs == [
        {
            "ComplexId": COMPLEX,
            "BatchSequence": "2",
            "Repairs": "CHAIN",
            "PreviousBatchHash": last_hash(tmp_path, 1),
            "Reason": "a disk was replaced",
        }
    ]
    assert run("repair", "--config", config, "--reason", "x", "--chain", "9").exit_code == 1


def test_run_says_what_is_wrong_by_its_exit_status(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9")
    with only_one(tmp_path / "spool"):
        assert run("run", "--config", config, "--until-sent").exit_code == 3
        assert json.loads(run("status", "--config", config, "--offline", "--json").output)["running"]
    (tmp_path / "spool" / FILE).write_bytes(b"damaged " * 1000)
    assert run("run", "--config", config, "--until-sent").exit_code == 4


def test_a_repair_that_the_gateway_refuses_changes_nothing(fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url)
    fill(tmp_path)
    fake.plan.append(403)
    done = run("repair", "--config", config, "--reason", "x", "--chain", "2")
    assert (done.exit_code, "refused the repair: no" in done.output) == (1, True)


def test_what_was_deleted_here_and_is_not_there_can_t_be_repaired(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9")
    fill(tmp_path, Halt(Trouble.LOST, 1, "gone"))
    assert run("repair", "--config", config, "--reason", "x").exit_code == 1


def test_repair_of_what_is_in_order_does_nothing(tmp_path: Path) -> None:
    done = run("repair", "--config", write_config(tmp_path, "http://127.0.0.1:9"), "--reason", "x")
    assert (done.exit_code, "nothing was done" in done.output) == (0, True)
