"""How diverse fakes are, and how far from the reals, in features of any network; random ones do for a run's health."""

import torch
from torch import Tensor

from ganvas.metric.frechet import frechet_from_features
from ganvas.metric.jackknife import GROUPS, TOO_FEW, Deleted, can_delete, groups_of, jackknife, sizes_of
from ganvas.metric.moments import covariance_factor
from ganvas.metric.score import Score, check_features
from ganvas.network.features.random import random_features

__all__ = ["diversity", "diversity_score", "effective_rank", "random_feature_distance", "random_features"]

MOST = 2000
"""Samples a side whose distances `diversity_score` takes: two million pairs settle a mean."""


def diversity(fakes: Tensor, reals: Tensor) -> float:
    """Mean distance between two fakes over that between two reals.

    Args:
        fakes: Features ``(N, F)``, N at least 2.
        reals: Features ``(M, F)``, M at least 2.

    Returns:
        1 as diverse as the reals, 0 all the same, above 1 noisy or out of range; 1 where the reals are all the same.
    """
    among_fakes, among_reals = (float(torch.pdist(rows.cpu().double()).mean()) for rows in (fakes, reals))
    return among_fakes / among_reals if among_reals else 1.0


def diversity_score(
    fakes: Tensor, reals: Tensor, *, groups: int = GROUPS, seed: int = 0, name: str = "diversity"
) -> Score:
    """`diversity` of as many as `MOST` samples a side, with its standard error by a two-sided delete-group jackknife.

    Args:
        fakes: Features ``(N, D)``.
        reals: Features ``(M, D)``.
        groups: Groups of the jackknife.
        seed: Of the samples taken and of the groups.
        name: The score's.

    Raises:
        UsageError: The two have different D, or there are fewer than two groups.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    check_features(fakes, reals)
    spread, of_fakes = _mean_distances(fakes, groups, seed)
    among_reals, of_reals = _mean_distances(reals, groups, seed)
    value = spread / among_reals
    if of_fakes is None or of_reals is None:
        return Score(name, value, None, None, "", TOO_FEW)
    if not of_reals.values.all():
        return Score(name, value, None, None, "", "But for a few, the reals are one picture: no standard error.")
    sides = Deleted(of_fakes.values / among_reals, of_fakes.sizes), Deleted(spread / of_reals.values, of_reals.sizes)
    error, _ = jackknife(value, *sides)
    return Score(name, value, error, None, "", "1 is as diverse as the reals, 0 is one picture over and over.")


def _mean_distances(features: Tensor, groups: int, seed: int) -> tuple[float, Deleted | None]:
    """Mean distance of two different samples, and without each group; None where too few would be left."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))[:MOST]
    rows = features[order].cpu().double()
    parts = [rows[group] for group in groups_of(len(rows), groups, seed)]
    sums = torch.stack([torch.stack([torch.cdist(left, right).sum() for right in parts]) for left in parts])
    count, total = len(rows), sums.sum()
    mean = float(total) / (count * (count - 1))
    if not can_delete(parts):
        return mean, None
    left = count - sizes_of(parts)
    return mean, Deleted.of((total - 2 * sums.sum(1) + sums.diagonal()) / (left * (left - 1)), parts)


def effective_rank(features: Tensor) -> float:
    """In how many directions pictures really differ: exp of the entropy of the covariance's spectrum.

    Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality", definition 1. It sees a
    generator that knows a handful of pictures, which `diversity` does not; noise has a high rank.

    Args:
        features: ``(N, F)``, N at least 2.

    Returns:
        From 1 (one direction, or none) to ``min(N - 1, F)``.
    """
    variances = torch.linalg.svdvals(covariance_factor(features)).square()
    total = variances.sum()
    if total == 0:
        return 1.0
    return float(torch.special.entr(variances / total).sum().exp())


def random_feature_distance(fakes: Tensor, reals: Tensor) -> float:
    """Fréchet distance of fakes to reals in random features, in units of the reals' variance; lower is better.

    It grows with collapse, lost modes, blur and noise, and so serves to keep the best state of a run. Samples alone
    give more than 0: two sets of 256 real clothes are 0.05 apart, give or take 0.01, so smaller differences than
    that mean nothing. It is blind to detail finer than 1/64 of a picture and to anything that needs understanding.

    Args:
        fakes: Features ``(N, F)``, N at least 2.
        reals: Features ``(M, F)``; compare only distances with the same N and M.

    Returns:
        0 for equal sets; 1 for one picture, the reals' mean, over and over.
    """
    variance = float(covariance_factor(reals).square().sum())
    return frechet_from_features(fakes, reals) / (variance or 1.0)
