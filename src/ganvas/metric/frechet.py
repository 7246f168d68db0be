"""Fréchet distance between two sets of features, as between two normal distributions.

``|m - m'|^2 + tr(C + C' - 2 (C C')^1/2)`` (Fréchet 1957; Heusel et al. 2017, arXiv:1706.08500, equation 6). With
``C = F F^T`` and ``C' = F' F'^T``, the trace of the root is the sum of the singular values of ``F^T F'``, and of the
roots of the eigenvalues of ``F^T C' F``. So no matrix root is ever taken, nothing becomes complex, and sets smaller
than the number of features are no special case.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ganvas.metric.jackknife import GROUPS, TOO_FEW, Deleted, can_delete, groups_of, jackknife
from ganvas.metric.moments import Moments, check_widths, covariance_factor, degrees
from ganvas.metric.score import Score, check_features

TRUSTED = 1.5
"""Samples per feature below which the bias is no longer inversely proportional to the number of samples."""


def frechet_distance(a: Moments, b: Moments, *, unbiased: bool = True) -> float:
    """Fréchet distance from moments, by a Cholesky factor of one covariance and eigenvalues of one product.

    Args:
        a: Moments of one set, D features.
        b: Moments of the other.
        unbiased: Divide the scatters by N - 1; else by N.

    Returns:
        At least 0, in squared units of the features.

    Raises:
        UsageError: The two have different D.
        DataError: One of the sets has fewer than two samples.
    """
    check_widths(len(a.mean), len(b.mean))
    return max(_distance(_of_moments(a, unbiased), _of_moments(b, unbiased)), 0.0)


def frechet_from_features(x: Tensor, y: Tensor, *, unbiased: bool = True) -> float:
    """Fréchet distance from features, by singular values where a set has no more samples than features.

    Args:
        x: Features ``(N, D)``.
        y: Features ``(M, D)``.
        unbiased: Divide the scatters by N - 1; else by N.

    Returns:
        At least 0, in squared units of the features.

    Raises:
        UsageError: The two have different D.
        DataError: One of the sets has fewer than two samples.
    """
    check_widths(x.shape[1], y.shape[1])
    return max(_distance(_of_features(x, unbiased), _of_features(y, unbiased)), 0.0)


def frechet_score(
    fakes: Tensor,
    reals: Tensor,
    *,
    groups: int = GROUPS,
    unbiased: bool = True,
    seed: int = 0,
    name: str = "frechet_distance",
) -> Score:
    """Fréchet distance with standard error and bias correction by a two-sided delete-group jackknife.

    Args:
        fakes: Features ``(N, D)``.
        reals: Features ``(M, D)``.
        groups: Groups of the jackknife; each costs the eigenvalues of two matrices, ``(D, D)`` or smaller.
        unbiased: Divide the scatters by N - 1; else by N.
        seed: Of the groups.
        name: The score's.

    Returns:
        ``corrected`` may be a little below 0 where the sets are alike. With fewer than 1.5 samples a feature the
        note says that it cannot be trusted.

    Raises:
        UsageError: The two have different D, or there are fewer than two groups.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    check_features(fakes, reals)
    first, second = _of_features(fakes, unbiased), _of_features(reals, unbiased)
    value = max(_distance(first, second), 0.0)
    count, width = min(len(fakes), len(reals)), fakes.shape[1]
    of_fakes, of_reals = groups_of(len(fakes), groups, seed), groups_of(len(reals), groups, seed)
    if not (can_delete(of_fakes) and can_delete(of_reals)):
        return Score(name, value, None, None, "lower", TOO_FEW)
    sides = [
        Deleted.of(_without(fakes, first, second, of_fakes), of_fakes),
        Deleted.of(_without(reals, second, first, of_reals), of_reals),
    ]
    error, corrected = jackknife(value, *sides)
    note = ""
    if count < TRUSTED * width:
        note = (
            f"With {count} pictures for {width} features the correction of the Fréchet distance cannot be trusted; "
            "read the kernel distance (KID) instead, or give more pictures."
        )
    return Score(name, value, error, corrected, "lower", note)


@dataclass(frozen=True)
class _Normal:
    """A normal distribution as estimated from ``count`` samples.

    Attributes:
        count: Samples.
        unbiased: The covariance is the scatter over ``count - 1``; else over ``count``.
        mean: ``(D,)``.
        variance: Trace of the covariance.
        covariance: ``(D, D)``; None where there are no more samples than features.
        samples: A with ``A^T A`` the covariance, ``(count, D)``; None where there are more.
    """

    count: int
    unbiased: bool
    mean: Tensor
    variance: float
    covariance: Tensor | None
    samples: Tensor | None

    @cached_property
    def factor(self) -> Tensor:
        """F ``(D, R)`` with ``F F^T`` the covariance."""
        if self.samples is not None:
            return self.samples.T
        assert self.covariance is not None
        return _column_factor(self.covariance)


