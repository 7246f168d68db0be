"""Filters to apply in tests, and the one way to hold tiles against the whole."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.apply.bands import Source, filtered_bands
from ganvas.apply.filter import LocalFilter
from ganvas.apply.planes import window
from ganvas.apply.tiles import Span

CPU = torch.device("cpu")
IDENTITY = LocalFilter(lambda given: given, 1, 1, 0)


def blur(radius_px: int = 2, scale: int = 1, claimed_px: int | None = None) -> LocalFilter:
    """A convolution of random weights that sees `radius_px` far, padded with zeros, then pixels repeated."""
    torch.manual_seed(radius_px)
    conv = nn.Conv2d(3, 3, 2 * radius_px + 1, padding=radius_px).requires_grad_(False)

    def fn(given: Tensor) -> Tensor:
        painted: Tensor = conv(given[:, :3])
        return painted.repeat_interleave(scale, 2).repeat_interleave(scale, 3)

    return LocalFilter(fn, scale, 1, radius_px if claimed_px is None else claimed_px)


def strided(stride_px: int = 4) -> LocalFilter:
    """Down by the stride, a 3×3 convolution there, and up again: what a pixel sees depends on where it lies."""
    torch.manual_seed(stride_px)
    net = nn.Sequential(
        nn.Conv2d(3, 8, stride_px, stride_px),
        nn.SiLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.SiLU(),
        nn.ConvTranspose2d(8, 3, stride_px, stride_px),
    ).requires_grad_(False)
    return LocalFilter(net, 1, stride_px, 2 * stride_px - 1)


def source_of(picture: Tensor) -> Source:
    """Planes ``(C, H, W)`` as the runner asks for them."""
    rows_first = picture.permute(1, 2, 0).numpy()

    def source(rows: Span, columns: Span) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(window(rows_first, rows, columns))).permute(2, 0, 1)[None]

    return source


def in_tiles(filter: LocalFilter, picture: Tensor, tile: int) -> Tensor:
    """A picture ``(C, H, W)`` through the runner, ``(Cout, H * scale, W * scale)``."""
    size = (picture.shape[1], picture.shape[2])
    strips = list(filtered_bands(source_of(picture), size, filter, tile=tile, device=CPU))
    assert [strip.bottom for strip in strips[:-1]] == [strip.top for strip in strips[1:]]
    planes = [strip.planes for strip in strips if strip.planes is not None]
    return torch.cat(planes, 1)


def whole(filter: LocalFilter, picture: Tensor) -> Tensor:
    """The same without the runner: the picture, padded to the stride, through the filter once."""
    height, width = picture.shape[1:]
    down, right = -height % filter.stride_px, -width % filter.stride_px
    padded = np.pad(picture.numpy(), ((0, 0), (0, down), (0, right)), mode="edge")
    with torch.inference_mode():
        painted = filter(torch.from_numpy(padded)[None])[0]
    return painted[:, : height * filter.scale, : width * filter.scale]


def tiles_differ_by(filter: LocalFilter, picture: Tensor, tiles: Sequence[int]) -> float:
    """The largest difference of tiles of any of these sides to the whole, in levels of 255."""
    reference = whole(filter, picture)
    differences = [(in_tiles(filter, picture, tile) - reference).abs().max() for tile in tiles]
    return float(torch.stack(differences).max()) * 127.5
