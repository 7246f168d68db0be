from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganvas.training.distribute import World
from ganvas.training.policy import adapt_augmentation
from ganvas.training.state import Counters, TrainingState
from ganvas.training.task import Players
from tests.training.toys import options

ADAPTIVE = options(batch=50, augment=("flip",), augment_policy="adaptive", augment_p=0.8, augment_target=0.6)


def signs(*values: float) -> dict[str, Tensor]:
    return {f"critic_{number}/sign": torch.tensor(value) for number, value in enumerate(values)}


def started(**counters: float) -> TrainingState:
    """A run of nobody, with these counters."""
    state = TrainingState.begin(Players({}), ADAPTIVE)
    state.counters = Counters(**counters)  # type: ignore[arg-type]
    return state


def test_p_climbs_by_images_over_half_a_million_every_fourth_step() -> None:
    state, seen = started(), []
    for _ in range(8):
        adapt_augmentation(ADAPTIVE, state, signs(1.0), World())
        seen.append(state.counters.augment_p)
    assert seen == pytest.approx([0, 0, 0, 200 / 5e5, *[200 / 5e5] * 3, 400 / 5e5])


@pytest.mark.parametrize(
    ("values", "moves"),
    [([0.7, 0.7, 0.7, 0.7], 1), ([1.0, 1.0, 0.5, -1.0], -1), ([0.5, 0.5, 0.5, 0.5], 0), ([0.25, 0.75, 0.75, 0.75], 1)],
)
def test_the_mean_of_four_steps_decides(values: list[float], moves: int) -> None:
    state, settings = started(augment_p=0.5), replace(ADAPTIVE, augment_target=0.5)
    for value in values:
        adapt_augmentation(settings, state, signs(value), World())
    change = state.counters.augment_p - 0.5
    assert (change > 1e-9) - (change < -1e-9) == moves
    assert (state.counters.sign_sum, state.counters.sign_count, state.signs) == (0, 0, [])


def test_p_stays_while_no_critic_plays() -> None:
    state = started(augment_p=0.5)
    for step in range(1, 9):
        state.counters.step = step
        adapt_augmentation(ADAPTIVE, state, {"term/pixels": torch.tensor(1.0)}, World())
    assert state.counters.augment_p == 0.5


@pytest.mark.parametrize("start_step", [0, 1, 2, 3])
def test_signs_are_counted_wherever_a_stage_starts(start_step: int) -> None:
    """Signs of 0.7 are above the target; a partial sum over four would be below it."""
    state, seen = started(step=start_step, augment_p=0.5), []
    for _ in range(4):
        state.counters.step += 1
        adapt_augmentation(ADAPTIVE, state, signs(0.7), World())
        seen.append(state.counters.augment_p)
    assert seen == pytest.approx([0.5, 0.5, 0.5, 0.5 + 200 / 5e5])


def test_signs_that_were_read_early_count_like_those_that_were_not() -> None:
    """A checkpoint reads them in the middle of four."""
    early, late = started(augment_p=0.5), started(augment_p=0.5)
    for number, value in enumerate((0.2, 0.9, 0.9, 0.5)):
        for state in (early, late):
            adapt_augmentation(ADAPTIVE, state, signs(value), World())
        if number < 3:
            assert early.facts()["counters"]["sign_count"] == number + 1
            assert (late.counters.sign_count, len(late.signs)) == (0, number + 1)
    assert early.counters == late.counters
    assert early.counters.augment_p > 0.5


def test_signs_stay_on_the_device_until_there_are_four(monkeypatch: pytest.MonkeyPatch) -> None:
    state, reads = started(), []
    monkeypatch.setattr(Tensor, "__float__", lambda tensor: reads.append("float"))
    monkeypatch.setattr(Tensor, "tolist", lambda tensor: reads.append("list") or [1.0] * len(tensor))  # type: ignore[func-returns-value]
    for _ in range(3):
        adapt_augmentation(ADAPTIVE, state, signs(1.0), World())
    assert reads == []
    adapt_augmentation(ADAPTIVE, state, signs(1.0), World())
    assert reads == ["list"]


def test_critics_are_averaged_and_other_statistics_ignored() -> None:
    state = started()
    adapt_augmentation(ADAPTIVE, state, {**signs(1.0, 0.0), "critic_0/loss": torch.tensor(9.0)}, World())
    assert [float(sign) for sign in state.signs] == [0.5]


def test_p_keeps_to_its_bounds() -> None:
    for start, sign in ((0.8, 1.0), (0.0, -1.0)):
        state = started(augment_p=start, sign_sum=3 * sign, sign_count=3)
        adapt_augmentation(ADAPTIVE, state, signs(sign), World())
        assert (state.counters.augment_p, state.counters.sign_count) == (start, 0)


def test_processes_agree_on_p() -> None:
    class Other(World):
        """Stands for two processes, the other of which sees no difference."""

        def average(self, values: Tensor) -> Tensor:
            return values / 2

    state = started()
    adapt_augmentation(ADAPTIVE, state, signs(1.0), Other())
    state.read_signs()
    assert state.counters.sign_sum == 0.5


def test_cosine_rises_over_the_burn_in() -> None:
    settings = options(augment=("flip",), augment_policy="cosine", augment_p=0.4, burn_in_kimg=1.0)
    found = []
    for seen in (0, 500, 1000, 5000):
        state = started(seen_images=seen)
        adapt_augmentation(settings, state, {}, World())
        found.append(state.counters.augment_p)
    assert found == pytest.approx([0, 0.2, 0.4, 0.4])


@pytest.mark.parametrize("changes", [{"augment_policy": "fixed", "augment": ("flip",)}, {"augment_policy": "cosine"}])
def test_fixed_or_without_augmentation_nothing_moves(changes: dict[str, object]) -> None:
    state = started(augment_p=0.3, sign_sum=3.0, sign_count=3, seen_images=10**6)
    adapt_augmentation(options(**changes), state, signs(1.0), World())
    assert (state.counters.augment_p, state.counters.sign_sum, state.signs) == (0.3, 3.0, [])
