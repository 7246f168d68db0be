from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.metric.diversity import diversity, effective_rank, random_feature_distance, random_features
from tests.training.conftest import Clothes

COUNT = 256


@pytest.fixture
def draw(clothes: Clothes) -> Callable[..., Tensor]:
    """Pictures nobody has drawn before, of all classes or some."""
    generator = torch.Generator().manual_seed(0)

    def some(count: int = COUNT, classes: range = range(10)) -> Tensor:
        allowed = torch.isin(clothes.labels, torch.tensor(list(classes))).nonzero()[:, 0]
        return clothes.images[allowed[torch.randperm(len(allowed), generator=generator)[:count]]]

    return some


def ring(count: int, modes: int, of: int = 8) -> Tensor:
    """Points (N, 1, 1, 2) of some of the Gaussians on a circle."""
    generator = torch.Generator().manual_seed(modes)
    angle = torch.randint(modes, (count,), generator=generator) * (2 * torch.pi / of)
    centre = torch.stack([angle.cos(), angle.sin()], dim=1)
    return (0.7 * centre + 0.02 * torch.randn(count, 2, generator=generator)).view(count, 1, 1, 2)


def test_diversity_is_the_ratio_of_mean_distances() -> None:
    generator = np.random.default_rng(0)
    fakes, reals = generator.normal(size=(7, 3)), generator.normal(size=(9, 3)) * 2
    mean = [np.mean([np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]]) for x in (fakes, reals)]
    assert diversity(torch.tensor(fakes), torch.tensor(reals)) == pytest.approx(mean[0] / mean[1])
    assert diversity(torch.tensor(fakes), torch.ones(5, 3)) == 1.0


def test_effective_rank_is_the_entropy_of_the_covariance() -> None:
    generator = np.random.default_rng(0)
    for count, dims in ((40, 6), (5, 12)):
        features = generator.normal(size=(count, dims)) * np.arange(1, dims + 1)
        spectrum = np.linalg.eigvalsh(np.cov(features.T))
        share = spectrum[spectrum > 1e-9] / spectrum.sum()
        assert effective_rank(torch.tensor(features)) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


def test_effective_rank_counts_equal_directions() -> None:
    axes = torch.cat([torch.eye(5), -torch.eye(5)])[:, :3]
    assert effective_rank(axes) == pytest.approx(3)
    assert effective_rank(torch.ones(4, 7)) == 1


@pytest.mark.parametrize(("count", "dims"), [(60, 8), (12, 30)])
def test_distance_equals_the_formula_with_a_matrix_root(count: int, dims: int) -> None:
    generator = np.random.default_rng(1)
    fakes = generator.normal(size=(count, dims)) @ generator.normal(size=(dims, dims)) + 0.5
    reals = generator.normal(size=(count + 3, dims)) @ generator.normal(size=(dims, dims))
    ours, theirs = np.cov(fakes.T), np.cov(reals.T)
    jitter = 1e-9 * np.eye(dims)  # the root of a singular matrix is not stable
    root = scipy.linalg.sqrtm((ours + jitter) @ (theirs + jitter)).real
    squared = np.square(fakes.mean(0) - reals.mean(0)).sum() + np.trace(ours + theirs - 2 * root)
    got = random_feature_distance(torch.tensor(fakes), torch.tensor(reals))
    assert got == pytest.approx(squared / np.trace(theirs), rel=1e-3)


def test_distance_in_closed_form() -> None:
    reals = torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    variance = reals.var(0).sum().item()
    assert random_feature_distance(reals.flip(0), reals) == pytest.approx(0, abs=1e-9)
    assert random_feature_distance(reals + 2, reals) == pytest.approx(4 * 4 / variance)
    assert random_feature_distance(reals.mean(0).expand(50, 4), reals) == pytest.approx(1)
    assert random_feature_distance(torch.ones(5, 4), torch.zeros(5, 4)) == 4


def test_measures_find_what_is_wrong_with_pictures(draw: Callable[..., Tensor]) -> None:
    noise = torch.randn(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    reals = random_features(draw())
    pictures = {
        "fresh": draw(),
        "half the classes": draw(classes=range(5)),
        "eight pictures": draw(8).repeat(COUNT // 8, 1, 1, 1),
        "one picture": draw(1) + 0.01 * noise,
        "noise": (0.5 * noise).clamp(-1, 1),
        "blurred": F.avg_pool2d(draw(), 5, 1, 2),
    }
    features = {name: random_features(images) for name, images in pictures.items()}
    distance = {name: random_feature_distance(rows, reals) for name, rows in features.items()}
    spread = {name: diversity(rows, reals) for name, rows in features.items()}
    rank = {name: effective_rank(rows) / effective_rank(reals) for name, rows in features.items()}

    assert distance["fresh"] < 0.1
    assert min(value for name, value in distance.items() if name != "fresh") > 3 * distance["fresh"]
    assert distance["half the classes"] < distance["eight pictures"] < distance["one picture"]
    assert spread["one picture"] < 0.05
    assert 0.9 < spread["fresh"] < 1.1
    assert rank["eight pictures"] < 0.5
    assert 0.85 < rank["fresh"] < 1.15
    assert rank["noise"] > 1.5


def test_measures_work_on_points() -> None:
    reals = random_features(ring(COUNT, 8))
    lost = [random_features(ring(COUNT, modes)) for modes in (8, 4, 1)]
    distances = [random_feature_distance(rows, reals) for rows in lost]
    assert distances[0] < 0.05 < distances[1] < distances[2]
    assert diversity(lost[2], reals) < 0.1 < 0.5 < diversity(lost[1], reals)
