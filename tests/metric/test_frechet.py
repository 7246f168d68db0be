from math import sqrt

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.frechet import frechet_distance, frechet_from_features, frechet_score
from ganvas.metric.moments import Moments

SIZES = [(90, 120, 24), (20, 30, 24), (30, 20, 24), (24, 25, 24), (25, 24, 24), (300, 12, 24), (12, 300, 24)]
"""Samples of both sides and features: each side below, at and above the number of features."""


def power_law(count: int, width: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    """Features as networks have them: few strong directions and many weak ones, none along an axis."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(99))).Q
    strength = torch.arange(1, width + 1) ** -0.5
    rows: Tensor = (torch.randn(count, width, generator=generator) * strength * scale + shift * strength) @ axes + 0.5
    return rows


def by_matrix_root(x: Tensor, y: Tensor, ddof: int = 1) -> float:
    left, right = x.double().numpy(), y.double().numpy()
    first, second = np.cov(left.T, ddof=ddof), np.cov(right.T, ddof=ddof)
    root = scipy.linalg.sqrtm(first @ second).real
    return float(np.square(left.mean(0) - right.mean(0)).sum() + np.trace(first + second - 2 * root))


@pytest.mark.parametrize(("count", "other", "width"), SIZES)
@pytest.mark.parametrize("unbiased", [True, False])
def test_distance_equals_the_formula_with_a_matrix_root(count: int, other: int, width: int, unbiased: bool) -> None:
    x, y = power_law(count, width, 1), power_law(other, width, 2, 1.2, 0.1)
    expected = by_matrix_root(x, y, int(unbiased))
    # The root of a singular matrix is off by 1e-8 of the largest variance a missing direction.
    tolerance = 1e-10 if min(count, other) > width + 1 else 1e-5
    assert frechet_from_features(x, y, unbiased=unbiased) == pytest.approx(expected, rel=tolerance)
    assert frechet_distance(Moments.of(x), Moments.of(y), unbiased=unbiased) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(("count", "other", "width"), SIZES)
def test_both_routes_agree_and_order_does_not_matter(count: int, other: int, width: int) -> None:
    x, y = power_law(count, width, 1), power_law(other, width, 2, 1.2, 0.1)
    value = frechet_from_features(x, y)
    assert frechet_from_features(y, x) == pytest.approx(value, rel=1e-12)
    assert frechet_distance(Moments.of(x), Moments.of(y)) == pytest.approx(value, rel=1e-9)


def test_small_sets_keep_all_digits() -> None:
    x, y = power_law(40, 200, 1).double(), power_law(60, 200, 2, 1.2).double()
    left, right = (x - x.mean(0)).numpy() / sqrt(39), (y - y.mean(0)).numpy() / sqrt(59)
    shared = np.linalg.svd(left @ right.T, compute_uv=False).sum()
    expected = np.square((x.mean(0) - y.mean(0)).numpy()).sum() + np.square(left).sum() + np.square(right).sum()
    assert frechet_from_features(x, y) == pytest.approx(expected - 2 * shared, rel=1e-13)
    assert frechet_distance(Moments.of(x), Moments.of(y)) == pytest.approx(expected - 2 * shared, rel=1e-10)


def test_closed_forms() -> None:
    x = power_law(500, 10, 1).double()
    step = torch.arange(10.0)
    assert frechet_from_features(x, x + step) == pytest.approx(float(step.square().sum()), rel=1e-12)
    centred = x - x.mean(0)
    variance = float(x.var(0).sum())
    assert frechet_from_features(centred, 3 * centred) == pytest.approx(4 * variance, rel=1e-12)
    assert frechet_from_features(x, x.mean(0).expand(30, 10)) == pytest.approx(variance, rel=1e-12)
    assert frechet_from_features(x, x) == pytest.approx(0, abs=1e-12)
    assert frechet_from_features(torch.ones(3, 5), torch.zeros(3, 5)) == 5


@pytest.mark.parametrize("width", [4, 40])
def test_commuting_covariances(width: int) -> None:
    corners = torch.cat([torch.eye(width), -torch.eye(width)]).double()  # covariance is a multiple of the identity
    first, second = torch.rand(2, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1
    variance = 2 / (2 * width - 1)
    expected = float((first - second).square().sum()) * variance
    assert frechet_from_features(corners * first, corners * second) == pytest.approx(expected, rel=1e-12)


def test_dead_features_do_not_matter() -> None:
    x, y = power_law(200, 20, 1), power_law(150, 20, 2, 1.1)
    dead = [torch.cat([rows, torch.full((len(rows), 6), 0.25), rows[:, :3] * 0], dim=1) for rows in (x, y)]
    value = frechet_from_features(x, y)
    assert frechet_from_features(dead[0], dead[1]) == pytest.approx(value, rel=1e-11)
    assert frechet_distance(Moments.of(dead[0]), Moments.of(dead[1])) == pytest.approx(value, rel=1e-11)
    assert frechet_score(dead[0], dead[1]).corrected == pytest.approx(frechet_score(x, y).corrected, rel=1e-7)


def brute_force(x: Tensor, y: Tensor, groups: int, unbiased: bool) -> tuple[float, float]:
    """Textbook formulas for groups of equal size, each distance anew."""
    value = frechet_from_features(x, y, unbiased=unbiased)
    variance, corrected = 0.0, value
    for side, rows in enumerate((x, y)):
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
        deleted = []
        for start in range(0, len(rows), len(rows) // groups):
            gone = order[start : start + len(rows) // groups]
            kept = torch.tensor([row not in gone for row in range(len(rows))])
            pair = (x[kept], y) if side == 0 else (x, y[kept])
            deleted.append(frechet_from_features(*pair, unbiased=unbiased))
        variance += (groups - 1) / groups * np.square(np.array(deleted) - np.mean(deleted)).sum()
        corrected -= (groups - 1) * (float(np.mean(deleted)) - value)
    return float(np.sqrt(variance)), corrected


@pytest.mark.parametrize(
    ("count", "other", "width"),
    [(60, 84, 30), (36, 84, 30), (84, 36, 30), (36, 84, 36), (12, 36, 30), (36, 12, 30), (24, 24, 30), (12, 240, 30)],
)
@pytest.mark.parametrize("unbiased", [True, False])
def test_jackknife_equals_distances_taken_anew(count: int, other: int, width: int, unbiased: bool) -> None:
    x, y = power_law(count, width, 1), power_law(other, width, 2, 1.1, 0.2)
    found = frechet_score(x, y, groups=12, unbiased=unbiased)
    error, corrected = brute_force(x, y, 12, unbiased)
    assert found.value == pytest.approx(frechet_from_features(x, y, unbiased=unbiased), rel=1e-12)
    assert found.error == pytest.approx(error, rel=1e-5)
    assert found.corrected == pytest.approx(corrected, rel=1e-5, abs=1e-5)


def test_correction_finds_the_truth_and_the_error_is_the_spread() -> None:
    width, repeats = 16, 60
    strength, step = torch.linspace(0.5, 1.5, width), torch.linspace(-0.2, 0.2, width)
    truth = float(step.square().sum() + (1.2 * strength - strength).square().sum())
    generator = torch.Generator().manual_seed(0)
    scores = [
        frechet_score(
            torch.randn(400, width, generator=generator) * strength,
            torch.randn(300, width, generator=generator) * 1.2 * strength + step,
        )
        for _ in range(repeats)
    ]
    values, corrected = np.array([s.value for s in scores]), np.array([s.corrected for s in scores])
    spread = corrected.std(ddof=1)
    assert abs(corrected.mean() - truth) < 3 * spread / sqrt(repeats)
    assert values.mean() - truth > 8 * spread / sqrt(repeats)
    assert np.mean([s.error for s in scores]) == pytest.approx(spread, rel=0.3)
    inside = [low < truth < high for low, high in (s.interval() or (0, 0) for s in scores)]
    assert np.mean(inside) > 0.85


def test_small_sets_are_answered_and_flagged() -> None:
    few = frechet_score(power_law(30, 40, 1), power_law(500, 40, 2))
    assert few.note.startswith("With 30 pictures for 40 features")
    assert "KID" in few.note
    assert few.error is not None
    assert few.corrected is not None
    assert "59 pictures" in frechet_score(power_law(500, 40, 1), power_law(59, 40, 2)).note
    assert frechet_score(power_law(60, 40, 1), power_law(500, 40, 2)).note == ""
    two = frechet_score(power_law(2, 40, 1), power_law(500, 40, 2))
    assert (two.error, two.corrected) == (None, None)
    assert two.note == "Too few pictures a side for a standard error."
    three = frechet_score(power_law(3, 40, 1), power_law(500, 40, 2))
    assert three.error is not None


def test_unusable_features_are_refused() -> None:
    good = power_law(50, 5, 0)
    broken = good.clone()
    broken[7, 2] = torch.nan
    with pytest.raises(DataError, match=r"^1 of 50 reals have features that are not finite"):
        frechet_score(good, broken)
    with pytest.raises(DataError, match=r"^All 9 fakes have the same features"):
        frechet_score(good[:1].expand(9, 5), good)
    with pytest.raises(UsageError, match=r"5 features and the other 4"):
        frechet_score(good, good[:, :4])
    with pytest.raises(UsageError, match=r"5 features and the other 4"):
        frechet_from_features(good, good[:, :4])
    with pytest.raises(UsageError, match=r"1 group;"):
        frechet_score(good, good, groups=1)
    with pytest.raises(DataError, match=r"at least two pictures, not 1"):
        frechet_from_features(good[:1], good)


def test_torchmetrics_agrees() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid")
    x, y = power_law(300, 24, 1), power_law(200, 24, 2, 1.2, 0.1)
    covariances = [Moments.of(rows).covariance() for rows in (x, y)]
    theirs = fid._compute_fid(x.double().mean(0), covariances[0], y.double().mean(0), covariances[1])
    assert frechet_from_features(x, y) == pytest.approx(float(theirs), rel=1e-11)
