"""Fakes that are training pictures, proved by laying pictures over each other.

For each fake `find_copies` takes the reals that look most like it, also mirrored, cut or moved, aligns them (Lucas and
Kanade 1981, with gain and offset of brightness) and asks how much of the fake the real leaves unexplained. A copy
leaves little, and far less than the next best reals do: among shirts that all look the same, that tells a copy from
just another shirt.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data.duplicates import (
    CHROMA_FREQUENCIES,
    LUMA_FREQUENCIES,
    NOISE_LEVELS,
    SIDE_PX,
    describe_thumbnails,
    thumbnail,
)
from ganvas.errors import DataError

Picture = NDArray[np.uint8]

CANDIDATES = 8
"""Reals laid over each fake."""
UNEXPLAINED, AGAINST_OTHERS = 0.08, 0.25
"""A copy leaves at most this part of a fake's variance, and at most this part of what other reals leave."""
SAME = 0.002
"""Whatever leaves less is a copy, even where other reals are copies, too."""
CROP, SHIFT = 0.9, 0.1
"""Views of a real that are looked for: this part of its sides, and moved by this part of half a side."""
STEPS = 4
ROWS = 256
"""Fakes compared with all views of all reals at a time, and laid over one real each."""


@dataclass(frozen=True)
class Copy:
    """A fake that is a training picture.

    Attributes:
        fake: Its row.
        real: The row of the training picture.
        kind: What was done to it: ``flip``, ``crop``, ``shift`` and ``brightness`` that apply, joined by commas; else
            ``exact`` or ``recompressed``.
        likeness: The part of the fake's variance that the real explains, at most 1.
    """

    fake: int
    real: int
    kind: str
    likeness: float


def find_copies(fakes: Iterable[Picture], reals: Iterable[Picture]) -> list[Copy]:
    """Fakes that are a real, perhaps mirrored, cut, moved a little, brightened or compressed again.

    Args:
        fakes: Pictures ``(H, W, C)`` of any size and channels, or their thumbnails; read once, in order.
        reals: Likewise.

    Returns:
        One entry a fake that is a copy, in the order of the fakes, with the real that explains it best.

    Raises:
        DataError: A side is empty.
    """
    left, right = _thumbnails("fakes", fakes), _thumbnails("reals", reals)
    views = torch.stack([_described(right, start) for start in _starts()])
    spread = torch.sqrt(views[0].var(0, correction=0) + NOISE_LEVELS**2)
    views, described = views / spread, _described(left) / spread
    copies = []
    for top in range(0, len(left), ROWS):
        rows = slice(top, top + ROWS)
        real, view = _candidates(described[rows], views)
        found = [_aligned(left[rows], right[one], some) for one, some in zip(real.T, view.T, strict=True)]
        unexplained = torch.stack([each.unexplained for each in found], dim=1)
        for row, at in _copied(unexplained):
            likeness = 1 - float(unexplained[row, at])
            copies.append(Copy(top + row, int(real[row, at]), found[at].kind(row), likeness))
    return copies


@dataclass(frozen=True)
class _Aligned:
    """Fakes and reals laid over each other; all ``(P,)`` but ``warp``, which is ``(P, 4)``."""

    unexplained: Tensor
    mirrored: Tensor
    warp: Tensor
    gain: Tensor
    moved: Tensor

    def kind(self, row: int) -> str:
        """What was done to the real to make the fake."""
        scale, offset = self.warp[row, :2], self.warp[row, 2:]
        brighter = abs(float(self.gain[row]) - 1) > 0.05 or abs(float(self.moved[row])) > 5
        cut = bool(((scale - 1).abs() > 0.05).any())
        signs = {
            "flip": bool(self.mirrored[row]),
            "crop": cut,
            "shift": not cut and bool((offset.abs() > 0.03).any()),
            "brightness": brighter,
        }
        otherwise = "exact" if self.unexplained[row] < 1e-5 else "recompressed"
        return ", ".join(name for name, true in signs.items() if true) or otherwise


