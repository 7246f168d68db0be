"""Standard error and bias of a statistic of one or two samples, from its values without one group at a time.

The delete-group jackknife (Quenouille 1956; Tukey 1958), for groups of unequal size as in Busing, Meijer and van der
Leeden 1999, "Delete-m jackknife for unequal m", equations 3 and 4. Two samples vary independently, so groups of one
are deleted at a time with the other kept whole: variances and biases of the two sides add up. Unlike a bootstrap it
sees no bias of its own making, and its pieces (moments, block sums) can be subtracted instead of summed anew.
"""

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.errors import UsageError

GROUPS = 20
TOO_FEW = "Too few pictures a side for a standard error."


@dataclass(frozen=True)
class Deleted:
    """What a statistic is without each group of one side.

    Attributes:
        values: ``(G,)``, float64.
        sizes: Samples in each group, ``(G,)``.
    """

    values: Tensor
    sizes: Tensor

    @staticmethod
    def of(values: Tensor, groups: Sequence[Tensor]) -> "Deleted":
        """Values without each of these groups of rows."""
        return Deleted(values, sizes_of(groups))


def sizes_of(groups: Sequence[Sized]) -> Tensor:
    """Samples in each group, ``(G,)``."""
    return torch.tensor([len(group) for group in groups])


def can_delete(groups: Sequence[Sized], least_left: int = 2) -> bool:
    """Whether so many samples are left whichever group is deleted: a variance needs two."""
    sizes = sizes_of(groups)
    return int(sizes.sum() - sizes.max()) >= least_left


def mean_without(values: Tensor, groups: Sequence[Tensor]) -> Tensor:
    """The mean of values ``(N,)`` without each group of rows, ``(G,)``."""
    return torch.stack([(values.sum() - values[group].sum()) / (len(values) - len(group)) for group in groups])


def check_groups(groups: int) -> None:
    """Refuse a jackknife of fewer than two groups.

    Raises:
        UsageError: They are.
    """
    if groups < 2:
        raise UsageError(f"A jackknife cannot work with {groups} group{'s' * (groups != 1)}; give 2 or more.")


def groups_of(count: int, groups: int = GROUPS, seed: int = 0) -> list[Tensor]:
    """Rows 0 to count - 1 in groups of nearly equal size, by a seeded permutation; groups of one if there are few.

    Raises:
        UsageError: Fewer than two groups.
    """
    check_groups(groups)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return list(order.tensor_split(min(groups, count)))


def jackknife(value: float, *sides: Deleted) -> tuple[float, float]:
    """Standard error and bias-corrected value of a statistic.

    For groups of equal size the variance of a side is ``(G - 1) / G`` times the sum of squares of the deleted values
    about their mean, and its bias is ``G - 1`` times their mean less the value.

    Args:
        value: The statistic of all samples.
        sides: Each sample's deleted values; two groups at least.

    Returns:
        The standard error, and the value minus the biases of all sides.
    """
    variance, bias = 0.0, 0.0
    for side in sides:
        sizes, deleted = side.sizes.double(), side.values.double()
        ratio = sizes.sum() / sizes
        pseudo = ratio * value - (ratio - 1) * deleted
        unbiased = float((value + (1 - 1 / ratio) * (value - deleted)).sum() - (len(ratio) - 1) * value)
        variance += float(((pseudo - unbiased).square() / (ratio - 1)).mean())
        bias += value - unbiased
    return math.sqrt(variance), value - bias
