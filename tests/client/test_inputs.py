"""Every way in: what is taken is answered with its number, what is not with the reason, in three languages."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.agent.checking import LONGEST_LINE, form_alone, read_event
from gateway.client.agent.disk import Disk
from gateway.client.agent.inputs.folder import Folder
from gateway.client.agent.inputs.http import LARGEST_BODY, PATH, listening_http
from gateway.client.agent.inputs.lines import LineSplitter, listening_socket
from gateway.client.agent.model import NewEvent, Told
from gateway.client.agent.taking import Taker
from gateway.client.agent.texts import OperatorLog, told
from gateway.client.agent.writer import Writer
from gateway.client.envelopes import Envelope, new_guid
from gateway.client.gaming import BatchHeader, batch_xml
from gateway.errors import ConfigurationError
from tests.client.kit import COMPLEX, OWNER, FakeGateway, line, write_config

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
MEBIBYTE = 1 << 20


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    async with Writer(tmp_path / "spool", COMPLEX) as running:
        yield running


@pytest.fixture
def make_taker(writer: Writer, tmp_path: Path) -> Callable[..., Taker]:
    def make(limit: int = 64 * MEBIBYTE, check: Any = form_alone) -> Taker:
        return Taker(writer, check, Disk(tmp_path, limit), lambda: NOW, lambda: None)

    return make


@pytest.fixture
def taker(make_taker: Callable[..., Taker]) -> Taker:
    return make_taker()


def codes(answer: Any) -> list[str]:
    return [finding["code"] for finding in answer["findings"]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"{", "AGT-001"),
        (b"[1]", "AGT-001"),
        (b"\xff\xfe", "AGT-001"),
        (line(sequence=4), "AGT-002"),
        (line(colour="red"), "AGT-002"),
        (b'{"kind": "DOOR"}', "AGT-003"),
        (b'{"unit": "M-1"}', "AGT-003"),
        (line(amount=1.5), "AGT-004"),
        (line(amount=None), "AGT-004"),
        (line(amount=True), "AGT-004"),
        (line(unit=7), "AGT-004"),
        (line(count=-1), "AGT-004"),
        (line(count=2**63), "AGT-004"),
        (line(reason="a" * 301), "AGT-004"),
        (line(reason="null\x00"), "AGT-004"),
        (line(reason="two\nlines"), "AGT-004"),
        (line(reason={"a": 1}), "AGT-004"),
        (line(id="17"), "AGT-005"),
        (line(original="x"), "AGT-005"),
        (line(time="28.11.2026 13:10:00"), "AGT-006"),
        (line(time="2026-11-28T13:10:00+05:00"), "AGT-006"),
        (line(time="2026-13-28T13:10:00.000+05:00"), "AGT-006"),
        (b" " * (LONGEST_LINE + 1), "AGT-010"),
    ],
)
async def test_a_wrong_line_is_answered_with_its_finding(written: bytes, expected: str, taker: Taker) -> None:
    answer = (await taker.take([written]))[0]
    assert codes(answer) == [expected]
    assert set(answer["findings"][0]["message"]) == {"kk", "ru", "en"}


@given(
    st.dictionaries(
        st.sampled_from(["id", "kind", "unit", "time", "amount", "reason", "count", "player", "x"]),
        st.one_of(st.text(max_size=400), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text())),
    )
)
def test_whatever_is_taken_can_be_written_into_a_batch(members: dict[str, Any]) -> None:
    content = {"kind": "DOOR", "unit": "M-1"} | members
    outcome = read_event(json.dumps(content).encode(), NOW, form_alone, None)
    if isinstance(outcome, NewEvent):
        batch_xml(Envelope(OWNER, "093", NOW), BatchHeader(COMPLEX, 1), [{"sequence": 1, **outcome.content}])
    else:
        assert all(isinstance(finding, Told) for finding in outcome)


async def test_id_and_time_are_given_where_they_are_missing(taker: Taker, writer: Writer) -> None:
    answer = (await taker.take([b'{"kind": "DOOR", "unit": "M-1", "outcome": "OPENED", "stake": 5}']))[0]
    kept = (await writer.call(lambda spool: spool.unbatched(1, 10**6)))[0]
    assert kept["time"] == "2026-11-28T08:00:00.000Z"
    assert kept["id"] == answer["id"]
    assert kept["stake"] == "5"


async def test_an_id_again_answers_the_same_number_and_other_contents_are_refused(taker: Taker) -> None:
    name = new_guid()
    first, again, other = await taker.take([line(id=name), line(id=name.lower()), line(id=name, amount="11")])
    assert first == {"id": name, "sequence": 1}
    assert again == {"id": name, "sequence": 1, "repeated": True}
    assert codes(other) == ["AGT-007"]


async def test_the_rules_of_the_family_are_asked_before_a_number_is_given(make_taker: Callable[..., Taker]) -> None:
    def check(content: Any, _now: datetime) -> list[Told]:
        return [told("AGT-002", "unit", content["unit"])] if content["unit"] == "M-9" else []

    good, bad, next_one = await make_taker(check=check).take([line(), line(unit="M-9"), line()])
    assert (good["sequence"], codes(bad), next_one["sequence"]) == (1, ["AGT-002"], 2)


async def test_a_disk_that_fails_is_told_and_nothing_is_taken(taker: Taker, writer: Writer) -> None:
    await writer.call(lambda spool: spool._db.execute("PRAGMA max_page_count = 20"))
    answers = await taker.take([line() for _ in range(1_000)])
    assert {code for answer in answers for code in codes(answer)} == {"AGT-009"}
    await writer.call(lambda spool: spool._db.execute("PRAGMA max_page_count = 100000"))
    assert (await taker.take([line()]))[0]["sequence"] == 1


async def test_a_full_spool_refuses_what_is_new_and_keeps_what_it_has(make_taker: Callable[..., Taker]) -> None:
    taker = make_taker(limit=200_000)
    taken = 0
    answer: Any = {}
    for _ in range(200):
        answers = await taker.take([line() for _ in range(50)])
        taken += sum("sequence" in answer for answer in answers)
        answer = answers[-1]
        if "findings" in answer:
            break
    assert codes(answer) == ["AGT-008"]
    assert 50 <= taken < 2_000
    assert "sequence" in (await make_taker().take([line()]))[0]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_lines_are_the_same_however_the_stream_is_cut(data: bytes, cuts: list[int]) -> None:
    splitter = LineSplitter()
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[first:last] for first, last in itertools.pairwise(places)]
    lines = [found for piece in pieces for found in splitter.feed(piece)] + splitter.end()
    assert lines == [one for one in data.split(b"\n") if one.strip()]


def test_a_line_without_end_costs_bounded_memory_and_one_answer() -> None:
    splitter = LineSplitter()
    lines = [found for _ in range(50) for found in splitter.feed(b"x" * 10_000)]
    lines += splitter.feed(b"yy\nnext\n")
    assert [len(found) for found in lines] == [LONGEST_LINE + 1, 4]
    assert len(splitter._rest) == 0


async def test_the_socket_answers_line_by_line(taker: Taker, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    async with listening_socket(path, taker):
        assert path.stat().st_mode & 0o777 == 0o660
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line() + b"\n\n{\n" + line()[:10])
        assert json.loads(await reader.readline())["sequence"] == 1
        assert codes(json.loads(await reader.readline())) == ["AGT-001"]
        writer.write_eof()
        assert codes(json.loads(await reader.readline())) == ["AGT-001"]
        writer.close()
    assert not path.exists()


async def test_http_answers_each_line_and_a_status_for_all(make_taker: Callable[..., Taker]) -> None:
    typed = {"Content-Type": "application/x-ndjson"}
    async with (
        listening_http("127.0.0.1", 0, make_taker()) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        fine = await client.post(PATH, content=line() + b"\n" + line(), headers=typed)
        mixed = await client.post(PATH, content=line() + b"\n{", headers=typed)
        plain = await client.post(PATH, content=line(), headers={"Content-Type": "text/plain"})
        large = await client.post(PATH, content=b" " * (LARGEST_BODY + 1), headers=typed)
        other = [await client.get(PATH), await client.post("/", content=b"", headers=typed)]
    assert [fine.status_code, mixed.status_code, plain.status_code, large.status_code] == [200, 422, 415, 413]
    assert [answer.status_code for answer in other] == [405, 404]
    assert [json.loads(answer)["sequence"] for answer in fine.text.splitlines()] == [1, 2]
    assert json.loads(mixed.text.splitlines()[0])["sequence"] == 3
    async with (
        listening_http("127.0.0.1", 0, make_taker(limit=1)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        assert (await client.post(PATH, content=line(), headers=typed)).status_code == 507


async def test_an_address_that_is_taken_is_named(taker: Taker, tmp_path: Path) -> None:
    async with listening_http("127.0.0.1", 0, taker) as port:
        with pytest.raises(ConfigurationError, match=str(port)):
            await listening_http("127.0.0.1", port, taker).__aenter__()
    with pytest.raises(ConfigurationError, match="can't be made"):
        await listening_socket(tmp_path / "no" / "such" / "a.sock", taker).__aenter__()


async def run_folder(folder: Folder, until: Callable[[], bool]) -> None:
    task = asyncio.create_task(folder.run())
    async with asyncio.timeout(10):
        while not until():
            await asyncio.sleep(0.02)
    task.cancel()


async def test_files_go_to_done_or_failed_with_what_was_wrong(taker: Taker, tmp_path: Path) -> None:
    place = tmp_path / "events"
    folder = Folder(place, taker, OperatorLog("ru"))
    folder.prepare()
    (place / "1.jsonl").write_bytes(line() + b"\n" + line() + b"\n")
    (place / "2.jsonl").write_bytes(line() + b"\n\n{\n")
    (place / "3.jsonl.tmp").write_bytes(line())
    await run_folder(folder, (place / "failed" / "2.jsonl").exists)
    assert (place / "done" / "1.jsonl").exists()
    assert (place / "3.jsonl.tmp").exists()
    errors = [json.loads(row) for row in (place / "failed" / "2.jsonl.error").read_text("utf-8").splitlines()]
    assert [(row["line"], codes(row)) for row in errors] == [(2, ["AGT-001"])]


async def test_a_file_that_is_read_again_doubles_nothing(taker: Taker, tmp_path: Path, writer: Writer) -> None:
    place = tmp_path / "events"
    folder = Folder(place, taker, OperatorLog("en"))
    folder.prepare()
    for number in range(2):
        (place / "shift.jsonl").write_bytes(b'{"kind": "DOOR", "unit": "M-1", "outcome": "OPENED"}\n' * 3)
        name = "shift.jsonl" + (f".{number}" if number else "")
        await run_folder(folder, (place / "done" / name).exists)
    assert (await writer.call(lambda spool: spool.head())).last_event == 3


async def test_a_file_waits_while_the_disk_is_full(
    make_taker: Callable[..., Taker], tmp_path: Path, writer: Writer
) -> None:
    place = tmp_path / "events"
    folder = Folder(place, make_taker(limit=1), OperatorLog("en"))
    folder.prepare()
    (place / "1.jsonl").write_bytes(line())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(folder.run(), 0.5)
    assert (place / "1.jsonl").exists()
    roomy = Folder(place, make_taker(), OperatorLog("en"))
    await run_folder(roomy, (place / "done" / "1.jsonl").exists)
    assert (await writer.call(lambda spool: spool.head())).last_event == 1


@pytest.mark.parametrize("way", ["pipe", "file"])
def test_standard_input_is_answered_on_standard_output(way: str, fake: FakeGateway, tmp_path: Path) -> None:
    config = write_config(tmp_path, fake.url, inputs__stdin=True)
    data = b"\n".join(line() for _ in range(300)) + b"\n{"
    source = tmp_path / "input.jsonl"
    source.write_bytes(data)
    command = [sys.executable, "-m", "gateway", "agent", "run", "--until-sent", "--config", str(config)]
    if way == "pipe":
        done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False)
    else:
        descriptor = os.open(source, os.O_RDONLY)
        done = subprocess.run(command, stdin=descriptor, capture_output=True, timeout=60, check=False)
        os.close(descriptor)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    numbers = [answer["sequence"] for answer in answers[:-1]]
    assert len(set(numbers)) == 300
    assert numbers == sorted(numbers)
    assert codes(answers[-1]) == ["AGT-001"]
    assert len(fake.events()) == 301
    fake.assert_whole()
