"""The capacity model is arithmetic on figures that were measured, and the page holds what it says."""

from dataclasses import replace

from bench.capacity import SCALE, Load, plan, read_figures, with_tables

FAMILIES, ASSUMED, LOADS = read_figures()


def test_the_page_on_scale_has_the_tables_that_the_figures_give() -> None:
    page = SCALE.read_text(encoding="utf-8")
    assert with_tables(page) == page


def test_twice_the_load_needs_twice_the_cores_and_the_disk() -> None:
    for load in LOADS:
        family = FAMILIES[load.family]
        once, twice = plan(load, family, ASSUMED), plan(replace(load, rate=2 * load.rate), family, ASSUMED)
        assert abs(twice.intake_cores - 2 * once.intake_cores) <= 1
        assert abs(twice.journal_tib_day - 2 * once.journal_tib_day) < 1e-6
        assert twice.ledgers >= 2 * once.ledgers - 1


def test_the_arithmetic_of_one_load_done_by_hand() -> None:
    assumed = replace(ASSUMED, utilisation=0.5, peak_to_mean=2, replicas_postgres=2)
    family = replace(
        FAMILIES["fm1"], intake_us=1000, relay_us=100, oversight_us=0, journal_bytes=1024, oversight_bytes=0
    )
    found = plan(Load("fm1", "by hand", 10_000), family, assumed)
    assert found.intake_cores == 20
    assert found.ledgers == 2
    assert found.journal_tib_day == 5_000 * 1024 * 2 * 86_400 / (1 << 40)


def test_a_small_load_needs_one_ledger_one_primary_and_three_brokers() -> None:
    found = plan(Load("fm1", "a test", 1), FAMILIES["fm1"], ASSUMED)
    assert (found.ledgers, found.primaries, found.brokers) == (1, 1, 3)


def test_commits_are_the_wall_where_everything_else_is_cheap() -> None:
    family = replace(FAMILIES["fm1"], relay_us=0, oversight_us=0)
    found = plan(Load("fm1", "many", 100_000), family, ASSUMED)
    assert found.ledger_wall == "commits, one at a time"
    assert found.ledgers == 4
