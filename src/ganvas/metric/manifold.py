"""Do fakes lie where reals lie, and do they lie everywhere there? Precision, recall, density and coverage.

Each sample has a ball that reaches to its k-th nearest neighbour in its own set. Precision and recall (Kynkäänniemi
et al. 2019, arXiv:1904.06991, equations 1 and 2) are the share of fakes in some ball of a real and of reals in some
ball of a fake; the edge of a ball belongs to it. Density and coverage (Naeem et al. 2020, arXiv:2002.09797, equations 3
and 4) are the mean number of the reals' balls around a fake, over k, and the share of reals with a fake in their ball;
the edge does not belong to it. One outlier's large ball moves the first two a lot and the others little.

All depend on the number of samples: compare only values of equal numbers. Their standard errors come from a jackknife,
which finds too much rather than too little (Efron and Stein 1981): 1.1 to 2 times the spread over samples of 500 to
2,000 clothes.
"""

from collections.abc import Iterator, Sequence
from typing import final

import torch
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.metric.jackknife import GROUPS, TOO_FEW, Deleted, can_delete, groups_of, jackknife, mean_without
from ganvas.metric.neighbours import Neighbours, Tile, kept_for, nearest, pair_distances, tiles, without_groups
from ganvas.metric.score import Score, check_features

PAIRS = 2**17
"""Pairs of a point and a ball counted at a time: 21 MB with 20 groups."""


@final
class Balls:
    """Balls around samples, and what has been counted of points in them.

    Counts have a column 0 for all balls, and a column 1 + g for the balls as they are without the centres of group g:
    those are gone, and others reach further.

    Attributes:
        k: Balls reach to the k-th neighbour.
        closed: Whether the edge belongs to the ball.
        radii: ``(I, 1 + G)``; -1 where the centre itself is gone.
        around: Balls around each point, ``(J, 1 + G)``.
        inside: Points in each ball, ``(I, 1 + G)``.
        inside_by_group: Points of each group in each ball of column 0, ``(I, H)``.
    """

    def __init__(
        self,
        found: Neighbours,
        centres: Tensor,
        k: int,
        groups: Sequence[Tensor],
        point_groups: Sequence[Tensor],
        *,
        closed: bool,
    ):
        self.k, self.closed = k, closed
        self.can_delete = can_delete(groups, k + 1)
        count, points = len(centres), sum(map(len, point_groups))
        if self.can_delete:
            self.radii, _ = without_groups(found, centres, centres, k, groups, exclude_self=True)
            for number, group in enumerate(groups):
                self.radii[group, 1 + number] = -1.0
        else:
            self.radii = torch.cat([found[0][:, k - 1 : k], torch.full((count, len(groups)), -1.0)], dim=1)
        # Squares at most this are inside of some version of the ball; float32 may have rounded the square down.
        self.reach = self.radii.amax(1).square() * (1 + 1e-6)
        self.point_group = torch.empty(points, dtype=torch.int64)
        for number, group in enumerate(point_groups):
            self.point_group[group] = number
        self.around = torch.zeros(points, 1 + len(groups), dtype=torch.int64)
        self.inside = torch.zeros(count, 1 + len(groups), dtype=torch.int64)
        self.inside_by_group = torch.zeros(count, len(point_groups), dtype=torch.int64)

    def count(self, tile: Tile, points: Tensor, centres: Tensor, *, centres_are_rows: bool) -> None:
        """Count the pairs of one tile of points and centres.

        Only pairs between the smallest and the largest version of a ball are measured exactly.
        """
        rows = tile.rows if centres_are_rows else tile.columns
        reach = self.reach[rows].to(tile.least)
        close = tile.least <= (reach[:, None] if centres_are_rows else reach)
        for row, column in _pairs(close):
            most = (tile.least[row, column] + tile.row_slack[row] + tile.column_slack[column]).cpu().double()
            row, column = row.cpu() + tile.rows.start, column.cpu() + tile.columns.start
            centre, point = (row, column) if centres_are_rows else (column, row)
            distance = torch.zeros(len(centre), dtype=torch.float64)
            unsure = (most * (1 + 1e-6) >= self.radii[centre, 0].square()).nonzero()[:, 0]
            distance[unsure] = pair_distances(points, point[unsure], centres, centre[unsure])
            radii = self.radii[centre]
            hit = distance[:, None] <= radii if self.closed else distance[:, None] < radii
            self.around.index_add_(0, point, hit.long())
            self.inside.index_add_(0, centre, hit.long())
            cells = centre * self.inside_by_group.shape[1] + self.point_group[point]
            self.inside_by_group.view(-1).index_add_(0, cells, hit[:, 0].long())


def precision_recall(
    fakes: Tensor, reals: Tensor, *, k: int = 3, groups: int = GROUPS, seed: int = 0, prefix: str = ""
) -> tuple[Score, Score]:
    """Precision and recall (Kynkäänniemi et al. 2019), both from 0 to 1.

    Args:
        fakes: Features ``(N, D)``, N above k.
        reals: Features ``(M, D)``, M above k.
        k: Balls reach to the k-th neighbour other than the centre itself.
        groups: Groups of the jackknife that gives standard errors.
        seed: Of the groups.
        prefix: Put before the scores' names.

    Raises:
        UsageError: The two have different D, k is below 1, or there are fewer than two groups.
        DataError: Too few samples, numbers that are not finite, or one sample repeated.
    """
    scores = _scores(fakes, reals, k, None, groups, seed, prefix)
    return scores[0], scores[1]


