from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.editions import CodeTableDamaged, load_codebook
from codes.manifest import TableManifest, sha256_of
from codes.reading import Origin, read_table
from codes.usual import is_usual
from tests.codes.conftest import Editions

NEW = "2026-04-01"
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 1)


def test_a_new_edition_is_a_folder_of_data_and_nothing_else(editions: Editions) -> None:
    editions.add(NEW, NEW)
    editions.replace("deal_kinds.tsv", "33\tПереводы", "34\tПереводы", NEW)
    editions.promise("deal_kinds", NEW)
    book = editions.load()
    assert [edition.name for edition in book.editions] == ["2025-07-10", NEW]
    assert (book.on(MARCH).name, book.on(APRIL).name) == ("2025-07-10", NEW)
    assert book.table("deal_kinds", MARCH).get("33", MARCH) is not None
    assert book.table("deal_kinds", MARCH).get("34", MARCH) is None
    assert book.table("deal_kinds", APRIL).get("33", APRIL) is None
    assert book.table("deal_kinds", APRIL).get("34", APRIL) is not None
    assert book.editions[0].digest != book.editions[1].digest


def test_an_open_ended_edition_ends_where_the_next_begins(editions: Editions) -> None:
    editions.add(NEW, NEW)
    first, second = editions.load().editions
    assert (first.valid_to, first.open_ended) == (APRIL, False)
    assert (second.valid_to, second.open_ended) == (None, True)


def test_editions_that_overlap_by_their_manifests_are_both_in_force_newest_first(editions: Editions) -> None:
    editions.add(NEW, NEW)
    editions.close("2025-07-10", "2026-05-01")
    book = editions.load()
    names = {
        day: [edition.name for edition in book.valid_on(date.fromisoformat(day))]
        for day in ("2026-03-31", "2026-04-01", "2026-04-30", "2026-05-01")
    }
    assert names == {
        "2026-03-31": ["2025-07-10"],
        "2026-04-01": [NEW, "2025-07-10"],
        "2026-04-30": [NEW, "2025-07-10"],
        "2026-05-01": [NEW],
    }
    assert book.on(date(2026, 4, 15)).name == NEW


def test_a_day_after_the_last_edition_gets_the_last_and_none_is_in_force(editions: Editions) -> None:
    editions.close("2025-07-10", "2026-05-01")
    book = editions.load()
    assert book.on(date(2026, 6, 1)) is book.editions[0]
    assert book.valid_on(date(2026, 6, 1)) == ()


def test_a_gap_between_editions_is_refused(editions: Editions) -> None:
    editions.add(NEW, NEW)
    editions.close("2025-07-10", "2026-03-01")
    with pytest.raises(CodeTableDamaged, match="from 2026-03-01 to 2026-04-01 no edition is in force"):
        editions.load()


def test_two_editions_that_begin_together_are_refused(editions: Editions) -> None:
    editions.add(NEW, "2025-07-10")
    with pytest.raises(CodeTableDamaged, match="it begins on 2025-07-10, as the edition 2025-07-10 does"):
        editions.load()


def test_an_edition_that_ends_before_it_begins_is_refused(editions: Editions) -> None:
    editions.close("2025-07-10", "2025-07-10")
    with pytest.raises(CodeTableDamaged, match="valid_to is not after valid_from"):
        editions.load()


def test_an_edition_without_the_table_of_usual_operations_cannot_tell(editions: Editions) -> None:
    manifest = editions.file("manifest.toml")
    text, _, _ = manifest.read_text("utf-8").partition("[tables.usual_operations]")
    manifest.write_text(text, "utf-8")
    editions.file("usual_operations.tsv").unlink()
    assert is_usual(editions.load().editions[0], "093", "0121") is None


def test_a_closed_entry_is_found_on_its_days_alone(editions: Editions) -> None:
    text = editions.file("deal_kinds.tsv").read_text("utf-8").splitlines()
    dated = [f"{text[0]}\tvalid_from\tvalid_to"]
    dated += [f"{line}\t\t2026-01-01" if line.startswith("33\t") else f"{line}\t\t" for line in text[1:]]
    dated.append("33\tНовое\tЖаңа\tNew\t2026-02-01\t")
    editions.file("deal_kinds.tsv").write_text("\n".join(dated) + "\n", "utf-8")
    editions.promise("deal_kinds")
    table = editions.load().editions[0].tables["deal_kinds"]
    old, new = table.get("33", date(2025, 12, 31)), table.get("33", date(2026, 2, 1))
    assert old is not None
    assert new is not None
    assert (old.names["en"], new.names["en"]) == ("Transfers between head company and branch", "New")
    assert table.get("33", date(2026, 1, 1)) is None
    assert table.get("33") is new
    assert [entry.line for entry in table.under("33", on=date(2026, 3, 1))] == [new.line]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CodeTableDamaged, match=r"nowhere: there is no such folder"):
        load_codebook(tmp_path / "nowhere")


def test_a_folder_without_an_edition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodeTableDamaged, match="it holds no edition"):
        load_codebook(tmp_path)


Interval = tuple[date | None, date | None]
DAYS = st.dates(date(2025, 1, 1), date(2025, 1, 20))
FAR = date(2025, 2, 1)


@given(st.lists(st.tuples(st.none() | DAYS, st.none() | DAYS), min_size=1, max_size=4))
def test_intervals_of_a_code_are_taken_exactly_when_no_day_has_two_entries(intervals: list[Interval]) -> None:
    rows = [f"01\tname\t{since or ''}\t{until or ''}" for since, until in intervals]
    raw = "\n".join(["code\tname_en\tvalid_from\tvalid_to", *rows]).encode()
    manifest = TableManifest(
        file="t.tsv",
        title={"kk": "t", "ru": "t", "en": "t"},
        source="test",
        provenance="proposed",
        complete=True,
        key=["code"],
        names={"en": "name_en"},
        rows=len(rows),
        sha256=sha256_of(raw),
    )
    spans = [(since or date.min, until or date.max) for since, until in intervals]
    days = [date(2024, 12, 31) + timedelta(days=step) for step in range(40)]
    alone = all(sum(since <= day < until for since, until in spans) <= 1 for day in days)
    right = alone and all(since < until for since, until in spans)
    try:
        table = read_table(Origin("t", "e", "d", "t.tsv"), raw, manifest)
    except CodeTableDamaged:
        assert not right
        return
    assert right
    for day in days:
        found = table.get("01", day)
        assert (found is not None) == any(since <= day < until for since, until in spans)
        assert found is None or found.valid_on(day)
