"""Is a generator too near to its training pictures? A percentage, and the fakes to look at first.

Both compare distances in the space of a feature network. No such score finds memorisation reliably (Stein et al. 2023,
arXiv:2306.04675, section 5), so `ganvas.metric.copies` lays pictures over each other as well.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.metric.jackknife import GROUPS, TOO_FEW, Deleted, can_delete, groups_of, jackknife, mean_without
from ganvas.metric.neighbours import Neighbours, kept_for, nearest, pair_distances, without_groups
from ganvas.metric.score import Score, check_features

DEEPEST = 5
"""The furthest neighbour that any score asks for, whichever group is left out."""


@dataclass(frozen=True)
class NearReals:
    """The reals around each fake and around each real, found once for all who ask.

    Attributes:
        to_fakes: Of each fake.
        to_reals: Of each real, itself left out.
        room: How far each real is from the nearest other one that does not equal it, ``(M,)``.
    """

    to_fakes: Neighbours
    to_reals: Neighbours
    room: Tensor


def find_near_reals(fakes: Tensor, reals: Tensor, *, groups: int = GROUPS) -> NearReals:
    """As many neighbours as `authenticity`, `most_suspicious` and the scores of `ganvas.metric.manifold` need.

    Args:
        fakes: Features ``(N, D)``.
        reals: Features ``(M, D)``.
        groups: Groups of the jackknife.

    Raises:
        UsageError: The two have different D, or there are fewer than two groups.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    check_features(fakes, reals)
    groups = len(groups_of(len(reals), groups, seed=0))
    to_reals = nearest(reals, reals, kept_for(DEEPEST, groups, len(reals) - 1), exclude_self=True)
    return NearReals(nearest(fakes, reals, kept_for(1, groups, len(reals))), to_reals, _room(to_reals, reals))


def _room(to_reals: Neighbours, reals: Tensor) -> Tensor:
    among, _ = to_reals
    room: Tensor = among.where(among > 0, torch.tensor(torch.inf)).amin(1)
    everyone = torch.arange(len(reals))
    while room.isinf().any():  # all that were found equal it; what holds for it holds for all of them
        row = int(room.isinf().nonzero()[0])
        line = pair_distances(reals, torch.full((len(reals),), row), reals, everyone)
        room[(line == 0) | (everyone == row)] = line[line > 0].min()
    return room


def authenticity(
    fakes: Tensor,
    reals: Tensor,
    *,
    groups: int = GROUPS,
    seed: int = 0,
    name: str = "authenticity",
    near: NearReals | None = None,
) -> Score:
    """Percentage of fakes that are further from the nearest real than that one is from its nearest other real.

    Alaa et al. 2022, arXiv:2102.08921, section 2.3, in the form of Stein et al. 2023 ("AuthPct"). Its error is too
    large rather than too small: 1.4 to 3 times the spread over samples of 500 to 2,000 clothes.

    Args:
        fakes: Features ``(N, D)``.
        reals: Features ``(M, D)``.
        groups: Groups of the jackknife that gives the standard error.
        seed: Of the groups.
        name: The score's.
        near: From `find_near_reals` of the same features; found where it is None.

    Raises:
        UsageError: The two have different D, or there are fewer than two groups.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    near = near or find_near_reals(fakes, reals, groups=groups)
    of_fakes, of_reals = groups_of(len(fakes), groups, seed), groups_of(len(reals), groups, seed)
    to_real, which = without_groups(near.to_fakes, fakes, reals, 1, of_reals)
    among, _ = without_groups(near.to_reals, reals, reals, 1, of_reals, exclude_self=True)
    authentic = 100 * (to_real > among.gather(0, which)).double()
    whole = authentic[:, 0]
    value = float(whole.mean())
    if not (can_delete(of_fakes) and can_delete(of_reals)):
        return Score(name, value, None, None, "higher", TOO_FEW)
    sides = Deleted.of(mean_without(whole, of_fakes), of_fakes), Deleted.of(authentic[:, 1:].mean(0), of_reals)
    return Score(name, value, jackknife(value, *sides)[0], None, "higher")


def most_suspicious(near: NearReals, count: int) -> list[tuple[int, int, float]]:
    """The fakes nearest to a real, for how near reals are to each other there.

    Suspicion is the distance of the nearest real to its own nearest other real over that of the fake: above 1 a fake is
    not authentic. Exact copies among the reals do not hide a fake: the nearest real at any distance counts.

    Args:
        near: From `find_near_reals`.
        count: At most this many.

    Returns:
        Row of the fake, row of its nearest real and suspicion (infinite at distance 0), most suspicious first.
    """
    distance, real = (found[:, 0] for found in near.to_fakes)
    suspicion = torch.where(distance > 0, near.room[real] / distance, torch.inf)
    order = suspicion.argsort(descending=True, stable=True)[:count]
    return list(zip(order.tolist(), real[order].tolist(), suspicion[order].tolist(), strict=True))
