"""How many of the known modes a generator finds: stacked digits, rings and grids of Gaussians.

StackedMNIST (Metz et al. 2017, arXiv:1611.02163; protocol of PacGAN, Lin et al. 2018, arXiv:1712.04086): three digits
are the channels of one picture, a classifier reads them, and there are 1,000 modes. Rings and grids (Srivastava et
al. 2017, arXiv:1705.07761): a point belongs to its nearest Gaussian if it lies within three standard deviations.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from ganvas.errors import DataError, UsageError
from ganvas.tensors import Images, Levels

NONE = -1
"""The label of a sample that lies in no mode."""
DIGITS = 10
PICTURES_AT_ONCE = 500

Pictures = TypeVar("Pictures", Images, Levels)


@dataclass(frozen=True)
class ModeCount:
    """What a generator covers.

    Attributes:
        modes_found: Modes that were met.
        kl_nats: KL(generated || uniform), nats, over the samples that lie in a mode; None where none does.
        floor_nats: What a perfect generator is expected to score for counting noise alone; None where that is.
    """

    modes_found: int
    kl_nats: float | None
    floor_nats: float | None


def count_modes(labels: Tensor, modes: int, *, least_share: float = 0.0) -> ModeCount:
    """Modes met, and how evenly.

    The divergence is ``sum_k p_k log(M p_k)`` with ``p_k`` the share of mode k; modes never met add nothing. The
    floor is its expectation for N uniform samples, ``(M - 1) / 2N`` (Miller 1955), 0.019 for 26,000 samples and
    1,000 modes. It is the first term of a series: 1 % too small at 26 samples a mode, 4 % at 5, 12 % at 2.

    Args:
        labels: Whole numbers ``(N,)``, 0 to ``modes - 1``, or `NONE` for a sample in no mode.
        modes: How many there are, M.
        least_share: A mode is found from this part of its fair share ``N / M`` on, and from one sample on.

    Raises:
        DataError: There are no samples.
        UsageError: Labels are not whole numbers, or lie outside of the modes.
    """
    if labels.ndim != 1 or labels.is_floating_point() or labels.is_complex() or modes < 1:
        raise UsageError(
            f"Labels of the shape {tuple(labels.shape)} and kind {labels.dtype} for {modes} modes cannot be counted; "
            "give whole numbers, one a sample, and at least one mode."
        )
    if not len(labels):
        raise DataError("There are no samples to count modes in; generate at least one.")
    if labels.min() < NONE or labels.max() >= modes:
        raise UsageError(
            f"Labels from {int(labels.min())} to {int(labels.max())} do not fit {modes} modes; they go from 0 to "
            f"{modes - 1}, and {NONE} is none."
        )
    counts = torch.bincount(labels[labels != NONE].long(), minlength=modes).cpu().double()
    found = int((counts >= max(least_share * len(labels) / modes, 1)).sum())
    inside = float(counts.sum())
    if not inside:
        return ModeCount(found, None, None)
    # Rounding can bring equal shares below 0 by 1e-16.
    divergence = max(math.log(modes) - float(torch.special.entr(counts / inside).sum()), 0.0)
    return ModeCount(found, divergence, (modes - 1) / (2 * inside))


def stacked_modes(pictures: Pictures, classify: Callable[[Pictures], Tensor]) -> Tensor:
    """Read three digits from each picture.

    Args:
        pictures: Images ``(N, 3, H, W)`` or Levels ``(N, H, W, 3)``; the channels are hundreds, tens and ones.
        classify: Reads single grey pictures, Images ``(n, 1, H, W)`` or Levels ``(n, H, W, 1)``, as whole numbers
            0 to 9, ``(n,)``.

    Returns:
        Modes 0 to 999, ``(N,)``, for `count_modes`, where `classify` left them.

    Raises:
        DataError: There are no pictures, or they have not three channels.
        UsageError: What was read is no digit.
    """
    channel_axis = 1 if isinstance(pictures, Tensor) else 3
    if pictures.ndim != 4 or pictures.shape[channel_axis] != 3 or not len(pictures):
        raise DataError(f"Pictures of shape {tuple(pictures.shape)} are no stacked digits; give at least one, in RGB.")
    chunks = []
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        some = pictures[start : start + PICTURES_AT_ONCE]
        planes = [some[:, i : i + 1] if channel_axis == 1 else some[..., i : i + 1] for i in range(3)]
        digits = torch.stack([classify(plane) for plane in planes])
        if digits.shape != (3, len(some)) or digits.is_floating_point() or digits.min() < 0 or digits.max() >= DIGITS:
            raise UsageError(
                f"The classifier gave {digits.dtype} of shape {tuple(digits.shape[1:])} for {len(some)} pictures; "
                "it must read each as a whole number from 0 to 9."
            )
        chunks.append(digits[0] * 100 + digits[1] * 10 + digits[2])
    return torch.cat(chunks)


def gaussian_modes(points: Tensor, centres: Tensor, std: float, *, deviations: float = 3.0) -> tuple[Tensor, float]:
    """To which Gaussian each point belongs.

    Args:
        points: ``(N, 2)``, or of any other dimension.
        centres: ``(M, 2)``.
        std: Standard deviation of every Gaussian, in the points' units.
        deviations: A point belongs to the nearest centre if it is nearer than so many standard deviations.

    Returns:
        Labels ``(N,)``, `NONE` for points too far from all, for `count_modes`; and the share of points within.
        A Gaussian in the plane has 98.9 % of its own points within three standard deviations.

    Raises:
        DataError: There are no points, or some are not finite.
        UsageError: Points and centres have different dimensions, there are no centres, or the deviation is not above 0.
    """
    if points.ndim != 2 or centres.ndim != 2 or points.shape[1] != centres.shape[1] or not len(centres) or std <= 0:
        raise UsageError(
            f"Points {tuple(points.shape)} cannot be told apart by centres {tuple(centres.shape)}, deviation {std}; "
            "give (N, D) and (M, D) with M at least 1, and a deviation above 0."
        )
    if not len(points) or not points.isfinite().all():
        raise DataError(f"Among {len(points)} points there are none, or some that are not finite; generate others.")
    # cdist forms |x|^2 - 2xy + |y|^2; float32 loses there what is small beside the distance from the origin.
    distance, nearest = torch.cdist(points.cpu().double(), centres.cpu().double()).min(1)
    within = distance < deviations * std
    return torch.where(within, nearest, NONE), float(within.double().mean())


def ring(count: int, radius: float) -> Tensor:
    """Centres on a circle, from angle 0 on, float64 ``(count, 2)``."""
    angles = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    return radius * torch.stack([angles.cos(), angles.sin()], 1)


def square_grid(side: int, reach: float) -> Tensor:
    """Centres of a square grid from ``-reach`` to ``reach`` on both axes, float64 ``(side * side, 2)``."""
    axis = torch.linspace(-reach, reach, side, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis)
