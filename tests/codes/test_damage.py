from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codes.editions import CodeTableDamaged
from codes.manifest import read_manifest
from codes.reading import Origin, read_table
from tests.codes.conftest import FIRST, OWN, Editions

Damage = Callable[[Editions], None]
RAW = (OWN / FIRST / "deal_kinds.tsv").read_bytes()
MANIFEST = read_manifest("manifest.toml", (OWN / FIRST / "manifest.toml").read_bytes()).tables["deal_kinds"]


def changed(old: str, new: str, table: str = "deal_kinds") -> Damage:
    """A table changed and the change promised, so that the checksum says nothing."""
    return lambda editions: editions.rewrite(table, old, new)


def promised(old: str, new: str) -> Damage:
    """A manifest changed."""
    return lambda editions: editions.replace("manifest.toml", old, new)


def folder_in_place(editions: Editions) -> None:
    """A folder where a table should be."""
    editions.file("deal_kinds.tsv").unlink()
    editions.file("deal_kinds.tsv").mkdir()


CASES: dict[str, tuple[Damage, str]] = {
    "a byte changed": (
        lambda editions: editions.replace("deal_kinds.tsv", "Gift contract", "Gift c0ntract"),
        r"deal_kinds\.tsv: its SHA-256 is \w{64}, manifest\.toml promises \w{64}: the file was changed\. Restore",
    ),
    "a row removed": (
        lambda editions: editions.replace("deal_kinds.tsv", "31\tПеревод собственных средств", ""),
        r"deal_kinds\.tsv: its SHA-256 is",
    ),
    "a count that is wrong": (
        promised("rows = 33\n", "rows = 34\n"),
        r"deal_kinds\.tsv: it holds 33 rows, manifest\.toml promises 34",
    ),
    "a code twice": (
        changed("02\tДоговор купли", "01\tДоговор купли"),
        r"deal_kinds\.tsv, line 3: the code 01 stands already on line 2\. Keep one of the two",
    ),
    "an empty code": (changed("02\tДоговор", "\tДоговор"), "line 3: the column code is empty"),
    "white space in a code": (changed("02\tДоговор", "02 \tДоговор"), "line 3: code '02 ' has white space"),
    "no Kazakh name": (
        changed("\tСыйға беру шарты\t", "\t\t"),
        "line 5: the column name_kk is empty, the table demands a name there",
    ),
    "a name in some languages only": (
        changed("\tЖаңа хабарлама\t", "\t\t", "form_values"),
        r"form_values\.tsv, line 2: the column meaning_kk is empty",
    ),
    "a cell too many": (changed("\tGift contract", "\tGift contract\t"), "line 5: the row has 5 cells, the heading 4"),
    "an empty line": (changed("\n03\t", "\n\n03\t"), "line 4: the row has 0 cells, the heading 4"),
    "a broken quote": (changed("04\t", '04\t"a"b'), "line 5: .*expected after"),
    "a quote left open": (changed("\tGift", '\t"Gift'), "line 5: unexpected end of data"),
    "a column missing": (
        changed("code\tname_ru\tname_kk", "code\tname_ru\tname_qq"),
        r"line 1: the column name_kk is missing, manifest\.toml speaks of it",
    ),
    "a column twice": (changed("name_kk\tname_en", "name_en\tname_en"), "line 1: the column name_en stands twice"),
    "a byte order mark": (changed("code\t", "\ufeffcode\t"), "line 1: it begins with a byte order mark"),
    "an empty heading": (changed("code\t", "\ncode\t"), "line 1: there is no row of column names"),
    "an unknown mark": (
        changed("New message\tobserved", "New message\trumoured", "form_values"),
        "line 2: the provenance 'rumoured' begins with none of official",
    ),
    "no mark where each entry needs one": (
        changed("New message\tobserved", "New message\t", "form_values"),
        "line 2: the provenance '' begins with none of",
    ),
    "a kind of entity that does not exist": (
        changed("093\tgambling", "999\tgambling", "usual_operations"),
        r"usual_operations\.tsv, line \d+: entity_kind '999' is not in reporting_entity_kinds\.code",
    ),
    "a reference to no column": (
        promised('"operation_kinds.group"', '"operation_kinds.grp"'),
        r"operation_group refers to operation_kinds\.grp, which is no column",
    ),
    "an exception for no row": (promised('["4.2", ', '["4.3", '), "an exception for '4.3', no row has it"),
    "a file that no manifest knows": (
        lambda editions: editions.file("notes.txt").touch(),
        r"notes\.txt: manifest\.toml does not know this file",
    ),
    "a file beside the editions": (
        lambda editions: (editions.root / "notes.txt").touch(),
        r"notes\.txt: a file stands beside the editions",
    ),
    "a table's file missing": (
        lambda editions: editions.file("deal_kinds.tsv").unlink(),
        r"deal_kinds\.tsv: the file is missing, manifest\.toml promises it\. Restore",
    ),
    "a folder in a file's place": (
        folder_in_place,
        r"deal_kinds\.tsv: it cannot be read: Is a directory",
    ),
    "a manifest missing": (
        lambda editions: editions.file("manifest.toml").unlink(),
        r"2025-07-10: it has no manifest\.toml",
    ),
    "a folder of another name": (
        promised(f'name = "{FIRST}"', 'name = "2025"'),
        r"manifest\.toml: it names the edition 2025, the folder is 2025-07-10",
    ),
    "one file for two tables": (
        promised('file = "deal_kinds.tsv"', 'file = "participant_kinds.tsv"'),
        r"the tables participant_kinds and deal_kinds name the same file participant_kinds\.tsv",
    ),
    "a file outside the folder": (
        promised('file = "deal_kinds.tsv"', 'file = "../deal_kinds.tsv"'),
        r"manifest\.toml: tables\.deal_kinds\.file: String should match",
    ),
    "a manifest that is no TOML": (promised("valid_from = ", "valid_from "), r"manifest\.toml: it is not TOML: "),
    "an unknown promise": (promised("valid_from = ", "valid_form = "), r"valid_form: Extra inputs"),
    "a title in two languages": (
        promised('title = { kk = "Мәмілелердің түрлері", ru', "title = { ru"),
        r"tables\.deal_kinds: .*the title lacks the language kk",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_damage_is_refused_with_its_place_and_what_to_do(editions: Editions, case: str) -> None:
    damage, message = CASES[case]
    damage(editions)
    with pytest.raises(CodeTableDamaged, match=message) as caught:
        editions.load()
    assert str(editions.root) in caught.value.place
    assert caught.value.remedy


def test_a_manifest_in_another_encoding_is_refused(editions: Editions) -> None:
    text = editions.file("manifest.toml").read_text("utf-8")
    editions.file("manifest.toml").write_bytes(text.encode("utf-16"))
    with pytest.raises(CodeTableDamaged, match=r"manifest\.toml: byte 0 is not UTF-8"):
        editions.load()


def test_a_table_in_another_encoding_is_refused_with_its_line(editions: Editions) -> None:
    lines = editions.file("reporting_entity_kinds.tsv").read_bytes().split(b"\n")
    lines[3] = "014\tБанк\tБанк\tBank".encode("windows-1251")
    editions.file("reporting_entity_kinds.tsv").write_bytes(b"\n".join(lines))
    editions.promise("reporting_entity_kinds")
    with pytest.raises(CodeTableDamaged, match="line 4: the text is not UTF-8"):
        editions.load()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("2026-01-01\t2026-01-01",), "line 2: valid_to 2026-01-01 is not after valid_from 2026-01-01"),
        (("01.01.2026\t",), "line 2: valid_from '01.01.2026' is no date"),
        (("\t2026-01-02", "2026-01-01\t"), "line 3: the code 01 overlaps in time with line 2"),
        (("2026-01-01\t", "\t2026-01-02"), "line 3: the code 01 overlaps in time with line 2"),
        (("2025-01-01\t", "2026-01-01\t"), "line 3: the code 01 overlaps in time with line 2"),
    ],
)
def test_entries_of_one_code_may_not_overlap_in_time(editions: Editions, rows: tuple[str, ...], message: str) -> None:
    text = "code\tname_ru\tname_kk\tname_en\tvalid_from\tvalid_to\n"
    text += "".join(f"01\tа\tә\ta\t{row}\n" for row in rows)
    editions.file("deal_kinds.tsv").write_text(text, "utf-8")
    editions.promise("deal_kinds")
    with pytest.raises(CodeTableDamaged, match=message):
        editions.load()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_one_changed_byte_anywhere_in_a_table_is_noticed(at: int, change: int) -> None:
    damaged = bytearray(RAW)
    damaged[at] ^= change
    with pytest.raises(CodeTableDamaged, match="its SHA-256 is"):
        read_table(Origin("deal_kinds", FIRST, "", "deal_kinds.tsv"), bytes(damaged), MANIFEST)
