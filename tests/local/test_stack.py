import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway.local.processes import PartFailed, Process
from gateway.local.stack import PARTS, Stack, StackFacts

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def gateway(*arguments: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "gateway", "local", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def answer_of(*arguments: str | Path) -> dict[str, Any]:
    status, out, problems = gateway(*arguments, "--json")
    assert status == 0, problems
    answer: dict[str, Any] = json.loads(out)
    return answer


def kill(pids: Sequence[int]) -> None:
    """Kills them at once; a judging process may end with its intake before it is its turn."""
    processes = [process for process in map(Process.of, pids) if process is not None]
    assert len(processes) == len(pids)
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    assert all(process.gone_within(5) for process in processes)


@pytest.fixture(scope="module")
def own(short_directory: Path) -> Iterator[Stack]:
    """A stack that may be damaged; the session's common one runs beside it."""
    own = Stack(short_directory / "own")
    yield own
    own.wipe()


@pytest.fixture
def running(own: Stack) -> StackFacts:
    return own.up(NOW)


def test_two_ups_at_once_make_one_stack(own: Stack) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: answer_of("up", "--dir", own.directory), range(2))
    assert first == second
    assert {"url", "database_url", "kafka", "dir", "pids"} <= first.keys()
    assert [type(first["pids"][part]) for part in PARTS] == [int, int, list, list, list]
    started = {part: len(first["pids"][part]) for part in ("intake", "relay", "oversight")}
    assert started == {"intake": 2, "relay": 1, "oversight": 1}
    assert first["dir"] == str(own.directory)
    with urllib.request.urlopen(f"{first['url']}/readyz", timeout=5) as response:  # noqa: S310 - our own URL
        assert response.status == 200
    with urllib.request.urlopen(first["metrics_url"], timeout=5) as response:  # noqa: S310 - our own URL
        assert response.status == 200


def test_a_second_directory_holds_a_second_stack(running: StackFacts, stack: StackFacts) -> None:
    assert running.up
    assert stack.up
    for fact in ("url", "database_url", "kafka", "metrics_url"):
        assert getattr(running, fact) != getattr(stack, fact)
    assert not {pid for pids in running.pids.values() for pid in pids} & {
        pid for pids in stack.pids.values() for pid in pids
    }


def test_the_keys_are_the_owners_alone(own: Stack, running: StackFacts) -> None:
    assert running.up
    assert (own.directory / "keys").stat().st_mode & 0o777 == 0o700
    assert (own.directory / "keys" / "gateway.key.pem").stat().st_mode & 0o777 == 0o600


def test_the_processes_are_not_the_callers_children(running: StackFacts) -> None:
    mine = {child.pid for child in psutil.Process().children(recursive=True)}
    assert not mine & {pid for pids in running.pids.values() for pid in pids}


def test_up_on_a_whole_stack_changes_nothing(own: Stack, running: StackFacts) -> None:
    assert own.up(NOW) == running


@pytest.mark.parametrize("part", ["intake", "relay", "oversight", "postgres"])
def test_a_killed_part_is_told_and_up_starts_it_alone(own: Stack, running: StackFacts, part: str) -> None:
    kill(running.pids[part])
    broken = own.status()
    assert broken.state == "partly up"
    assert broken.pids[part] == []
    repaired = own.up(NOW)
    assert repaired.up
    assert (repaired.url, repaired.database_url, repaired.kafka) == (running.url, running.database_url, running.kafka)
    changed = {name for name in PARTS if repaired.pids[name] != running.pids[name]}
    assert changed == {part}


def test_everything_killed_at_once_comes_up_again_where_it_was(own: Stack, running: StackFacts) -> None:
    kill([pid for part in PARTS for pid in running.pids[part]])
    assert own.status().down
    repaired = own.up(NOW)
    assert repaired.up
    assert (repaired.url, repaired.database_url, repaired.kafka) == (running.url, running.database_url, running.kafka)


def test_a_lost_stack_file_does_not_lose_the_stack(own: Stack, running: StackFacts) -> None:
    (own.directory / "stack.json").write_text("half a")
    repaired = own.up(NOW)
    assert repaired.up
    assert repaired.kafka == running.kafka
    assert repaired.pids["postgres"] == running.pids["postgres"]
    assert len(repaired.pids["intake"]) == 2


def test_a_part_that_does_not_start_is_told_and_the_others_stay(own: Stack, running: StackFacts) -> None:
    kill(running.pids["intake"])
    certificate = own.directory / "keys" / "gateway.certificate.pem"
    whole = certificate.read_bytes()
    certificate.write_bytes(b"no certificate")
    with pytest.raises(PartFailed, match=r"intake: stopped while starting(?s:.*)read on in .*intake\.log"):
        own.up(NOW)
    certificate.write_bytes(whole)
    left = own.status()
    assert left.pids == {**running.pids, "intake": []}
    assert own.up(NOW).up


def test_down_keeps_the_data_and_the_places_and_status_tells_it(own: Stack, running: StackFacts) -> None:
    down = answer_of("down", "--dir", own.directory)
    assert down["state"] == "down"
    assert down["pids"] == {"postgres": None, "kafka": None, "intake": [], "relay": [], "oversight": []}
    assert down["url"] == running.url
    assert answer_of("status", "--dir", own.directory) == down
    assert (own.directory / "postgres").is_dir()
    status, out, problems = gateway("down", "--dir", own.directory)
    assert (status, problems) == (0, "")
    assert "down" in out


def test_a_secured_stack_lets_nobody_read_without_a_user_and_its_own_commands_read_on(own: Stack) -> None:
    status, _, problems = gateway("up", "--secured", "--dir", own.up(NOW).directory)
    assert (status, "take it down first" in problems) == (2, True)
    own.down()
    facts = own.up(NOW, secured=True)
    assert facts.up
    assert facts.kafka == facts.kafka_sasl
    consume = [sys.executable, "-m", "gateway", "consume", "fma.checkpoints.v1", "--until-end"]
    stranger = [*consume, "--bootstrap", str(facts.kafka)]
    assert subprocess.run(stranger, capture_output=True, check=False).returncode == 2
    assert subprocess.run([*consume, "--dir", facts.directory], capture_output=True, check=False).returncode == 0
    own.down()
    assert own.up(NOW, secured=False).kafka != facts.kafka_sasl


def test_what_was_started_is_stopped_again_when_a_part_does_not_start(own: Stack) -> None:
    own.down()
    facts = own.directory / "kafka" / "data" / "meta.properties"
    whole = facts.read_bytes()
    facts.write_bytes(whole.replace(b"node.id=1", b"node.id=2"))
    status, out, problems = gateway("up", "--dir", own.directory, "--json")
    facts.write_bytes(whole)
    assert status == 2
    assert out == ""
    assert "PostgreSQL: starting" in problems
    assert "Kafka: stopped while starting" in problems
    assert own.status().down


def test_wipe_stops_and_deletes_all_of_it(own: Stack, stack: StackFacts) -> None:
    assert answer_of("wipe", "--dir", own.directory) == {"dir": str(own.directory), "wiped": True}
    assert not own.directory.exists()
    assert answer_of("wipe", "--dir", own.directory)["wiped"] is False
    assert Stack(stack.directory).status() == stack