def _of_moments(moments: Moments, unbiased: bool) -> _Normal:
    covariance = moments.covariance(unbiased)
    return _Normal(moments.count, unbiased, moments.mean, float(covariance.trace()), covariance, None)


def _of_features(features: Tensor, unbiased: bool) -> _Normal:
    if len(features) > features.shape[1]:
        return _of_moments(Moments.of(features), unbiased)
    samples = covariance_factor(features, unbiased)
    mean = features.cpu().double().mean(0)
    return _Normal(len(features), unbiased, mean, float(samples.square().sum()), None, samples)


def _distance(a: _Normal, b: _Normal) -> float:
    if b.count < a.count:
        a, b = b, a  # the smaller set may have the narrower factor
    if a.covariance is None or b.covariance is None:
        shared = torch.linalg.svdvals(a.factor.T @ b.factor).sum()
    else:
        shared = _root_trace(_congruent(b.covariance, a.factor))
    return float((a.mean - b.mean).square().sum()) + (a.variance - 2 * float(shared)) + b.variance


def _without(rows: Tensor, side: _Normal, other: _Normal, parts: list[Tensor]) -> Tensor:
    """Distances of a side without each of its parts to the other side, ``(G,)``.

    All is done in the other side's factor, which stays: what a part adds to the products there is subtracted.
    """
    factor, count = other.factor, side.count
    by_samples = count <= factor.shape[1]
    if side.covariance is not None:
        products = _congruent(side.covariance, factor) * degrees(count, side.unbiased)
    else:
        projected = (rows.cpu().double() - side.mean) @ factor
        products = projected @ projected.T if by_samples else projected.T @ projected
    scatter = side.variance * degrees(count, side.unbiased)
    distances = []
    for part in parts:
        left = count - len(part)
        divisor = degrees(left, side.unbiased)
        gone = rows[part].cpu().double() - side.mean
        step = gone.sum(0)
        variance = (scatter - float(gone.square().sum() + step.square().sum() / left)) / divisor
        between = float((side.mean - step / left - other.mean).square().sum())
        if by_samples:
            kept = torch.ones(count, dtype=torch.bool)
            kept[part] = False
            remaining = products[kept][:, kept]
            remaining = remaining - remaining.mean(0)
            remaining = remaining - remaining.mean(1, keepdim=True)
        else:
            seen, drift = gone @ factor, step @ factor
            remaining = products - seen.T @ seen - torch.outer(drift, drift / left)
        distances.append(between + variance + other.variance - 2 * float(_root_trace(remaining / divisor)))
    return torch.tensor(distances, dtype=torch.float64)


def _root_trace(product: Tensor) -> Tensor:
    """Sum of the roots of the eigenvalues of a positive semidefinite matrix, of which the lower triangle is read.

    What rounding made negative counts 0.
    """
    values: Tensor = torch.linalg.eigvalsh(product, UPLO="L")
    return values.clamp_min(0).sqrt().sum()


def _congruent(covariance: Tensor, factor: Tensor) -> Tensor:
    """``F^T C F``, of which only the lower triangle may be read: with Cholesky's F that takes 9/16 of the work."""
    half = len(factor) // 2
    if factor.shape != covariance.shape or factor.triu(1).any():
        product: Tensor = factor.T @ covariance @ factor
        return product
    left, corner = factor[:, :half], factor[half:, half:]
    wide, narrow = covariance @ left, covariance[half:, half:] @ corner
    product = torch.zeros_like(covariance)
    product[:half, :half] = left.T @ wide
    product[half:, :half] = corner.T @ wide[half:]
    product[half:, half:] = corner.T @ narrow
    return product


def _column_factor(covariance: Tensor) -> Tensor:
    """F ``(D, R)`` with ``F F^T`` the covariance: Cholesky's, or by eigenvectors where its rank R is below D."""
    lower, failed_at = torch.linalg.cholesky_ex(covariance)
    if not failed_at:
        triangle: Tensor = lower
        return triangle
    values, vectors = torch.linalg.eigh(covariance)
    # Roots of the rounding errors of exact zeros would add up: 1e-16 of the largest variance is 1e-8 of its root.
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1].clamp_min(0)
    factor: Tensor = vectors[:, kept] * values[kept].sqrt()
    return factor
