from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.diversity import (
    diversity,
    diversity_score,
    effective_rank,
    random_feature_distance,
    random_features,
)
from ganvas.metric.jackknife import groups_of
from tests.training.conftest import COUNT


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


def mean_distance(rows: NDArray[np.float64]) -> float:
    return float(scipy.spatial.distance.pdist(rows).mean())


def test_diversity_score_and_its_error_by_leaving_out_one_at_a_time() -> None:
    """As many groups as samples: the jackknife of Quenouille and Tukey, in NumPy."""
    generator = np.random.default_rng(0)
    fakes, reals = generator.normal(size=(30, 4)), generator.normal(size=(25, 4)) * 2 + 5
    of_fakes, of_reals = mean_distance(fakes), mean_distance(reals)
    without_fake = np.array([mean_distance(np.delete(fakes, row, 0)) / of_reals for row in range(30)])
    without_real = np.array([of_fakes / mean_distance(np.delete(reals, row, 0)) for row in range(25)])
    variance = sum((len(one) - 1) * one.var() for one in (without_fake, without_real))
    score = diversity_score(torch.tensor(fakes), torch.tensor(reals), groups=100, name="x")
    assert score.value == pytest.approx(of_fakes / of_reals)
    assert score.error == pytest.approx(np.sqrt(variance))
    assert (score.name, score.corrected, score.better) == ("x", None, "")


def test_diversity_score_leaves_out_whole_groups() -> None:
    """Two groups: the deleted values are those of the two halves alone, with no pair between them."""
    generator = torch.Generator().manual_seed(0)
    sides = torch.randn(2, 20, 4, generator=generator, dtype=torch.float64)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))  # in which samples are taken
    fakes, reals = (side.numpy() for side in sides)
    of_fakes, of_reals = (
        np.array([mean_distance(side[order][rows].numpy()) for rows in groups_of(20, 2, 0)]) for side in sides
    )
    ratios = of_fakes / mean_distance(reals), mean_distance(fakes) / of_reals
    variance = sum(float(np.square(one - one.mean()).sum()) / 2 for one in ratios)
    assert diversity_score(sides[0], sides[1], groups=2).error == pytest.approx(np.sqrt(variance))


def test_diversity_score_of_a_few_groups_is_as_large_as_the_spread_of_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = [
        diversity_score(torch.randn(60, 5, generator=generator), torch.randn(60, 5, generator=generator), groups=10)
        for _ in range(60)
    ]
    spread = np.std([score.value for score in scores], ddof=1)
    assert np.mean([score.error or 0.0 for score in scores]) == pytest.approx(spread, rel=0.25)
    x, y = torch.randn(50, 5, generator=generator), torch.randn(60, 5, generator=generator)
    assert diversity_score(x, y, seed=1) == diversity_score(x, y, seed=1)
    first, second = (diversity_score(x, y, seed=seed) for seed in (1, 2))
    assert first.value == pytest.approx(second.value)
    assert first.error != second.error


def test_diversity_score_of_many_samples_takes_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.metric.diversity.MOST", 300)
    generator = torch.Generator().manual_seed(0)
    fakes, reals = torch.randn(900, 5, generator=generator), torch.randn(700, 5, generator=generator)
    score = diversity_score(0.5 * fakes, reals)
    assert score.value == pytest.approx(0.5, abs=0.03)
    assert score.value != pytest.approx(diversity(0.5 * fakes, reals), abs=1e-9)
    assert diversity_score(0.5 * fakes, reals) == score


def test_diversity_score_refuses_what_tells_nothing() -> None:
    good = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    assert diversity_score(good[:2], good[2:]).error is None
    for fakes, reals in ((good, torch.ones(9, 3)), (torch.ones(9, 3), good), (good[:1], good), (good / 0, good)):
        with pytest.raises(DataError):
            diversity_score(fakes, reals)
    with pytest.raises(UsageError):
        diversity_score(good, good[:, :2])
    with pytest.raises(UsageError, match="1 group"):
        diversity_score(good, good, groups=1)