def _thumbnails(name: str, pictures: Iterable[Picture]) -> Tensor:
    """Uint8 ``(N, 3, 32, 32)``."""
    small = [thumbnail(picture) for picture in pictures]
    if not small:
        raise DataError(f"There are no {name} to look for copies among; give one or more.")
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).contiguous()


@cache
def _starts() -> tuple[tuple[float, float, float, float], ...]:
    """Views of a real: vertical and horizontal scale and offset; what shows at c was at scale c + offset."""
    steps = (-SHIFT, 0.0, SHIFT)
    around = [(y, x) for y in steps for x in steps]
    return (
        (1.0, 1.0, 0.0, 0.0),
        *((CROP, CROP, y, x) for y, x in around),
        *((1.0, 1.0, y, x) for y, x in around if y or x),
    )


def _described(pictures: Tensor, warp: tuple[float, float, float, float] = (1.0, 1.0, 0.0, 0.0)) -> Tensor:
    """Perceptual descriptors ``(N, 118)`` of thumbnails ``(N, 3, 32, 32)`` as a warp shows them."""
    down, across = (_weights(*torch.tensor([warp])[:, axis::2].T)[0].numpy() for axis in (0, 1))
    return torch.from_numpy(describe_thumbnails(pictures.permute(0, 2, 3, 1).numpy(), down, across))


def _candidates(described: Tensor, views: Tensor) -> tuple[Tensor, Tensor]:
    """The reals that look most like each fake in some view, and twice the number of that view, plus 1 if mirrored.

    Args:
        described: ``(P, 118)``.
        views: ``(V, M, 118)``.
    """
    # To mirror a picture changes the sign of every second horizontal frequency.
    odd = [np.arange(few * few) % few % 2 for few in (LUMA_FREQUENCIES, CHROMA_FREQUENCIES, CHROMA_FREQUENCIES)]
    both = torch.stack([described, described * torch.from_numpy(1 - 2 * np.concatenate(odd)).float()])
    least = torch.full((len(described), views.shape[1]), torch.inf)
    for view in views:
        for side in both:
            torch.minimum(least, torch.addmm(view.square().sum(1), side, view.T, alpha=-2), out=least)
    real = least.topk(min(CANDIDATES, views.shape[1]), dim=1, largest=False).indices
    close = views[:, real]  # (V, P, K, 118)
    squares = close.square().sum(-1)[..., None] - 2 * torch.einsum("vpkd,spd->vpks", close, both)
    return real, squares.permute(1, 2, 0, 3).flatten(2).argmin(2)


