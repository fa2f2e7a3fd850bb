from bench.goals import Goal, held, load_goals
from tests.bench.results import results


def test_every_goal_has_exactly_one_bound() -> None:
    goals = load_goals()
    assert len(goals) == 12
    assert all([goal.ratio, goal.least, goal.most].count(None) == 2 for goal in goals)


def test_a_goal_is_held_against_every_figure_that_its_name_matches() -> None:
    goals = [Goal("*", "all", least=100), Goal("fm1.*", "rates", least=100), Goal("none", "nothing", most=1)]
    assert [each.verdict for each in held(results(), goals)] == ["missed", "met", "not measured"]


def test_a_goal_by_ratio_is_missed_where_there_is_no_ceiling() -> None:
    figure = results()["measures"]["fm1"]["figures"][0]
    assert not Goal("fm1.readable", "ratio", ratio=0.6).met(figure)
    assert Goal("fm1.readable", "ratio", ratio=0.5).met(figure)
    assert not Goal("fm1.readable", "ratio", ratio=0.5).met({**figure, "ratio": None})
