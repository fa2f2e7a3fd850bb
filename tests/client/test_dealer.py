"""A dealer's sheet is filed whole or not at all, once however often it is sent, and through every interruption."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.dealer import preparing
from gateway.client.dealer.preparing import Dealer, identity_of
from gateway.client.dealer.sending import NotTaken
from gateway.client.dealer.state import Position, State, StateFails, open_state
from gateway.client.filing import NotDelivered
from gateway.client.operations import Period
from gateway.client.sheets.model import SheetRefused, column_letters
from tests.client.dealer import BIN, DEALER, NOVEMBER, NUMBERS, RING, Desk, FakeGateway, cells, repacked, rings, sheet
from validators.identifiers import is_guid

DAY = {"Date": "2026-11-03"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def cell(attribute: str, row: int) -> str:
    return f"{column_letters(NUMBERS[attribute])}{row}"


async def test_a_sheet_becomes_a_report_with_every_line_in_its_order(desk: Desk) -> None:
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", rings(3)))
    assert (outcome.lines, outcome.new, outcome.known, outcome.wrong, outcome.findings) == (3, 3, 0, 0, [])
    operations = desk.gateway.operations
    assert [one["Description"] for one in operations] == ["Кольцо 1", "Кольцо 2", "Кольцо 3"]
    assert [one["Sequence"] for one in operations] == ["1", "2", "3"]
    assert all(is_guid(one["Id"]) for one in operations)
    assert [(sent.number, sent.operations, sent.repeated) for sent in desk.sent] == [(1, 3, False)]


async def test_the_same_sheet_is_filed_once_however_often_it_is_sent(desk: Desk) -> None:
    path = sheet(desk.folder / "a.xlsx", rings(3))
    outcomes = [await desk.file(path) for _ in range(3)]
    outcome = outcomes[-1]
    assert (outcome.new, outcome.known) == (0, 3)
    assert len(desk.gateway.operations) == 3


async def test_of_a_sheet_that_grew_the_new_lines_are_filed(desk: Desk) -> None:
    await desk.file(sheet(desk.folder / "a.xlsx", rings(2)))
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", rings(5)))
    assert (outcome.new, outcome.known) == (3, 2)
    assert [one["Sequence"] for one in desk.gateway.operations] == ["1", "2", "3", "4", "5"]


async def test_lines_that_say_the_same_are_different_operations(desk: Desk) -> None:
    path = sheet(desk.folder / "a.xlsx", [RING, RING])
    assert (await desk.file(path)).new == 2
    assert (await desk.file(path)).known == 2


async def test_nothing_is_filed_where_one_line_is_wrong_and_the_cells_are_named(desk: Desk) -> None:
    wrong: list[dict[str, Any]] = [
        {"Cash": 185001},
        {"PartyKind": "IIN", "Party": "900101300018"},
        {"Date": DAY["Date"]},
        {"PureGrams": 3},
        {"Metal": "Чугун"},
    ]
    lines = [RING, *({**RING, "Description": str(nth), **change} for nth, change in enumerate(wrong)), RING]
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", lines))
    assert cells(outcome) == [
        (cell("Cash", 3), "OPS-028"),
        (cell("Party", 4), "OPS-033"),
        (cell("Date", 5), "SHT-012"),
        (cell("PureGrams", 6), "PMS-011"),
        (cell("Metal", 7), "COD-001"),
    ]
    assert (outcome.wrong, desk.gateway.bodies) == (5, [])
    assert (await desk.file(sheet(desk.folder / "a.xlsx", rings(1)))).new == 1


async def test_wrong_lines_are_left_out_where_that_is_asked_for(desk: Desk) -> None:
    lines = [*rings(2), {**RING, "Price": "=1"}, {**RING, "Cash": 999999999}]
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", lines), skip_wrong=True)
    assert (outcome.new, outcome.wrong) == (2, 2)
    assert [one["Sequence"] for one in desk.gateway.operations] == ["1", "2"]
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", [*rings(2), {**RING, "Cash": 1}]))
    assert (outcome.new, outcome.known) == (1, 2)


async def test_a_cell_that_was_not_read_is_told_once_and_the_others_of_its_line_too(desk: Desk) -> None:
    lines = [{**RING, "Price": "дорого", "PartyKind": "IIN", "Party": "1"}]
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", lines))
    assert cells(outcome) == [(cell("Price", 2), "SHT-015"), (cell("Party", 2), "OPS-033")]


async def test_every_wrong_cell_of_a_line_is_told_at_once(desk: Desk) -> None:
    unread = {**RING, **DAY, "PartyKind": "BIN", "Party": "1", "Fineness": 584}
    empty = {name: value for name, value in RING.items() if name not in {"Date", "Description"}}
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", [unread, empty, {"Kind": "Продано"}]))
    missing = ("Article", "Description", "Price", "PartyKind")
    assert sorted(cells(outcome)) == sorted(
        [
            *(
                (cell(name, 2), code)
                for name, code in (("Date", "SHT-012"), ("Party", "OPS-034"), ("Fineness", "COD-001"))
            ),
            *((cell(name, 3), code) for name, code in (("Date", "SHT-022"), ("Description", "OPS-020"))),
            *((cell(name, 4), "SHT-022" if name == "Date" else "OPS-020") for name in ("Date", *missing)),
        ]
    )


async def test_a_value_of_a_wrong_form_hides_nothing_else_of_its_line(desk: Desk) -> None:
    wrong = {"Description": "a & b", "Cash": 185001, "Metal": "Чугун", "Hallmark": "<x>"}
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", [RING, {**RING, **wrong}, {**RING, "Cash": 185001}]))
    codes = {"Description": "XML-040", "Hallmark": "XML-040", "Cash": "OPS-028", "Metal": "COD-001"}
    expected = [(cell(name, 3), code) for name, code in codes.items()] + [(cell("Cash", 4), "OPS-028")]
    assert sorted(cells(outcome)) == sorted(expected)


async def test_a_currency_that_does_not_exist_asks_for_no_price_in_tenge(desk: Desk) -> None:
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", [{**RING, "Currency": "000"}]))
    assert cells(outcome) == [(cell("Currency", 2), "COD-006")]


async def test_what_is_wrong_with_the_report_itself_refuses_the_sheet(desk: Desk) -> None:
    future = Dealer(BIN, "150", "750000000", Period(NOVEMBER.first, NOVEMBER.last.replace(month=12)))
    outcome = await desk.file(sheet(desk.folder / "a.xlsx"), future)
    assert [finding.code for finding in outcome.findings] == ["OPS-006"]
    assert desk.gateway.bodies == []


async def test_many_lines_become_several_reports_of_one_series(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "MOST_OPERATIONS", 4)
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", rings(10)))
    assert outcome.reports == 3
    assert [(sent.number, sent.operations) for sent in desk.sent] == [(1, 4), (2, 4), (3, 2)]
    assert [int(one["Sequence"]) for one in desk.gateway.operations] == list(range(1, 11))


async def test_a_report_stays_below_the_bytes_of_a_message(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "MOST_BYTES", 3_000)
    await desk.file(sheet(desk.folder / "a.xlsx", rings(10, Hallmark="x" * 60)))
    assert len(desk.sent) > 1
    assert all(len(body) < 3_000 + 6_000 for body in desk.gateway.bodies)


@pytest.mark.parametrize("step", ["lost", "down"])
async def test_after_an_interruption_the_same_bytes_go_out_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(preparing, "MOST_OPERATIONS", 2)
    path = sheet(desk.folder / "a.xlsx", rings(6))
    desk.gateway.plan = [201, *[step] * 5]
    desk.gateway.plan[0] = "ok"
    monkeypatch.setattr("gateway.client.filing.LONGEST_WAIT_SECONDS", 0.0)
    with pytest.raises(NotDelivered):
        await desk.file(path)
    desk.gateway.plan = []
    outcome = await desk.file(path)
    assert (outcome.new, outcome.known) == (0, 6)
    assert [int(one["Sequence"]) for one in desk.gateway.operations] == [1, 2, 3, 4, 5, 6]
    assert len({facts["series"]["number"] for facts in desk.gateway.accepted.values()}) == 3


async def test_a_program_that_forgot_everything_files_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MOST_OPERATIONS", 2)
    path = sheet(desk.folder / "a.xlsx", rings(5))
    await desk.file(path)
    (desk.folder / "dealer.sqlite").unlink()
    outcome = await desk.file(path)
    assert (outcome.new, outcome.known) == (0, 5)
    await desk.file(sheet(desk.folder / "b.xlsx", rings(1, Price=77, Cash=7)))
    assert [int(one["Sequence"]) for one in desk.gateway.operations] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("counts", [(3,), (2, 4)])
async def test_a_sheet_that_grew_after_the_state_was_lost_is_not_filed_twice(
    desk: Desk, counts: tuple[int, ...]
) -> None:
    for count in counts:
        await desk.file(sheet(desk.folder / "a.xlsx", rings(count)))
    (desk.folder / "dealer.sqlite").unlink()
    grown = rings(counts[-1] + 1)
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", [grown[-1], *grown[:-1]]))
    assert (outcome.new, outcome.known) == (1, counts[-1])
    assert len({one["Id"] for one in desk.gateway.operations}) == len(desk.gateway.operations) == len(grown)


async def test_two_machines_that_take_turns_file_nothing_twice(desk: Desk) -> None:
    other = Desk(desk.folder / "other", desk.gateway)
    other.folder.mkdir()
    await desk.file(sheet(desk.folder / "a.xlsx", rings(1)))
    await other.file(sheet(desk.folder / "b.xlsx", rings(2)))
    path = sheet(desk.folder / "c.xlsx", rings(3))
    with pytest.raises(NotTaken):
        await desk.file(path)
    assert ((outcome := await desk.file(path)).new, outcome.known) == (1, 2)
    assert len(desk.gateway.operations) == 3


async def test_a_sheet_with_very_many_wrong_cells_tells_the_first_and_counts_the_rest(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MOST_TOLD", 3)
    outcome = await desk.file(sheet(desk.folder / "a.xlsx", rings(5, Price="many", Grams="few")))
    assert (len(outcome.findings), outcome.untold, outcome.wrong) == (3, 7, 5)
    assert (outcome.refuses, desk.gateway.bodies) == (True, [])


def test_what_is_remembered_is_for_its_owner_s_eyes(tmp_path: Path) -> None:
    with open_state(tmp_path / "a.sqlite", "metals/1"):
        assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    with pytest.raises(StateFails), open_state(tmp_path / "nowhere" / "a.sqlite", "metals/1"):
        raise AssertionError


async def test_the_second_page_of_messages_is_not_the_first_one_again(desk: Desk) -> None:
    for count in range(1, 6):
        await desk.file(sheet(desk.folder / "a.xlsx", rings(count)))
    (desk.folder / "dealer.sqlite").unlink()
    asked = desk.gateway.questions
    assert (await desk.file(sheet(desk.folder / "a.xlsx", rings(6)))).known == 5
    assert desk.gateway.questions - asked == 3


async def test_the_gateway_is_asked_for_the_position_once(desk: Desk) -> None:
    for count in (1, 2, 3):
        await desk.file(sheet(desk.folder / "a.xlsx", rings(count)))
    assert desk.gateway.questions == 1


async def test_a_number_that_is_taken_is_asked_for_anew(desk: Desk) -> None:
    other = Desk(desk.folder / "other", desk.gateway)
    other.folder.mkdir()
    await desk.file(sheet(desk.folder / "a.xlsx", rings(1)))
    await other.file(sheet(desk.folder / "b.xlsx", rings(2, Price=5, Cash=1)))
    path = sheet(desk.folder / "c.xlsx", rings(1, Price=6, Cash=1))
    with pytest.raises(NotTaken):
        await desk.file(path)
    assert (await desk.file(path)).new == 1
    assert [int(one["Sequence"]) for one in desk.gateway.operations] == [1, 2, 3, 4]


async def test_a_refused_report_takes_no_number(desk: Desk) -> None:
    desk.gateway.plan = [422]
    path = sheet(desk.folder / "a.xlsx", rings(2))
    with pytest.raises(NotTaken, match="report 1"):
        await desk.file(path)
    await desk.file(path)
    assert [sent.number for sent in desk.sent] == [1]


async def test_a_dry_run_files_asks_and_remembers_nothing(desk: Desk) -> None:
    path = sheet(desk.folder / "a.xlsx", rings(2))
    outcome = await desk.file(path, dry_run=True)
    assert (outcome.new, desk.gateway.bodies, desk.gateway.questions) == (2, [], 0)
    assert (await desk.file(path)).new == 2


async def test_a_nil_report_is_filed_once(desk: Desk) -> None:
    await desk.file(None)
    outcome = await desk.file(None)
    assert (outcome.known, outcome.findings) == (1, [])
    [facts] = desk.gateway.accepted.values()
    assert facts["series"]["nil"] is True


async def test_a_refused_sheet_leaves_nothing_behind(desk: Desk) -> None:
    path = repacked(sheet(desk.folder / "a.xlsx"), {"xl/vbaProject.bin": b"x"})
    with pytest.raises(SheetRefused):
        await desk.file(path)
    assert (await desk.file(sheet(desk.folder / "b.xlsx", rings(1)))).new == 1


def test_a_state_is_one_dealer_s_alone(tmp_path: Path) -> None:
    with open_state(tmp_path / "s", DEALER.series):
        pass
    with pytest.raises(StateFails, match="metals/1"), open_state(tmp_path / "s", "metals/1"):
        pass


def test_two_filings_at_once_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.client.dealer.state._WAIT_SECONDS", 0.05)
    with (
        open_state(tmp_path / "s", DEALER.series) as first,
        first.transaction(),
        pytest.raises(StateFails),
        open_state(tmp_path / "s", DEALER.series) as second,
        second.transaction(),
    ):
        pass


def test_what_an_exception_leaves_is_not_kept(tmp_path: Path) -> None:
    def spoilt(state: State) -> None:
        with state.transaction():
            state.learn(Position(7, 70), ["X"], {})
            raise httpx.ConnectError("down")

    with open_state(tmp_path / "s", DEALER.series) as state:
        with pytest.raises(httpx.ConnectError):
            spoilt(state)
        assert state.position() == Position(0, 0, asked=False)
        assert not state.knows_document("X")


@given(
    values=st.dictionaries(st.sampled_from(sorted(NUMBERS)), st.text(min_size=1, max_size=20), min_size=1),
    nth=st.integers(0, 10_000),
)
def test_an_identity_follows_from_the_line_alone(values: dict[str, str], nth: int) -> None:
    backwards = dict(reversed(values.items()))
    assert identity_of(DEALER, values, nth) == identity_of(DEALER, backwards, nth)
    assert identity_of(DEALER, values, nth) != identity_of(DEALER, values, nth + 1)
    assert is_guid(identity_of(DEALER, values, nth))


def test_the_fake_gateway_is_none_of_the_dealer_s_business() -> None:
    assert FakeGateway().operations == []


def test_a_file_that_is_no_database_is_not_called_busy(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_text("no database, but long enough to be taken for one" * 20, "utf-8")
    with pytest.raises(StateFails, match=r"not a database$"), open_state(path, "metals/1"):
        raise AssertionError
