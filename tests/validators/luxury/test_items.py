from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes.editions import load_codebook
from validators.luxury.items import ItemReading, luxury_tables
from validators.luxury.vehicles import has_right_check_digit, is_vin, vin_check_digit

DAY = date(2026, 11, 28)
TABLES = luxury_tables(DAY)
AMERICAN, GERMAN, CHINESE = "1M8GDM9AXKP042788", "WDB1240221J041234", "LSVNV4189A2012345"
vins = st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=13, max_size=13).map(lambda text: f"W{text[1:]}0042")
typed_vins = vins.flatmap(lambda vin: st.tuples(st.just(vin), st.sampled_from(range(1, 16)), st.booleans()))


def item(item_class: str, **given_: str) -> ItemReading:
    return TABLES.read_item(item_class, given_)


def codes_of(reading: ItemReading) -> list[str]:
    return [finding.code for finding in reading.findings]


@pytest.mark.parametrize("vin", [AMERICAN, "11111111111111111", "5GZCZ43D13S812715"])
def test_the_check_digit_of_a_known_vin_is_right(vin: str) -> None:
    assert has_right_check_digit(vin)


def test_every_wrong_digit_of_an_american_vin_is_an_error_and_a_european_has_no_check_digit() -> None:
    for digit in "0123456789":
        assert codes_of(item("CAR", vin=AMERICAN[:8] + digit + AMERICAN[9:])) == ["LUX-012"]
        assert item("CAR", vin=GERMAN[:8] + digit + GERMAN[9:]).stands
    chinese = CHINESE[:8] + vin_check_digit(CHINESE) + CHINESE[9:]
    assert item("CAR", vin=chinese).stands
    wrong = "0" if chinese[8] != "0" else "1"
    assert codes_of(item("CAR", vin=chinese[:8] + wrong + chinese[9:])) == ["LUX-012"]


@given(typed_vins)
def test_a_vin_is_the_same_thing_however_it_is_typed(typed: tuple[str, int, bool]) -> None:
    vin, place, lower = typed
    assert is_vin(vin)
    written = f"{vin[:place]}-{vin[place:]} ".translate(str.maketrans("ABCEHKMPTXY01", "АВСЕНКМРТХУOI"))
    again = item("CAR", vin=written.lower() if lower else written)
    assert again.values == {"vin": vin}
    assert again.digest == item("CAR", vin=vin).digest


@given(vins, vins)
def test_two_vins_are_two_things(one: str, other: str) -> None:
    assert (item("CAR", vin=one).digest == item("CAR", vin=other).digest) is (one == other)


@pytest.mark.parametrize(
    "vin", ["", "WDB124022", AMERICAN + "1", "QDB1240221J041234", "WDB1240221J04123X", "0DB1240221J041234"]
)
def test_what_is_no_vin_is_an_error(vin: str) -> None:
    assert codes_of(item("CAR", vin=vin)) in (["LUX-010"], ["LUX-011"])


@pytest.mark.parametrize("usual", ["777 AAA 02", "777ааа02", "123 AB 16", "A 777 AAA", "12 AA 02"])
def test_usual_registration_numbers_pass(usual: str) -> None:
    assert item("CAR", vin=GERMAN, registration=usual).findings == ()


def test_another_registration_number_is_a_warning_and_never_part_of_the_identity() -> None:
    foreign = item("CAR", vin=GERMAN, registration="B-XY 1234E")
    assert codes_of(foreign) == ["LUX-013"]
    assert foreign.stands
    assert foreign.digest == item("CAR", vin=GERMAN).digest
    assert codes_of(item("CAR", registration="777 AAA 02")) == ["LUX-004"]


