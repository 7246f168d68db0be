"""Kernel distance between two sets of features: the squared maximum mean discrepancy with a cubic kernel.

``k(x, y) = (x.y / D + 1)^3`` (Binkowski et al. 2018, arXiv:1801.01401, section 4, "KID"; Gretton et al. 2012, JMLR 13,
lemma 6). Its estimate has no bias at any number of samples, and so it may be below 0 where the sets are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metric.jackknife import GROUPS, TOO_FEW, Deleted, can_delete, groups_of, jackknife, sizes_of
from ganvas.metric.score import Score, check_features

BLOCK = 1024
"""Rows and columns of the kernel at a time: 8 MB."""


@dataclass(frozen=True)
class KernelSums:
    """Sums of the kernel over pairs, by the groups of the two; pairs of a sample with itself are left out.

    Attributes:
        xx: ``(G, G)``, symmetric, float64.
        yy: ``(H, H)``, symmetric.
        xy: ``(G, H)``.
        x_sizes: Samples in each group, ``(G,)``.
        y_sizes: ``(H,)``.
    """

    xx: Tensor
    yy: Tensor
    xy: Tensor
    x_sizes: Tensor
    y_sizes: Tensor

    def distance(self) -> float:
        """The U-statistic of all samples."""
        return float(_unbiased(self.xx.sum(), self.yy.sum(), self.xy.sum(), self.x_sizes.sum(), self.y_sizes.sum()))

    def deleted(self) -> tuple[Deleted, Deleted]:
        """The U-statistic without each group of x, and without each of y."""
        xx, yy, xy, n, m = self.xx.sum(), self.yy.sum(), self.xy.sum(), self.x_sizes.sum(), self.y_sizes.sum()
        left_xx = xx - 2 * self.xx.sum(1) + self.xx.diagonal()
        left_yy = yy - 2 * self.yy.sum(1) + self.yy.diagonal()
        without_x = _unbiased(left_xx, yy, xy - self.xy.sum(1), n - self.x_sizes, m)
        without_y = _unbiased(xx, left_yy, xy - self.xy.sum(0), n, m - self.y_sizes)
        return Deleted(without_x, self.x_sizes), Deleted(without_y, self.y_sizes)


def kernel_sums(x: Sequence[Tensor], y: Sequence[Tensor]) -> KernelSums:
    """Sums of the kernel of features in groups, each ``(n, D)``; a block of the kernel is in memory at a time."""
    within = []
    for groups in (x, y):
        sums = torch.zeros(len(groups), len(groups), dtype=torch.float64)
        for row, left in enumerate(groups):
            for column in range(row, len(groups)):
                sums[row, column] = sums[column, row] = _sum(left, groups[column])
            squares = left.cpu().double().square().sum(1)
            sums[row, row] -= _cubic(squares, left.shape[1]).sum()
        within.append(sums)
    across = torch.stack([torch.stack([_sum(left, right) for right in y]) for left in x])
    return KernelSums(within[0], within[1], across, sizes_of(x), sizes_of(y))


def kid(x: Tensor, y: Tensor) -> float:
    """Kernel distance by the U-statistic of all pairs: no subsets, no chance, no bias.

    Args:
        x: Features ``(N, D)``, N at least 2.
        y: Features ``(M, D)``, M at least 2.

    Raises:
        UsageError: The two have different D.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    check_features(x, y)
    return kernel_sums(x.split(BLOCK), y.split(BLOCK)).distance()


def kid_subsets(
    x: Tensor, y: Tensor, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Kernel distance as most tools give it: the mean over random subsets of equal size, and its spread over them.

    The spread is that of values at the subset's size. It is no standard error of the mean.

    Args:
        x: Features ``(N, D)``, N at least 2.
        y: Features ``(M, D)``, M at least 2.
        subsets: How many.
        subset_size: Samples of each side in a subset, drawn without replacement; fewer where a side has fewer.
        seed: Of the draws.

    Returns:
        Mean and standard deviation (over ``subsets``, not one less) of the unbiased estimates.

    Raises:
        UsageError: The two have different D, there are no subsets, or they hold fewer than two samples.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    check_features(x, y)
    if subsets < 1 or subset_size < 2:
        raise UsageError(f"{subsets} subsets of {subset_size} give no kernel distance; give at least 1 subset of 2.")
    size = min(len(x), len(y), subset_size)
    generator = torch.Generator().manual_seed(seed)
    values = []
    for _ in range(subsets):
        left, right = (rows[torch.randperm(len(rows), generator=generator)[:size]] for rows in (x, y))
        values.append(kernel_sums([left], [right]).distance())
    found = torch.tensor(values, dtype=torch.float64)
    return float(found.mean()), float(found.std(correction=0))


def kid_score(fakes: Tensor, reals: Tensor, *, groups: int = GROUPS, seed: int = 0, name: str = "kid") -> Score:
    """Kernel distance of all pairs with its standard error by a two-sided delete-group jackknife.

    Args:
        fakes: Features ``(N, D)``.
        reals: Features ``(M, D)``.
        groups: Groups of the jackknife; deleting one costs nothing beyond the distance itself.
        seed: Of the groups.
        name: The score's.

    Returns:
        ``corrected`` is None: the value has no bias.

    Raises:
        UsageError: The two have different D, or there are fewer than two groups.
        DataError: Fewer than two samples, numbers that are not finite, or one sample repeated.
    """
    check_features(fakes, reals)
    grouped = [[rows[group] for group in groups_of(len(rows), groups, seed)] for rows in (fakes, reals)]
    if not all(map(can_delete, grouped)):
        return Score(name, kid(fakes, reals), None, None, "lower", TOO_FEW)
    sums = kernel_sums(grouped[0], grouped[1])
    value = sums.distance()
    error, _ = jackknife(value, *sums.deleted())
    return Score(name, value, error, None, "lower")


def _cubic(products: Tensor, width: int) -> Tensor:
    """The kernel of dot products, in their place."""
    scaled = products.div_(width).add_(1)
    return scaled.square().mul_(scaled)


def _sum(left: Tensor, right: Tensor) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for rows in left.split(BLOCK):
        block = rows.cpu().double()
        for columns in right.split(BLOCK):
            total += _cubic(block @ columns.cpu().double().T, left.shape[1]).sum()
    return total


def _unbiased(xx: Tensor, yy: Tensor, xy: Tensor, n: Tensor, m: Tensor) -> Tensor:
    """Squared discrepancy from sums over pairs; any of them may be one number a group."""
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
