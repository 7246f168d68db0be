"""Resizing as matrices: every picture by a filter and to a size of its own, in one multiplication a direction."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.tensors import Images, PerSample


def _box(x: Tensor) -> Tensor:
    return (x.abs() <= 0.5).to(x.dtype)


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _cubic(x: Tensor) -> Tensor:
    """Keys 1981, eq. 4, with a = -1/2."""
    x = x.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < 3, torch.sinc(x) * torch.sinc(x / 3), 0)


FILTERS: dict[str, Callable[[Tensor], Tensor]] = {
    "box": _box,
    "triangle": _triangle,
    "cubic": _cubic,
    "lanczos": _lanczos,
}
"""By name: the filter's weight at a distance in source pixels, or in target pixels where the picture shrinks."""


def sampling(
    before: Tensor, after: Tensor, most_before: int, most_after: int, kind: Tensor, stretch: PerSample
) -> Tensor:
    """What each pixel of a resized line takes of the line it was.

    Args:
        before: Pixels of the line, whole numbers ``(N,)``.
        after: Pixels it shall have ``(N,)``.
        most_before: The largest of ``before``.
        most_after: The largest of ``after``.
        kind: Which filter, by its place in `FILTERS`, int64 ``(N,)``.
        stretch: How much wider than usual the filter is ``(N,)``: 1 as it is, more for a softer picture.

    Returns:
        ``(N, most_after, most_before)``; rows sum to 1, but are 0 beyond ``after``.
    """
    device = before.device
    source = torch.arange(most_before, device=device).view(1, 1, -1)
    target = torch.arange(most_after, device=device).view(1, -1, 1)
    ratio = (before / after).view(-1, 1, 1)
    width = ratio.clamp(min=1) * stretch.view(-1, 1, 1)
    place = (source + 0.5 - (target + 0.5) * ratio) / width
    weights = torch.stack([weigh(place) for weigh in FILTERS.values()])
    chosen = weights[kind, torch.arange(len(kind), device=device)]
    inside = (source < before.view(-1, 1, 1)) & (target < after.view(-1, 1, 1))
    chosen = torch.where(inside, chosen, 0)
    sums = chosen.sum(2, keepdim=True)
    return chosen / torch.where(sums.abs() > 1e-6, sums, 1)


def applied(images: Images, rows: Tensor, columns: Tensor) -> Images:
    """Pictures ``(N, C, H, W)`` by matrices ``(N, h, H)`` and ``(N, w, W)``: ``(N, C, h, w)``, in float32."""
    return rows[:, None] @ images.float() @ columns[:, None].mT


def shrunk(images: Images, scale: int, kind: Tensor, stretch: PerSample) -> Images:
    """Pictures at 1 / scale of their sides, which are multiples of it, each by its filter."""
    matrices = []
    for side in images.shape[2:]:
        before = torch.full_like(kind, side)
        matrices.append(sampling(before, before // scale, side, side // scale, kind, stretch))
    return applied(images, matrices[0], matrices[1])


def rescaled(images: Images, factor: PerSample, draw: Draw) -> Images:
    """Down to ``factor`` of the size and up again, each way by a filter drawn by lot; 1 leaves a picture as it is."""
    down, up = (draw.named(way).integers(len(FILTERS)) for way in ("down", "up"))
    usual = torch.ones_like(factor)
    matrices = []
    for side in images.shape[2:]:
        whole = torch.full_like(down, side)
        part = (factor * side).round().long().clamp(1, side)
        to_small = sampling(whole, part, side, side, down, usual)
        matrices.append(sampling(part, whole, side, side, up, usual) @ to_small)
    kept = (factor >= 1).view(-1, 1, 1, 1)
    return torch.where(kept, images, applied(images, matrices[0], matrices[1]))
