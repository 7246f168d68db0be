import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.modes import NONE, count_modes, gaussian_modes, ring, square_grid, stacked_modes
from ganvas.tensors import Levels

N, M = 26_000, 1_000


def uniform(count: int, modes: int, seed: int) -> Tensor:
    return torch.randint(modes, (count,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(3))
def test_divergence_against_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(M, 5_000, p=rng.dirichlet(np.full(M, 0.3)))
    values, counts = np.unique(labels, return_counts=True)
    share = counts / counts.sum()
    found = count_modes(torch.from_numpy(labels), M)
    assert found.modes_found == len(values)
    assert found.kl_nats == pytest.approx(np.sum(share * np.log(share / (1 / M))), rel=1e-12)


def test_closed_forms() -> None:
    assert count_modes(torch.arange(12) % 4, 4).kl_nats == 0
    collapsed = count_modes(torch.full((50,), 3), 10)
    assert collapsed.modes_found == 1
    assert collapsed.kl_nats == pytest.approx(math.log(10))
    half = count_modes(torch.arange(40) % 5, 10)
    assert half.modes_found == 5
    assert half.kl_nats == pytest.approx(math.log(2))


def test_the_floor_of_26000_stacked_digits_is_0_019() -> None:
    floor = count_modes(uniform(N, M, 0), M).floor_nats
    assert floor == pytest.approx(0.0192, abs=5e-5)


@pytest.mark.parametrize(("count", "modes", "too_small"), [(26_000, 1_000, 0.01), (500, 100, 0.055), (2_500, 25, 0.03)])
def test_the_floor_is_what_perfect_generators_score(count: int, modes: int, too_small: float) -> None:
    counts = np.random.default_rng(0).multinomial(count, np.full(modes, 1 / modes), size=1500)
    share = np.where(counts, counts, 1) / count
    simulated = np.mean(np.sum(np.where(counts, share * np.log(share * modes), 0), axis=1))
    floor = count_modes(uniform(count, modes, 0), modes).floor_nats
    assert floor is not None
    assert simulated * (1 - too_small) < floor < simulated * 1.01


def test_samples_in_no_mode_are_left_out_of_the_divergence_but_not_of_the_share() -> None:
    labels = torch.tensor([0, 0, 0, 1, NONE, NONE, NONE, NONE])
    found = count_modes(labels, 2)
    only = count_modes(labels[:4], 2)
    assert found == only
    # A fair share of 8 samples is 4 a mode; a half of that is 2, and mode 1 has one.
    assert count_modes(labels, 2, least_share=0.5).modes_found == 1
    assert count_modes(labels, 2, least_share=0.25).modes_found == 2


def test_nothing_in_any_mode_is_no_number() -> None:
    found = count_modes(torch.full((9,), NONE), 5)
    assert (found.modes_found, found.kl_nats, found.floor_nats) == (0, None, None)


@pytest.mark.parametrize(
    ("labels", "modes"),
    [
        (torch.tensor([0, 5]), 5),
        (torch.tensor([0, -2]), 5),
        (torch.tensor([0.0, 1.0]), 5),
        (torch.zeros(2, 2, dtype=torch.long), 5),
        (torch.tensor([NONE]), 0),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Tensor, modes: int) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        count_modes(labels, modes)


def test_no_samples_are_refused() -> None:
    with pytest.raises(DataError, match="no samples"):
        count_modes(torch.zeros(0, dtype=torch.long), 5)


def test_three_digits_are_read_from_images_and_from_levels_alike() -> None:
    """A digit d is a plane of the level 25 d; 1,201 pictures need several batches."""
    digits = np.random.default_rng(0).integers(10, size=(1_201, 3))
    levels = np.broadcast_to((digits * 25)[:, None, None, :], (1_201, 4, 6, 3)).astype(np.uint8)
    images = torch.from_numpy(levels.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1

    def read_levels(planes: Levels) -> Tensor:
        assert planes.shape[1:] == (4, 6, 1)
        return torch.from_numpy(planes.mean((1, 2, 3)) / 25).round().long()

    def read_images(planes: Tensor) -> Tensor:
        assert planes.shape[1:] == (1, 4, 6)
        return ((planes.mean((1, 2, 3)) + 1) * 127.5 / 25).round().long()

    expected = torch.from_numpy(digits @ [100, 10, 1])
    assert torch.equal(stacked_modes(levels, read_levels), expected)
    assert torch.equal(stacked_modes(images, read_images), expected)


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 1, 4, 4), (3, 4, 4)])
def test_what_is_not_stacked_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="no stacked digits"):
        stacked_modes(torch.zeros(shape), lambda planes: torch.zeros(len(planes), dtype=torch.long))


