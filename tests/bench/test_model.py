import pytest

from bench.model import LESS, MORE, Figure, ratio_of, spread


def test_a_spread_tells_median_range_and_noise() -> None:
    told = spread((90.0, 110.0, 100.0))
    assert (told["median"], told["low"], told["high"]) == (100.0, 90.0, 110.0)
    assert told["noise"] == pytest.approx(0.1)
    assert told["values"] == [90.0, 110.0, 100.0]


def test_a_median_of_nothing_has_no_noise() -> None:
    assert spread((0.0, 0.0))["noise"] == 0.0


@pytest.mark.parametrize(("better", "expected"), [(MORE, 0.5), (LESS, 2.0)])
def test_a_ratio_of_one_is_equal_and_less_is_further_from_the_ceiling(better: str, expected: float) -> None:
    assert ratio_of(50.0, 100.0, better) == expected


def test_a_ratio_by_nothing_is_none() -> None:
    assert ratio_of(50.0, 0.0, MORE) is None


def test_a_figure_without_a_ceiling_has_no_ratio() -> None:
    facts = Figure("startup", "s", (1.0, 2.0, 3.0)).to_json()
    assert (facts["ratio"], facts["bare"], facts["gateway"]["median"]) == (None, None, 2.0)


def test_a_figures_ratio_is_that_of_the_medians() -> None:
    assert Figure("fm1", "messages/s", (1.0, 60.0, 999.0), (100.0, 1.0, 999.0)).ratio == 0.6