def density_coverage(
    fakes: Tensor, reals: Tensor, *, k: int = 5, groups: int = GROUPS, seed: int = 0, prefix: str = ""
) -> tuple[Score, Score]:
    """Density, from 0 and about 1 where sets are alike, and coverage, from 0 to 1 (Naeem et al. 2020).

    Args:
        fakes: Features ``(N, D)``.
        reals: Features ``(M, D)``, M above k.
        k: See `precision_recall`; so are the others.
        groups: See there.
        seed: See there.
        prefix: See there.

    Raises:
        UsageError: The two have different D, k is below 1, or there are fewer than two groups.
        DataError: Too few samples, numbers that are not finite, or one sample repeated.
    """
    scores = _scores(fakes, reals, None, k, groups, seed, prefix)
    return scores[0], scores[1]


def manifold_scores(
    fakes: Tensor,
    reals: Tensor,
    *,
    groups: int = GROUPS,
    seed: int = 0,
    prefix: str = "",
    among_reals: Neighbours | None = None,
) -> tuple[Score, Score, Score, Score]:
    """Precision and recall with k = 3, density and coverage with k = 5, from one pass over all distances.

    See `precision_recall` for other arguments and errors.

    Args:
        fakes: See there.
        reals: See there.
        groups: See there.
        seed: See there.
        prefix: See there.
        among_reals: `NearReals.to_reals` of the same reals and groups; found where it is None.
    """
    precision, recall, density, coverage = _scores(fakes, reals, 3, 5, groups, seed, prefix, among_reals)
    return precision, recall, density, coverage


def _scores(
    fakes: Tensor,
    reals: Tensor,
    k_closed: int | None,
    k_open: int | None,
    groups: int,
    seed: int,
    prefix: str,
    found: Neighbours | None = None,
) -> list[Score]:
    """Precision and recall unless ``k_closed`` is None, then density and coverage unless ``k_open`` is."""
    check_features(fakes, reals)
    of_fakes, of_reals = groups_of(len(fakes), groups, seed), groups_of(len(reals), groups, seed)
    wanted = [k for k in (k_closed, k_open) if k is not None]
    found = _neighbours("reals", reals, max(wanted), len(of_reals), found)
    counted: list[tuple[Balls, bool]] = []  # and whether its centres are the fakes
    if k_closed is not None:
        among_fakes = _neighbours("fakes", fakes, k_closed, len(of_fakes))
        counted.append((Balls(found, reals, k_closed, of_reals, of_fakes, closed=True), False))
        counted.append((Balls(among_fakes, fakes, k_closed, of_fakes, of_reals, closed=True), True))
    if k_open is not None:
        counted.append((Balls(found, reals, k_open, of_reals, of_fakes, closed=False), False))
    for tile in tiles(fakes, reals):
        for balls, centres_are_fakes in counted:
            points, centres = (reals, fakes) if centres_are_fakes else (fakes, reals)
            balls.count(tile, points, centres, centres_are_rows=centres_are_fakes)

    scores = []
    if k_closed is not None:
        for name, (balls, centres_are_fakes) in zip(("precision", "recall"), counted, strict=False):
            sides = (of_reals, of_fakes) if centres_are_fakes else (of_fakes, of_reals)
            scores.append(_of_points(prefix + name, balls, (balls.around > 0).double(), *sides))
    if k_open is not None:
        balls, _ = counted[-1]
        scores.append(_of_points(prefix + "density", balls, balls.around.double() / k_open, of_fakes, of_reals))
        scores.append(_coverage(prefix + "coverage", balls, of_fakes, of_reals))
    return scores


def _neighbours(name: str, samples: Tensor, k: int, groups: int, found: Neighbours | None = None) -> Neighbours:
    """Enough neighbours of samples among themselves to know the k-th without any one group."""
    if k < 1:
        raise UsageError(f"A ball cannot reach to neighbour number {k}; give k from 1 on.")
    if len(samples) <= k:
        raise DataError(
            f"{len(samples)} {name} are too few for balls that reach to neighbour number {k}; give {k + 1} or more."
        )
    return found or nearest(samples, samples, kept_for(k, groups, len(samples) - 1), exclude_self=True)


def _of_points(
    name: str, balls: Balls, values: Tensor, of_points: Sequence[Tensor], of_centres: Sequence[Tensor]
) -> Score:
    """A mean over points of what the balls around each are worth, ``(J, 1 + G)``."""
    whole = values[:, 0]
    fewer = mean_without(whole, of_points)
    return _score(name, balls, float(whole.mean()), (fewer, of_points), (values[:, 1:].mean(0), of_centres))


def _coverage(name: str, balls: Balls, of_points: Sequence[Tensor], of_centres: Sequence[Tensor]) -> Score:
    """The share of balls with a point inside."""
    left = (balls.inside[:, :1] - balls.inside_by_group > 0).double().mean(0)
    held = (balls.inside > 0).double().sum(0)
    sizes = torch.tensor([0, *map(len, of_centres)])
    shares = held / (len(balls.inside) - sizes)
    return _score(name, balls, float(shares[0]), (left, of_points), (shares[1:], of_centres))


def _score(name: str, balls: Balls, value: float, *sides: tuple[Tensor, Sequence[Tensor]]) -> Score:
    """A score with the error that both sides' deleted values give; they have kinks, so no bias is told."""
    if not balls.can_delete:
        return Score(name, value, None, None, "higher", TOO_FEW)
    deleted = [Deleted.of(values, groups) for values, groups in sides]
    return Score(name, value, jackknife(value, *deleted)[0], None, "higher")


def _pairs(close: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows and columns of what is true, a part at a time."""
    row, column = close.nonzero(as_tuple=True)
    yield from zip(row.split(PAIRS), column.split(PAIRS), strict=True)