@pytest.mark.parametrize(
    "read", [torch.full((2,), 10), torch.full((2,), -1), torch.zeros(2), torch.zeros(2, 10).long()]
)
def test_readings_that_are_no_digits_are_refused(read: Tensor) -> None:
    with pytest.raises(UsageError, match="whole number from 0 to 9"):
        stacked_modes(torch.zeros(2, 3, 4, 4), lambda planes: read)


def test_points_go_to_their_nearest_gaussian_within_three_deviations() -> None:
    centres = ring(8, 0.7)
    at_three = centres[torch.arange(900) % 3].float()
    labels, share = gaussian_modes(torch.cat([at_three, at_three + 0.2]), centres, 0.01)
    assert share == 0.5
    assert torch.equal(labels, torch.cat([torch.arange(900) % 3, torch.full((900,), NONE)]))
    assert count_modes(labels, 8, least_share=0.01).modes_found == 3


def test_a_perfect_sampler_has_the_share_of_a_rayleigh_distribution() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = square_grid(5, 0.8)
    noise = 0.01 * torch.randn(40_000, 2, generator=generator, dtype=torch.float64)
    labels, share = gaussian_modes(centres[uniform(40_000, 25, 1)] + noise, centres, 0.01)
    assert share == pytest.approx(1 - math.exp(-4.5), abs=0.002)
    assert count_modes(labels, 25).modes_found == 25
    _, within_two = gaussian_modes(centres[uniform(40_000, 25, 1)] + noise, centres, 0.01, deviations=2)
    assert within_two == pytest.approx(1 - math.exp(-2), abs=0.007)


def test_small_deviations_far_from_the_origin_are_measured_right() -> None:
    centres = torch.tensor([[1e4, 1e4], [1e4, 1e4 + 1]]).repeat(20, 1)[:40]
    points = centres + torch.tensor([0.0, 0.0078125])
    _, share = gaussian_modes(points, centres, 0.0026)
    assert share == 0  # 3.005 deviations
    _, share = gaussian_modes(points, centres, 0.00261)
    assert share == 1


def test_centres_of_rings_and_grids() -> None:
    torch.testing.assert_close(ring(4, 2.0), torch.tensor([[2, 0], [0, 2], [-2, 0], [0, -2]]).double())
    grid = square_grid(3, 1.0)
    assert sorted(map(tuple, grid.tolist())) == [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]


def test_points_that_cannot_be_told_apart_are_refused() -> None:
    centres = ring(3, 1.0)
    for points, given, std in ((torch.zeros(2, 3), centres, 1.0), (torch.zeros(2, 2), centres[:0], 1.0)):
        with pytest.raises(UsageError, match="cannot be told apart"):
            gaussian_modes(points, given, std)
    with pytest.raises(UsageError, match=r"deviation 0\.0"):
        gaussian_modes(torch.zeros(2, 2), centres, 0.0)
    for bad in (torch.zeros(0, 2), torch.tensor([[0.0, float("nan")]])):
        with pytest.raises(DataError, match="points"):
            gaussian_modes(bad, centres, 1.0)
