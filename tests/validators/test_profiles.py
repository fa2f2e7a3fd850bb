import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.support.fm1 import Case, clean
from validators.profiles import ProfileBook, ProfileDamaged
from validators.schemas import schema_root

OLD, NEW = "2025-07-10", "2026-10-01"
LONG_NAME = f"set //JobName = {'x' * 20}"


def _add_edition(schemas: Path, *, until: str | None = None, changed: tuple[str, str] = ("", "")) -> ProfileBook:
    """The project's edition and, beside it, a copy of it that begins on 1 October 2026: data and nothing else."""
    shutil.copytree(schema_root() / "fm1" / OLD, schemas / "fm1" / OLD)
    shutil.copytree(schema_root() / "fm1" / OLD, schemas / "fm1" / NEW)
    manifest = schemas / "fm1" / NEW / "manifest.toml"
    text = manifest.read_text("utf-8").replace(f'edition = "{OLD}"', f'edition = "{NEW}"')
    manifest.write_text(text.replace(f"valid_from = {OLD}", f"valid_from = {NEW}"), "utf-8")
    schema = schemas / "fm1" / NEW / "doc.xsd"
    schema.write_text(schema.read_text("utf-8").replace(*changed), "utf-8")
    if until is not None:
        old = schemas / "fm1" / OLD / "manifest.toml"
        old.write_text(old.read_text("utf-8").replace("# No valid_to", f"valid_to = {until}\n# No valid_to"), "utf-8")
    return ProfileBook.load(schemas=schemas)


SHORTER = ('name="JobName" type="Text300"', 'name="JobName" type="Text10"')
LONGER = ('name="JobName" type="Text300"', 'name="JobName" type="Text1000"')


def test_the_known_edition_is_open_ended() -> None:
    [profile] = ProfileBook.load().family("fm1").profiles
    assert profile.edition == OLD
    assert profile.valid_to is None
    assert profile.accepted == {"doc"}
    assert profile.codes.name == OLD


def test_a_new_edition_is_a_folder_of_data_and_nothing_else(tmp_path: Path) -> None:
    book = _add_edition(tmp_path)
    assert [profile.edition for profile in book.profiles] == [OLD, NEW]
    assert book.profiles[0].valid_to == date(2026, 10, 1)
    assert Case(clean(), profiles=book).judge().edition == NEW


def test_the_day_of_the_operation_chooses_the_edition(tmp_path: Path) -> None:
    book = _add_edition(tmp_path)
    by_operation = Case(clean(), profiles=book).change("set //TransactionDate = 30.09.2026 23:59:59")
    assert by_operation.judge().edition == OLD


def test_without_an_operation_the_forms_day_chooses_the_edition(tmp_path: Path) -> None:
    changes = "set //OperationStatusId = 4 ; delete //TransactionDate ; set //LastModifyDate = 30.09.2026"
    assert Case(clean(), profiles=_add_edition(tmp_path)).change(changes).judge().edition == OLD


def test_without_both_the_day_of_sending_chooses_and_at_last_that_of_receipt(tmp_path: Path) -> None:
    book = _add_edition(tmp_path)
    changes = "delete //TransactionDate ; delete //LastModifyDate ; set //TimeStamp = 30.09.2026 10:00:00"
    assert Case(clean(), profiles=book).change(changes).judge().edition == OLD
    changes = "delete //TransactionDate ; delete //LastModifyDate ; delete //TimeStamp"
    assert Case(clean(), profiles=book).change(changes).judge().edition == NEW


def test_where_two_editions_overlap_the_newest_judges(tmp_path: Path) -> None:
    book = _add_edition(tmp_path, until="2027-01-01")
    assert Case(clean(), profiles=book).judge().edition == NEW


def test_where_two_editions_overlap_an_older_one_accepts_what_the_newest_refuses(tmp_path: Path) -> None:
    book = _add_edition(tmp_path, until="2027-01-01", changed=SHORTER)
    judgement = Case(clean(), profiles=book).change(LONG_NAME).judge()
    assert judgement.verdict.stands
    assert judgement.edition == OLD


def test_where_both_refuse_the_newest_says_why(tmp_path: Path) -> None:
    book = _add_edition(tmp_path, until="2027-01-01", changed=LONGER)
    judgement = Case(clean(), profiles=book).change("set //CurrencyCodeId = 000").judge()
    assert judgement.edition == NEW
    assert not judgement.verdict.stands


def test_after_an_edition_has_ended_it_accepts_nothing(tmp_path: Path) -> None:
    book = _add_edition(tmp_path, until="2026-11-01", changed=SHORTER)
    judgement = Case(clean(), profiles=book).change(LONG_NAME).judge()
    assert judgement.edition == NEW
    assert not judgement.verdict.stands


def test_before_the_first_edition_that_one_judges() -> None:
    [profile] = ProfileBook.load().family("fm1").on(date(2020, 1, 1))
    assert profile.edition == OLD


def test_where_no_edition_is_in_force_the_last_that_had_begun_judges(tmp_path: Path) -> None:
    book = _add_edition(tmp_path, until="2026-01-01")
    [profile] = book.family("fm1").on(date(2026, 5, 1))
    assert profile.edition == OLD


def test_a_folder_without_editions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileDamaged, match="no edition there"):
        ProfileBook.load(schemas=tmp_path)


def test_two_editions_that_begin_on_one_day_are_refused(tmp_path: Path) -> None:
    _add_edition(tmp_path)
    manifest = tmp_path / "fm1" / NEW / "manifest.toml"
    manifest.write_text(manifest.read_text("utf-8").replace(f"valid_from = {NEW}", f"valid_from = {OLD}"), "utf-8")
    with pytest.raises(ProfileDamaged, match="same day"):
        ProfileBook.load(schemas=tmp_path)


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ('codes = "2025-07-10"', 'codes = "1999-01-01"'),
        ('rules = "2025-07-10"', 'rules = "none"'),
        ("[routing]", "[routes]"),
    ],
    ids=["codes that are not there", "rules that are not there", "no routing"],
)
def test_a_damaged_manifest_is_refused_by_its_name(tmp_path: Path, line: str, other: str) -> None:
    _add_edition(tmp_path)
    manifest = tmp_path / "fm1" / NEW / "manifest.toml"
    manifest.write_text(manifest.read_text("utf-8").replace(line, other), "utf-8")
    with pytest.raises(ProfileDamaged, match=NEW):
        ProfileBook.load(schemas=tmp_path)
