from pathlib import Path

from bench.guard import RECORDED, TURNS, best, compared, read_recorded, written

RATIOS = {"verdict": 0.6, "fm1": 0.5}


def test_ratios_that_stay_or_fall_by_less_than_a_third_pass() -> None:
    assert compared({"verdict": 0.41, "fm1": 0.9}, RATIOS) == []


def test_a_ratio_that_falls_by_more_than_a_third_is_told_with_what_to_do() -> None:
    (complaint,) = compared({"verdict": 0.39, "fm1": 0.5}, RATIOS)
    assert "verdict has fallen to 0.39 from 0.60" in complaint
    assert "1.5 times the CPU" in complaint
    assert "--only verdict" in complaint
    assert "--record" in complaint


def test_what_is_measured_and_recorded_must_be_the_same() -> None:
    missing, new = compared({"verdict": 0.6, "relay": 1.0}, RATIOS)
    assert "fm1 is recorded and no longer measured" in missing
    assert "relay is not recorded" in new


def test_recorded_ratios_are_read_as_they_were_written(tmp_path: Path) -> None:
    (tmp_path / "recorded.toml").write_text(written(RATIOS), encoding="utf-8")
    assert read_recorded(tmp_path / "recorded.toml") == RATIOS


def test_the_repository_records_the_ratios_that_the_guard_measures() -> None:
    assert set(read_recorded(RECORDED)) == {"verdict", "gaming-verdict", "fm1"}


def test_turns_end_when_one_is_enough_and_the_best_counts() -> None:
    turns = iter([0.2, 0.5, 0.9])
    assert best(lambda: next(turns), 0.4) == 0.5
    assert next(turns) == 0.9


def test_a_ratio_that_never_is_enough_takes_all_turns() -> None:
    turns = [0.3, 0.1, *[0.2] * (TURNS - 2)]
    assert best(iter(turns).__next__, 0.4) == 0.3
