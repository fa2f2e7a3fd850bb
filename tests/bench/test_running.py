from pathlib import Path

import pytest

from bench.__main__ import main, parser, plan_of
from bench.generator import plain_generator
from bench.model import Outcome
from bench.running import MEASURES, run
from bench.workshop import QUICK, Plan, Workshop
from gateway.errors import Unavailable


def plan(*given: str) -> Plan:
    return plan_of(parser().parse_args(given))


def test_options_change_the_plan_they_name_alone() -> None:
    assert plan() == Plan()
    assert plan("--quick") == QUICK
    assert plan("--quick", "--repeats", "7").repeats == 7
    assert plan("--stored", "0", "50").stored == (0, 50)
    assert plan("--messages", "9").repeats == Plan().repeats


@pytest.mark.parametrize("wrong", [("--repeats", "0"), ("--only", "nothing"), ("--repeats", "x"), ("unknown",)])
def test_wrong_options_end_with_status_2(wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage: bench" in capsys.readouterr().err


def test_a_measure_that_fails_is_a_fault_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_workshop: Workshop) -> Outcome:
        raise Unavailable("Kafka is away")

    made = {"verdict": failing, "agent": lambda _workshop: Outcome(skipped="not today")}
    monkeypatch.setattr("bench.running.MEASURES", made)
    told: list[str] = []
    results = run(tmp_path, QUICK, plain_generator(), list(made), told.append)
    assert results["measures"]["verdict"]["faults"] == ["not measured to the end: Unavailable: Kafka is away"]
    assert results["measures"]["agent"]["skipped"] == "not today"
    assert told == ["[1/2] verdict", "[2/2] agent"]
    assert {"machine", "versions", "load_before", "generator", "plan", "at"} <= results.keys()


def test_every_measure_has_a_sentence_that_says_what_it_is() -> None:
    assert all(measure.__doc__ for measure in MEASURES.values())
