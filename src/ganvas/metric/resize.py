"""How pictures are brought to a feature network's size: three conventions that move a Fréchet distance by 3 to 17 %.

Parmar et al. 2022 (arXiv:2104.11222) compare them. All take levels ``(N, C, H, W)`` from 0 to 255, uint8 or float, on
any device, and give float ``(N, C, side_px, side_px)`` of the same range, whatever becomes of the proportions. Whole
pictures stay uint8 for as long as they can: a photograph has a hundred times the pixels that a network sees.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

ResizeName = Literal["clean", "tf", "torch-bilinear"]


def clean(levels: Tensor, side_px: int) -> Tensor:
    """Antialiased bicubic (a = -0.5) in float, clipped to 0..255: Pillow's of a float channel, as clean-fid takes it.

    Args:
        levels: Uint8 or float ``(N, C, H, W)``, 0 to 255.
        side_px: Side of the result, pixels.

    Returns:
        Float32 ``(N, C, side_px, side_px)``, within 0.0001 levels of Pillow's; on Apple's GPUs, which have no
        float64, within 0.005.
    """
    exact = torch.float32 if levels.device.type == "mps" else torch.float64  # weights in float32 cost 0.003 levels
    size = (side_px, side_px)
    planes = [
        F.interpolate(plane[None, None].to(exact), size, mode="bicubic", align_corners=False, antialias=True)
        for plane in levels.flatten(0, 1)
    ]
    resized = torch.cat(planes).clamp(0, 255)  # bicubic overshoots at edges
    return resized.float().view(*levels.shape[:2], *size)


def tf(levels: Tensor, side_px: int) -> Tensor:
    """Bilinear as in TensorFlow 1: without antialias, row i of the result at i * H / side_px of the picture.

    Corners lie on corners only on the left and at the top (``align_corners`` and ``half_pixel_centers`` are both
    false), so the picture moves by up to half a pixel. The order of operations is TensorFlow's, in float32.

    Args:
        levels: Uint8 or float ``(N, C, H, W)``, 0 to 255.
        side_px: Side of the result, pixels.

    Returns:
        Float32 ``(N, C, side_px, side_px)``.
    """
    left, right, rightwards = _neighbours(levels.shape[3], side_px, levels.device)
    top, bottom, downwards = _neighbours(levels.shape[2], side_px, levels.device)
    used, places = torch.cat([top, bottom]).unique(return_inverse=True)  # no row is interpolated twice or for nothing
    rows = levels.index_select(2, used).permute(0, 2, 3, 1)
    rows = _between(rows[:, :, left].float(), rows[:, :, right].float(), rightwards[:, None])
    return _between(rows[:, places[:side_px]], rows[:, places[side_px:]], downwards[:, None, None]).permute(0, 3, 1, 2)


def torch_bilinear(levels: Tensor, side_px: int) -> Tensor:
    """Bilinear as pytorch-fid takes it: without antialias, but with pixel centres where they belong.

    Args:
        levels: Uint8 or float ``(N, C, H, W)``, 0 to 255.
        side_px: Side of the result, pixels.

    Returns:
        Float32 ``(N, C, side_px, side_px)``.
    """
    return F.interpolate(levels.float(), (side_px, side_px), mode="bilinear", align_corners=False)


RESIZES: dict[ResizeName, Callable[[Tensor, int], Tensor]] = {
    "clean": clean,
    "tf": tf,
    "torch-bilinear": torch_bilinear,
}


def resize(levels: Tensor, side_px: int, name: ResizeName) -> Tensor:
    """Pictures at a network's size by one of `RESIZES`.

    Args:
        levels: Uint8 or float ``(N, C, H, W)``, 0 to 255.
        side_px: Side of the result, pixels.
        name: A key of `RESIZES`.

    Returns:
        Float32 ``(N, C, side_px, side_px)``, 0 to 255; pictures that have the size already are unchanged.
    """
    if levels.shape[2:] == (side_px, side_px):
        return levels.float()
    return RESIZES[name](levels, side_px)


def _neighbours(length: int, side_px: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """For each place of the result: the pixel before it, the one after, and how far it is from the first."""
    step = torch.tensor(length / side_px, dtype=torch.float32, device=device)
    place = torch.arange(side_px, dtype=torch.float32, device=device) * step
    before = place.long()
    return before, (before + 1).clamp_max(length - 1), place - before


def _between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return first + (second - first) * share