@pytest.mark.parametrize(
    ("item_class", "typed", "same"),
    [
        ("VESSEL", {"hull": "FR-ABC12345A717"}, {"hull": "fr abc l2345 a7i7".replace("l", "I")}),
        ("AIRCRAFT", {"tail": "UP-B5701"}, {"tail": "up b5701"}),
        (
            "AIRCRAFT",
            {"maker": "Gulfstream", "serial": "5 123"},
            {"maker": "GULFSTREAM", "serial": "5123", "tail": "UP-B5701"},
        ),
        ("REAL-ESTATE", {"cadastral": "20-313-012-1234"}, {"cadastral": "20313012:1234"}),
        ("REAL-ESTATE", {"cadastral": "21:318:052:035:1/A:3"}, {"cadastral": "21 318 052 035 1/а 3"}),
        ("JEWELLERY", {"certificate": "GIA 2141438171"}, {"certificate": "gia-2141438171"}),
        ("WATCH", {"maker": "Rolex", "serial": "Z123456"}, {"maker": "ROLEХ", "serial": "z 123-456"}),
        ("CAR", {"maker": "Toyota", "serial": "JZX100-0012345"}, {"maker": "тоyота", "serial": "jzx100 0012345"}),
    ],
)
def test_the_same_thing_is_found_again(item_class: str, typed: dict[str, str], same: dict[str, str]) -> None:
    first, second = TABLES.read_item(item_class, typed), TABLES.read_item(item_class, same)
    assert first.stands, codes_of(first)
    assert second.stands, codes_of(second)
    assert first.digest == second.digest


def test_groups_of_a_cadastral_number_are_not_run_together() -> None:
    one, other = item("REAL-ESTATE", cadastral="20-313-012-12-34"), item("REAL-ESTATE", cadastral="20-313-012-123-4")
    assert one.stands
    assert other.stands
    assert one.digest != other.digest


def test_the_first_whole_set_of_identifiers_makes_the_thing() -> None:
    by_vin = item("CAR", vin=GERMAN, maker="Mercedes-Benz", serial="1")
    assert [one.kind for one in by_vin.identity] == ["vin"]
    assert [one.kind for one in by_vin.beside] == ["maker", "serial"]
    assert codes_of(item("CAR", maker="Mercedes-Benz")) == ["LUX-004"]


@pytest.mark.parametrize(
    ("item_class", "given_", "code"),
    [
        ("TANK", {"vin": GERMAN}, "LUX-001"),
        ("WATCH", {"maker": "A", "serial": "1", "vin": GERMAN}, "LUX-002"),
        ("WATCH", {"maker": "A", "serial": "1" * 101}, "LUX-003"),
        ("VESSEL", {"hull": "FR-ABC12345N717"}, "LUX-014"),
        ("AIRCRAFT", {"tail": "12345"}, "LUX-015"),
        ("REAL-ESTATE", {"cadastral": "20-313"}, "LUX-016"),
        ("JEWELLERY", {"certificate": "2141438171"}, "LUX-017"),
        ("WATCH", {"maker": "- -", "serial": "1"}, "LUX-018"),
    ],
)
def test_what_can_not_be_is_refused_by_name(item_class: str, given_: dict[str, str], code: str) -> None:
    reading = TABLES.read_item(item_class, given_)
    assert codes_of(reading) == [code]
    assert not reading.stands


@given(st.sampled_from([entry.code for entry in TABLES.classes]), st.text(max_size=120), st.text(max_size=120))
def test_no_text_breaks_the_reading_and_what_was_read_reads_the_same_again(item_class: str, one: str, two: str) -> None:
    kinds = TABLES.ranks[item_class]
    reading = TABLES.read_item(item_class, dict(zip(kinds, (one, two), strict=False)))
    if reading.stands:
        again = TABLES.read_item(item_class, reading.values)
        assert (again.values, again.digest) == (reading.values, reading.digest)


def test_a_mark_behind_a_folded_letter_reads_as_it_is_kept() -> None:
    kept = item("WATCH", maker="0", serial="\N{MICRO SIGN}\N{ACUTE ACCENT}").values
    assert TABLES.read_item("WATCH", kept).values == kept


def test_thresholds_follow_the_index_of_the_year() -> None:
    assert TABLES.threshold("CAR", DAY) == 77_850_000
    assert TABLES.threshold("AIRCRAFT", DAY) == 103_800_000
    assert TABLES.threshold("CIGARS", date(2020, 1, 1)) == 10_000
    assert TABLES.threshold("CAR", date(2025, 12, 31)) is None
    assert TABLES.threshold("TANK", DAY) is None


def test_the_proposed_kinds_of_operation_meet_no_official_one() -> None:
    official = {entry.code for entry in load_codebook().table("operation_kinds", on=DAY)}
    proposed = [entry.code for entry in TABLES.edition.table("luxury_operation_kinds")]
    assert all(code.startswith("9") for code in proposed)
    assert not any(code.startswith("9") for code in official)
