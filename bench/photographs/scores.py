"""How near results are to what they should be, and how well scratches are found."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ganvas.metric.pairs.perceptual import perceptual_distance
from ganvas.metric.pairs.psnr import psnr
from ganvas.metric.pairs.ssim import ssim
from ganvas.network.features import Loaded

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Distance = Callable[[Picture, Picture], float]

EQUAL_DB = 100.0
"""What stands for the infinite ratio of two equal pictures."""
TOLERANCE_PX = 2
FLAT = 0.5
"""Levels added to both steps, so that a flat original gives a number."""
HIGHER = {"psnr_y", "ssim"}


@dataclass(frozen=True)
class Scores:
    """Of one result.

    Attributes:
        psnr_y: Of BT.601 luma, decibels.
        ssim: Of luma.
        perceptual: Distance in the form of LPIPS.
        colour: Largest difference of a channel's mean, levels.
        seam: Step across the edge of the hole over the step there in the original; 1 where there is no hole.
    """

    psnr_y: float
    ssim: float
    perceptual: float
    colour: float
    seam: float


NAMES = tuple(field.name for field in fields(Scores))


def distance_of(network: Loaded) -> Distance:
    """The perceptual distance in the eyes of a feature network, at the pictures' own size."""
    offset, scale = (torch.tensor(side).view(1, 3, 1, 1) for side in (network.offset, network.scale))

    @torch.inference_mode()
    def distance(a: Picture, b: Picture) -> float:
        seen = [(torch.from_numpy(one).permute(2, 0, 1)[None].float() - offset) / scale for one in (a, b)]
        return float(perceptual_distance(seen[0], seen[1], network.network.stages))

    return distance


def scored(result: Picture, target: Picture, mask: Mask, border_px: int, distance: Distance) -> Scores:
    """All scores of one result.

    Args:
        result: Levels ``(H, W, 3)``.
        target: What it should be.
        mask: What had been missing, ``(H, W)``.
        border_px: Left out by PSNR and SSIM on each side.
        distance: From `distance_of`.
    """
    ratio = float(psnr(result[None], target[None], border_px=border_px, channel="y"))
    return Scores(
        psnr_y=min(ratio, EQUAL_DB),
        ssim=float(ssim(result[None], target[None], border_px=border_px, channel="y")),
        perceptual=distance(result, target),
        colour=float(np.abs(result.mean((0, 1)) - target.mean((0, 1))).max()),
        seam=seam(result, target, mask),
    )


def seam(result: Picture, target: Picture, mask: Mask) -> float:
    """Mean step between neighbours of which one is in the hole, over that of the original."""
    if not mask.any():
        return 1.0
    steps = []
    for picture in (result, target):
        grey = picture.mean(2)
        across = [np.abs(np.diff(grey, axis=axis))[np.diff(mask, axis=axis)] for axis in (0, 1)]
        steps.append(np.concatenate(across))
    return float((steps[0].mean() + FLAT) / (steps[1].mean() + FLAT))


def mean(values: Sequence[float]) -> float:
    """Over pictures; not a number of none."""
    return math.fsum(values) / len(values) if values else math.nan


def worst_tenth(name: str, values: Sequence[float]) -> float:
    """Mean of the worst tenth of pictures, at least one."""
    order = sorted(values, reverse=name not in HIGHER)
    return mean(order[: math.ceil(len(order) / 10)])


@dataclass(frozen=True)
class Found:
    """How well scratches were found, in pixels that may be added up over pictures.

    Attributes:
        right: Marked pixels that lie on a scratch or within the tolerance of one.
        marked: Marked pixels.
        hit: Pixels of scratches that are marked, or within the tolerance of a mark.
        there: Pixels of scratches.
        pixels: All.
    """

    right: int
    marked: int
    hit: int
    there: int
    pixels: int

    def __add__(self, other: "Found") -> "Found":
        return Found(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Found)))

    @property
    def precision(self) -> float:
        """Of what is marked, what is a scratch."""
        return self.right / self.marked if self.marked else math.nan

    @property
    def recall(self) -> float:
        """Of the scratches, what is marked."""
        return self.hit / self.there if self.there else math.nan

    @property
    def marked_share(self) -> float:
        """Of all pixels, what is marked: on an unharmed picture this should be 0."""
        return self.marked / self.pixels


def found(marked: Mask, there: Mask, tolerance_px: int = TOLERANCE_PX) -> Found:
    """Compare a mask with where the scratches are, ``(H, W)`` both."""
    near = np.ones((2 * tolerance_px + 1,) * 2, bool)
    near_there, near_marked = (ndimage.binary_dilation(mask, near) for mask in (there, marked))
    right, hit = marked & near_there, there & near_marked
    return Found(int(right.sum()), int(marked.sum()), int(hit.sum()), int(there.sum()), marked.size)
