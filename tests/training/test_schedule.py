"""Schedules against R3GAN's formula (Huang et al. 2024, arXiv:2501.05441, appendix), restated in NumPy."""

import numpy as np
import pytest

from ganvas.training.schedule import cosine, scheduled
from tests.training.toys import options


def decayed(seen: float, start: float, end: float, total: float) -> float:
    """A cosine from one value to another over ``total`` images, then constant."""
    decay = 0.5 * (1 + np.cos(np.pi * seen / total))
    return float(np.where(seen > total, end, start + (1 - decay) * (end - start)))


SETTINGS = options(
    batch=64, burn_in_kimg=100.0, lr=2e-4, lr_final=5e-5, gamma=2.0, gamma_final=0.2, beta2=0.9, beta2_final=0.99,
    ema_kimg=50.0,
)  # fmt: skip


@pytest.mark.parametrize("seen", [0, 64, 10_000, 50_000, 99_968, 100_000, 100_032, 10_000_000])
def test_values_follow_the_formula(seen: int) -> None:
    now = scheduled(SETTINGS, seen)
    assert now.lr == pytest.approx(decayed(seen, 2e-4, 5e-5, 100_000), rel=1e-12)
    assert now.gamma == pytest.approx(decayed(seen, 2.0, 0.2, 100_000), rel=1e-12)
    assert now.beta2 == pytest.approx(decayed(seen, 0.9, 0.99, 100_000), rel=1e-12)
    halflife = decayed(seen, 0, 50_000, 100_000)
    assert now.ema_decay == pytest.approx(0.5 ** (64 / max(halflife, 1e-8)), abs=1e-12)
    assert now.burn_in == min(seen / 100_000, 1)


def test_a_half_life_halves() -> None:
    now = scheduled(SETTINGS, 200_000)
    assert now.ema_decay ** (50_000 / 64) == pytest.approx(0.5)


def test_every_image_counts_however_many_critic_steps_share_them() -> None:
    assert scheduled(options(batch=8, critic_steps=8, ema_kimg=50.0), 10**9).ema_decay == pytest.approx(
        0.5 ** (64 / 50_000)
    )


def test_no_burn_in_starts_at_the_end() -> None:
    now = scheduled(options(burn_in_kimg=0.0, lr=1.0, lr_final=0.25, ema_kimg=1.0, batch=8), 0)
    assert (now.lr, now.burn_in) == (0.25, 1)
    assert now.ema_decay == pytest.approx(0.5 ** (8 / 1000))


def test_no_half_life_keeps_the_newest_weights() -> None:
    assert scheduled(options(ema_kimg=0.0), 10**6).ema_decay == 0


def test_the_average_starts_as_a_copy() -> None:
    assert scheduled(SETTINGS, 0).ema_decay == 0


def test_cosine_stays_between_its_ends_outside_of_the_way() -> None:
    assert cosine(3.0, 1.0, -5) == 3
    assert cosine(3.0, 1.0, 7) == pytest.approx(1)
    assert cosine(3.0, 1.0, 0.5) == pytest.approx(2)
