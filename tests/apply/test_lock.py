from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import convolve1d

from ganvas.apply.filter import LocalFilter
from ganvas.apply.lock import locked, low_pass, low_pass_radius_px
from tests.apply.filters import IDENTITY, blur, tiles_differ_by


def photo(height: int = 48, width: int = 56) -> torch.Tensor:
    """Smooth colours with some grain, well inside the range, ``(3, H, W)``."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 5, 6, generator=generator) - 0.5
    smooth = F.interpolate(coarse, size=(height, width), mode="bicubic")[0]
    return smooth + 0.05 * torch.randn(3, height, width, generator=generator)


def yellowing(scale: int) -> LocalFilter:
    """Repeats pixels, and shifts colours as bad upscalers do."""
    shift = torch.tensor([0.05, 0.03, -0.06])[None, :, None, None]

    def fn(given: torch.Tensor) -> torch.Tensor:
        larger = given[:, :3].repeat_interleave(scale, 2).repeat_interleave(scale, 3)
        return larger + shift

    return LocalFilter(fn, scale, 1, 0)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_shift_of_colours_is_taken_back(scale: int) -> None:
    picture = photo()[None]
    free, kept = yellowing(scale)(picture), locked(yellowing(scale), 5)(picture)
    smaller = F.avg_pool2d(kept[:, :3], scale)
    before = low_pass(picture - F.avg_pool2d(free, scale), 5).abs().mean() * 127.5
    left = low_pass(picture - smaller, 5).abs().mean() * 127.5
    assert before > 5
    assert left < 0.1
    assert float(kept[:, 3].mean()) * 127.5 == pytest.approx(float(left), rel=1e-4)  # what it says of itself


def test_white_becomes_white_again() -> None:
    white = torch.ones(1, 3, 20, 20)
    grey = replace(IDENTITY, fn=lambda given: given * 0.99)
    assert locked(grey, 5)(white)[:, :3].allclose(torch.ones(()), atol=1e-6)


def test_nothing_beyond_the_range_is_left_for_rounding_to_cut() -> None:
    generator = torch.Generator().manual_seed(3)
    picture = (torch.rand(1, 3, 32, 32, generator=generator) * 2.4 - 1.2).clamp(-1, 1)
    wild = replace(IDENTITY, fn=lambda given: given * 1.5)
    painted = locked(wild, 5)(picture)
    assert painted[:, :3].abs().max() <= 1
    assert painted[:, 3].mean() < low_pass(picture - wild(picture).clamp(-1, 1), 5).abs().mean()


def test_fine_detail_is_the_filter_s_own() -> None:
    picture = photo()[None]
    checker = torch.ones(48, 56)
    checker[::2, ::2] = checker[1::2, 1::2] = -1
    detailed = replace(IDENTITY, fn=lambda given: given[:, :3] + 0.1 * checker)
    moved = (locked(detailed, 5)(picture)[:, :3] - detailed(picture)).abs()
    assert moved.max() < 0.03 * 0.1


def test_the_low_pass_is_three_boxes() -> None:
    picture = photo(30, 40)[:1].double()
    box = np.ones(5) / 5
    wanted = picture[0].numpy()
    for axis in (0, 1, 0, 1, 0, 1):
        wanted = convolve1d(wanted, box, axis=axis, mode="constant")
    inner = slice(low_pass_radius_px(5), -low_pass_radius_px(5))
    assert np.allclose(low_pass(picture[None], 5)[0, 0][inner, inner], wanted[inner, inner])
    assert low_pass(torch.ones(1, 1, 9, 9), 5).allclose(torch.ones(()))  # at the border, too


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_lock_in_tiles(scale: int) -> None:
    shift, soften = yellowing(scale), blur(1)
    shifted = replace(shift, fn=lambda given: soften(shift(given)), radius_px=shift.radius_px + soften.radius_px)
    assert tiles_differ_by(locked(shifted, 3), photo(45, 51), [6, 20]) < 1e-2
    # the lock's reach is wide and its weight at the rim tiny: a planted lie must be a big one to show
    assert tiles_differ_by(replace(locked(shifted, 3), radius_px=1), photo(45, 51), [6]) > 0.05
