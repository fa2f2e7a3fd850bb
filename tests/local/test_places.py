import multiprocessing
import time
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.local.places import Places
from gateway.local.processes import silent
from gateway.local.stack import Stack


def test_a_directory_that_holds_something_else_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    mine = tmp_path / "letters.txt"
    mine.write_text("dear")
    with pytest.raises(ConfigurationError, match="not empty and holds no local stack"):
        Places(tmp_path).claim()
    with pytest.raises(ConfigurationError, match="holds no local stack; it is left as it is"):
        Stack(tmp_path).wipe()
    assert mine.read_text() == "dear"


def test_a_directory_that_can_not_be_made_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="choose another with --dir"):
        Places(tmp_path / "file" / "stack").claim()


def test_wiping_and_stopping_what_never_was_are_harmless(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "none")
    assert stack.status().down
    assert stack.down().state == "down"
    assert not stack.wipe()
    assert not (tmp_path / "none").exists()


def test_a_stack_that_was_never_filled_is_wiped_whole(tmp_path: Path) -> None:
    places = Places(tmp_path / "stack")
    places.claim()
    places.write({"url": "http://127.0.0.1:1"})
    assert Stack(places.directory).wipe()
    assert not places.directory.exists()


def test_a_damaged_stack_file_reads_as_empty(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert places.read() == {}
    (tmp_path / "stack.json").write_text('{"url": ')
    assert places.read() == {}
    places.write({"url": "http://127.0.0.1:1"})
    assert places.read() == {"url": "http://127.0.0.1:1"}
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def hold(directory: Path, entered: Path, leave: Path) -> None:
    with Places(directory).turn(silent):
        entered.touch()
        while not leave.exists():
            time.sleep(0.01)


def test_commands_take_turns_and_a_killed_one_gives_way(tmp_path: Path) -> None:
    places = Places(tmp_path / "stack")
    places.claim()
    entered, told = tmp_path / "entered", list[str]()
    other = multiprocessing.get_context("spawn").Process(
        target=hold, args=(places.directory, entered, tmp_path / "leave")
    )
    other.start()
    while not entered.exists():
        time.sleep(0.01)

    def progress(line: str) -> None:
        told.append(line)
        other.kill()

    with places.turn(progress):
        assert told == [f"waiting for another command that is at work on {places.directory}"]
    other.join()
    other.close()