def _aligned(fakes: Tensor, reals: Tensor, view: Tensor) -> _Aligned:
    """Lay reals over fakes, beginning with the view that found them.

    Each step solves for gain, offset and a change of the warp at once, by least squares; derivatives by the warp are
    those of the warped picture itself. Pixels from beyond the real's edges do not count.

    Args:
        fakes: Uint8 ``(P, 3, 32, 32)``.
        reals: Likewise.
        view: From `_candidates`, ``(P,)``.
    """
    mirrored = view % 2 == 1
    f = fakes.float()
    r = torch.where(mirrored[:, None, None, None], reals.flip(-1), reals).float()
    warp = torch.tensor(_starts())[view // 2]
    warp[:, 3] = torch.where(mirrored, -warp[:, 3], warp[:, 3])
    best = _Aligned(torch.full((len(f),), 2.0), mirrored, warp, torch.ones(len(f)), torch.zeros(len(f)))
    c = _centres()
    for _ in range(STEPS):
        (down, in_y), (across, in_x) = (_weights_inside(warp[:, axis], warp[:, axis + 2]) for axis in (0, 1))
        shown = down[:, None] @ r @ across[:, None].transpose(2, 3)
        mask = (in_y[:, :, None] & in_x[:, None, :])[:, None].float()
        slopes = torch.gradient(shown, spacing=2 / SIDE_PX, dim=(2, 3))
        by_y, by_x = (slope / warp[:, axis, None, None, None] for axis, slope in enumerate(slopes))
        columns = [shown, torch.ones_like(shown), by_y * c[:, None], by_x * c, by_y, by_x]
        basis = (torch.stack(columns, dim=1) * mask[:, None]).flatten(2)
        seen = (f * mask).flatten(1)
        best = _better(best, warp, seen, basis)
        normal = basis @ basis.transpose(1, 2)
        ridge = torch.diag_embed(1e-4 * normal.diagonal(dim1=1, dim2=2) + 1e-3)
        answer = torch.linalg.solve(normal + ridge, basis @ seen[:, :, None])[..., 0]
        warp = warp + (answer[:, 2:] / answer[:, :1].clamp(min=0.2)).clamp(-0.1, 0.1)
        warp = torch.cat([warp[:, :2].clamp(0.8, 1.1), warp[:, 2:].clamp(-0.25, 0.25)], dim=1)
    return best


def _better(best: _Aligned, warp: Tensor, seen: Tensor, basis: Tensor) -> _Aligned:
    """What a warp explains, for those it explains better than ``best`` did."""
    shown, ones = basis[:, 0], basis[:, 1]
    weight = ones.sum(1).clamp(min=1)
    mean_f, mean_r = seen.sum(1) / weight, shown.sum(1) / weight
    f, r = seen - mean_f[:, None] * ones, shown - mean_r[:, None] * ones
    ff, rr, fr = f.square().sum(1), r.square().sum(1), (f * r).sum(1).clamp(min=0)
    unexplained = (1 - fr.square() / (ff * rr + 1)).clamp(min=0)
    wins = unexplained < best.unexplained
    return _Aligned(
        torch.where(wins, unexplained, best.unexplained),
        best.mirrored,
        torch.where(wins[:, None], warp, best.warp),
        torch.where(wins, fr / (rr + 1), best.gain),
        torch.where(wins, mean_f - mean_r, best.moved),
    )


def _copied(unexplained: Tensor) -> list[tuple[int, int]]:
    """Rows that are copies, each with the candidate it is a copy of; ``unexplained`` is ``(P, K)``."""
    least, order = unexplained.sort(dim=1)
    logs = least.clamp(min=1e-4).log()
    others = logs[:, 1:].mean(1).exp() if least.shape[1] > 1 else torch.ones(len(least))
    first = least[:, 0]
    copied = (first <= SAME) | ((first <= UNEXPLAINED) & (first <= AGAINST_OTHERS * others))
    return [(row, int(order[row, 0])) for row in copied.nonzero()[:, 0].tolist()]


def _centres() -> Tensor:
    """Pixel centres of a thumbnail's side, from -1 to 1."""
    return (torch.arange(SIDE_PX) + 0.5) * (2 / SIDE_PX) - 1


def _weights_inside(scale: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """`_weights`, and which pixels show what lies within the side, ``(P, 32)``."""
    return _weights(scale, offset), (scale[:, None] * _centres() + offset[:, None]).abs() <= 1


def _weights(scale: Tensor, offset: Tensor) -> Tensor:
    """Matrices ``(P, 32, 32)`` that warp a side by cubic convolution (Keys 1981, equation 4), edges repeated."""
    at = ((scale[:, None] * _centres() + offset[:, None] + 1) * (SIDE_PX / 2) - 0.5).clamp(0, SIDE_PX - 1)
    d = (at[..., None] - torch.arange(SIDE_PX)).abs()
    near, far = (1.5 * d - 2.5) * d * d + 1, ((2.5 - 0.5 * d) * d - 4) * d + 2
    weights = torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))
    return weights / weights.sum(-1, keepdim=True)
