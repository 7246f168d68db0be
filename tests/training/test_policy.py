import pytest
import torch
from torch import Tensor

from ganvas.training.distribute import World
from ganvas.training.policy import adapt_augmentation
from ganvas.training.state import Counters
from tests.training.toys import options

ADAPTIVE = options(batch=50, augment=("flip",), augment_policy="adaptive", augment_p=0.8, augment_target=0.6)


def signs(*values: float) -> dict[str, Tensor]:
    return {f"critic_{number}/sign": torch.tensor(value) for number, value in enumerate(values)}


def test_p_climbs_by_images_over_half_a_million_every_fourth_step() -> None:
    counters, seen = Counters(), []
    for step in range(1, 9):
        counters.step = step
        adapt_augmentation(ADAPTIVE, counters, signs(1.0), World())
        seen.append(counters.augment_p)
    assert seen == pytest.approx([0, 0, 0, 200 / 5e5, *[200 / 5e5] * 3, 400 / 5e5])


@pytest.mark.parametrize(
    ("values", "moves"),
    [([0.7, 0.7, 0.7, 0.7], 1), ([1.0, 1.0, 1.0, -1.0], -1), ([0.6, 0.6, 0.6, 0.6], 0), ([0.2, 0.9, 0.9, 0.9], 1)],
)
def test_the_mean_of_four_steps_decides(values: list[float], moves: int) -> None:
    counters = Counters(augment_p=0.5)
    for step, value in enumerate(values, 1):
        counters.step = step
        adapt_augmentation(ADAPTIVE, counters, signs(value), World())
    change = counters.augment_p - 0.5
    assert (change > 1e-9) - (change < -1e-9) == moves or values == [0.6] * 4  # 0.6 has no exact float
    assert counters.sign_sum == 0


def test_critics_are_averaged_and_other_statistics_ignored() -> None:
    counters = Counters(step=1)
    adapt_augmentation(ADAPTIVE, counters, {**signs(1.0, 0.0), "critic_0/loss": torch.tensor(9.0)}, World())
    assert counters.sign_sum == 0.5


def test_p_keeps_to_its_bounds() -> None:
    for start, sign in ((0.8, 1.0), (0.0, -1.0)):
        counters = Counters(step=4, augment_p=start, sign_sum=3 * sign)
        adapt_augmentation(ADAPTIVE, counters, signs(sign), World())
        assert counters.augment_p == start


def test_processes_agree_on_p() -> None:
    class Other(World):
        """Stands for two processes, the other of which sees no difference."""

        def average(self, values: Tensor) -> Tensor:
            return values / 2

    counters = Counters(step=1)
    adapt_augmentation(ADAPTIVE, counters, signs(1.0), Other())
    assert counters.sign_sum == 0.5


def test_cosine_rises_over_the_burn_in() -> None:
    settings = options(augment=("flip",), augment_policy="cosine", augment_p=0.4, burn_in_kimg=1.0)
    found = []
    for seen in (0, 500, 1000, 5000):
        counters = Counters(seen_images=seen)
        adapt_augmentation(settings, counters, {}, World())
        found.append(counters.augment_p)
    assert found == pytest.approx([0, 0.2, 0.4, 0.4])


@pytest.mark.parametrize("changes", [{"augment_policy": "fixed", "augment": ("flip",)}, {"augment_policy": "cosine"}])
def test_fixed_or_without_augmentation_nothing_moves(changes: dict[str, object]) -> None:
    counters = Counters(step=4, augment_p=0.3, sign_sum=3.0, seen_images=10**6)
    adapt_augmentation(options(**changes), counters, signs(1.0), World())
    assert (counters.augment_p, counters.sign_sum) == (0.3, 3.0)
