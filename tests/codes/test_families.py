"""Editions of different families stand side by side and never end each other."""

import shutil
from datetime import date

import pytest
from click.testing import CliRunner

from codes.editions import CodeBook, UnknownEdition
from gateway.__main__ import main
from tests.codes.conftest import FIRST, OWN, Editions

GAMING = "gaming-2026-01-01"
DAY = date(2026, 11, 28)


def test_an_edition_of_another_family_supersedes_nothing(book: CodeBook) -> None:
    assert book.on(DAY).name == FIRST
    assert book.on(DAY).open_ended
    assert book.on(DAY, "gaming").name == GAMING
    assert book.valid_on(DAY) == (book.edition(FIRST),)
    assert book.valid_on(DAY, "gaming") == (book.edition(GAMING),)
    assert book.families[0] == "order13"


def test_a_later_edition_ends_its_own_family_alone(editions: Editions) -> None:
    shutil.copytree(OWN / GAMING, editions.root / GAMING)
    editions.add("2026-04-01", "2026-04-01")
    book = editions.load()
    assert [edition.name for edition in book.editions] == [FIRST, GAMING, "2026-04-01"]
    assert book.edition(FIRST).valid_to == date(2026, 4, 1)
    assert book.edition(GAMING).open_ended
    assert (book.on(DAY).name, book.on(DAY, "gaming").name) == ("2026-04-01", GAMING)


def test_before_its_first_edition_a_family_has_that_one(book: CodeBook) -> None:
    assert book.on(date(2001, 1, 1), "gaming").name == GAMING


def test_a_family_that_has_no_edition_is_named(book: CodeBook) -> None:
    with pytest.raises(UnknownEdition, match="unheard-of"):
        book.on(DAY, "unheard-of")


def test_a_table_is_found_in_whichever_family_holds_it(book: CodeBook) -> None:
    assert book.table("deal_kinds", DAY).edition == FIRST
    assert book.table("event_kinds", DAY).edition == GAMING


def test_everything_of_the_gaming_family_is_marked_as_proposed(book: CodeBook) -> None:
    for table in book.edition(GAMING).tables.values():
        assert {entry.mark for entry in table} == {"proposed"}, table.name


def test_the_command_shows_tables_of_every_family_with_their_mark() -> None:
    listed = CliRunner().invoke(main, ["codes", "list"])
    assert listed.exit_code == 0
    assert "event_kinds" in listed.output
    assert "deal_kinds" in listed.output
    looked_up = CliRunner().invoke(main, ["codes", "lookup", "event_kinds", "DOOR", "--lang", "ru"])
    assert looked_up.output.startswith("DOOR  Дверца [proposed]")
    shown = CliRunner().invoke(main, ["codes", "show", "winnings", "--edition", GAMING])
    assert "LOTTERY-PAID 092 CASH" in shown.output
    assert "[proposed]" in shown.output
