import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from gateway.local.processes import PartFailed, Process, failure, last_lines, spawn

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def eventually(log: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_spawned_process_is_nobodys_child_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    program = "import os, time; print('parent', os.getppid(), flush=True); time.sleep(60)"
    process = spawn("part", [sys.executable, "-c", program], log)
    eventually(log, "parent")
    assert process.alive()
    assert log.read_text().split()[1] != str(os.getpid())
    assert process.stop(10)
    assert not process.alive()


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    process = spawn("part", [sys.executable, "-c", STUBBORN], log)
    eventually(log, "deaf")
    assert not process.stop(0.3)
    assert not process.alive()


def test_another_process_with_the_same_id_is_not_taken_for_the_first() -> None:
    me = Process.of(os.getpid())
    assert me is not None
    assert me.alive()
    earlier = Process(me.pid, me.born - 3600)
    assert not earlier.alive()
    assert earlier.stop(0.1)
    earlier.kill()


def test_a_zombie_does_not_count_as_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        process = Process.of(child.pid)
        assert process is not None
        assert process.gone_within(10)


def test_a_process_that_never_was_is_none() -> None:
    assert Process.of(2**22 + 1) is None


def test_a_command_that_is_not_there_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    with contextlib.suppress(PartFailed):  # it may end before it is looked at
        spawn("part", ["/no/such/program"], log).gone_within(5)
    text = str(failure("part", "ended", log))
    assert text.startswith("part: ended\n")
    assert "/no/such/program: not found" in text
    assert text.endswith(f"read on in {log}")


def test_a_long_log_is_told_by_its_end(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text("\n".join(f"line {number}" for number in range(10_000)))
    assert last_lines(log, 2) == "    line 9998\n    line 9999"
    assert last_lines(tmp_path / "none.log") == ""
