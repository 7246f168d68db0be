import pytest

from ganvas.training.sitting import note_options, take_up
from ganvas.training.state import Counters
from tests.training.toys import options

BEFORE = options()


def sat(**counters: object) -> Counters:
    """Counters of a run that was played with the options before."""
    found = Counters(**counters)  # type: ignore[arg-type]
    note_options(found, BEFORE)
    return found


def test_the_same_options_change_nothing() -> None:
    counters = sat(lr_scale=0.5, rollbacks=2, stage_stopped=True, stage_waited=3)
    assert take_up(counters, BEFORE, stages=1) == []
    assert counters == sat(lr_scale=0.5, rollbacks=2, stage_stopped=True, stage_waited=3)


@pytest.mark.parametrize("changes", [{"lr": 1e-3}, {"lr_final": 1e-4}])
def test_another_learning_rate_counts_in_full_and_says_so(changes: dict[str, float]) -> None:
    counters = sat(lr_scale=0.125, rollbacks=3)
    (sentence,) = take_up(counters, options(**changes), stages=1)
    assert "in full" in sentence
    assert "0.125" in sentence
    assert (counters.lr_scale, counters.rollbacks) == (1, 0)
    assert take_up(counters, options(**changes), stages=1) == []  # known from here on
    counters.lr_scale = 0.5
    assert take_up(counters, options(**changes), stages=1) == []
    assert counters.lr_scale == 0.5


def test_another_penalty_weight_allows_roll_backs_again_at_the_rate_they_left() -> None:
    counters = sat(lr_scale=0.125, rollbacks=3)
    assert take_up(counters, options(gamma=9.0), stages=1) == []
    assert (counters.lr_scale, counters.rollbacks) == (0.125, 0)


@pytest.mark.parametrize(
    ("kimg", "stage", "stopped"), [(0.32, 1, False), (0.32, 0, True), (0.16, 1, True), (0.08, 1, True)]
)
def test_only_a_larger_budget_ends_the_stop_of_the_last_stage_alone(kimg: float, stage: int, stopped: bool) -> None:
    counters = sat(stage=stage, stage_stopped=True, stage_waited=2)
    take_up(counters, options(kimg=kimg), stages=2)
    assert (counters.stage_stopped, counters.stage_waited) == (stopped, 2 if stopped else 0)


def test_counters_that_remember_no_options_keep_what_they_hold() -> None:
    counters = Counters(lr_scale=0.5, rollbacks=1, stage_stopped=True)
    assert take_up(counters, BEFORE, stages=1) == []
    assert (counters.lr_scale, counters.rollbacks, counters.stage_stopped) == (0.5, 1, True)
    assert counters.played_with["lr"] == BEFORE.lr
