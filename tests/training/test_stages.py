import math
from collections.abc import Sequence
from itertools import pairwise

import pytest

from ganvas.errors import UnknownName, UsageError
from ganvas.training.stages import check_stages, next_stage, note_score, stage_end
from ganvas.training.state import Counters
from ganvas.training.task import Stage, Stop


@pytest.mark.parametrize(
    ("stages", "has_terms", "has_critics", "words"),
    [
        ((Stage("a", 0.5), Stage("b", 0.4)), True, True, "sum to 0.9"),
        ((Stage("a", generators=False, critics=False),), True, True, "In stage 'a' neither"),
        ((Stage("a", 0.5), Stage("pixels", 0.5, critics=False)), False, True, "In stage 'pixels' the critics rest"),
        ((Stage("a"),), True, False, "In stage 'a' critics should play, but the task has none"),
        ((Stage("a", 1.5), Stage("b", -0.5)), True, True, "The share of stage 'b' is -0.5; make it above 0"),
    ],
)
def test_stages_that_train_nothing_are_refused(
    stages: tuple[Stage, ...], has_terms: bool, has_critics: bool, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        check_stages(stages, has_terms, has_critics)


def test_stages_that_can_be_played_are_not() -> None:
    check_stages((Stage("a", 1 / 3), Stage("b", 2 / 3, generators=False)), has_terms=False, has_critics=True)
    check_stages((Stage("a", critics=False),), has_terms=True, has_critics=False)


def test_each_stage_has_its_share_of_the_budget() -> None:
    stages, counters, ends = (Stage("a", 0.2), Stage("b", 0.5), Stage("c", 0.3)), Counters(), []
    for _ in stages:
        counters.step = stage_end(stages, counters, 100)
        ends.append(counters.step)
        next_stage(counters)
    assert ends == [20, 70, 100]


def test_a_share_too_small_for_a_step_gets_one() -> None:
    assert stage_end((Stage("a", 0.001), Stage("b", 0.999)), Counters(step=4, stage_start_step=4), 10) == 5


def ends(stages: Sequence[Stage], total_steps: int, counters: Counters | None = None) -> list[int]:
    """Where every stage from the present one ends."""
    counters, found = counters or Counters(), []
    while True:
        counters.step = max(counters.step, stage_end(stages, counters, total_steps))
        found.append(counters.step)
        if counters.stage == len(stages) - 1:
            return found
        next_stage(counters)


@pytest.mark.parametrize("total_steps", range(1, 60))
@pytest.mark.parametrize("shares", [(1.0,), (0.5, 0.5), (0.001, 0.999), (0.999, 0.001), (0.25,) * 4, (0.9, 0.05, 0.05)])
def test_every_stage_has_a_step_and_the_last_ends_with_the_budget(shares: tuple[float, ...], total_steps: int) -> None:
    if total_steps < len(shares):
        return  # refused before
    found = ends([Stage(f"{number}", share) for number, share in enumerate(shares)], total_steps)
    assert found[-1] == total_steps
    assert all(after > before for before, after in pairwise([0, *found]))


def test_what_an_early_stop_leaves_goes_to_the_stages_that_follow() -> None:
    stages = (Stage("a", 0.5), Stage("b", 0.2), Stage("c", 0.3))
    stopped = Counters(step=10, stage=1, stage_start_step=10)  # a had 50 steps
    assert ends(stages, 100, stopped) == [46, 100]


@pytest.mark.parametrize(("step", "expected"), [(100, [200]), (130, [200])])
def test_a_larger_budget_is_played_in_full(step: int, expected: list[int]) -> None:
    stages = (Stage("a", 0.5), Stage("b", 0.5))
    assert ends(stages, 200, Counters(step=step, stage=1, stage_start_step=50)) == expected
    assert ends(stages, 200, Counters(step=30)) == [100, 200]


def test_a_smaller_budget_is_over_at_once() -> None:
    stages = (Stage("a", 0.5), Stage("b", 0.5))
    assert ends(stages, 20, Counters(step=30)) == [30, 30]


@pytest.mark.parametrize(
    ("higher", "scores", "goes_on"),
    [
        (False, [5, 4, math.nan, -math.inf, 3], [True, True, True, False, True]),
        (True, [math.inf, 1, math.nan, 2], [True, True, True, True]),
        (False, [5, 4, 4, 3, 3, 3], [True, True, True, True, True, False]),
        (True, [1, 2, 3, 2, 4, 1, 1], [True, True, True, True, True, True, False]),
    ],
)
def test_patience_counts_scores_that_are_no_better_in_a_row(
    higher: bool, scores: list[float], goes_on: list[bool]
) -> None:
    stop, counters = Stop("s", patience=2, higher_is_better=higher), Counters()
    for score, on in zip(scores, goes_on, strict=True):
        note_score(stop, counters, {"s": score})
        assert counters.stage_stopped is not on
    finite = [score for score in scores if math.isfinite(score)]
    assert counters.stage_best == (max(finite) if higher else min(finite))


def test_the_next_stage_starts_afresh() -> None:
    counters = Counters(step=7, stage=1, stage_best=0.5, stage_waited=3, stage_stopped=True)
    next_stage(counters)
    assert counters == Counters(step=7, stage=2, stage_start_step=7)


def test_a_score_the_task_does_not_give_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match=r"'psnr'.*ssim"):
        note_score(Stop("psnr", patience=1), Counters(), {"ssim": 0.5})


def test_whole_shares_make_the_whole_budget() -> None:
    stages, counters = tuple(Stage(name, 1 / 3) for name in "abc"), Counters()
    for _ in stages:
        counters.step = stage_end(stages, counters, 20)
        next_stage(counters)
    assert counters.step == 20
