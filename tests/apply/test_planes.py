import numpy as np
import pytest
import torch

from ganvas.apply.planes import alpha_plane, colour_planes, has_alpha, to_pixels, window
from ganvas.apply.tiles import Span


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_level_comes_back(dtype: type[np.uint8 | np.uint16], channels: int) -> None:
    count = np.iinfo(dtype).max + 1
    ramp = np.arange(count, dtype=dtype).reshape(16, -1)
    pixels = np.stack([np.roll(ramp, 7 * channel) for channel in range(channels)], axis=-1)
    colours = colour_planes(pixels)
    assert colours.shape == (1, 3, *ramp.shape)
    assert (float(colours.min()), float(colours.max())) == (-1, 1)
    alpha = alpha_plane(pixels)[0] if has_alpha(pixels) else None
    back = to_pixels(colours[0], alpha, channels, pixels.dtype)
    assert back.dtype == dtype
    assert np.array_equal(back, pixels)


def test_the_range_is_that_of_images() -> None:
    eight = colour_planes(np.array([[[0, 51, 255]]], np.uint8))
    assert torch.allclose(eight.flatten(), torch.tensor([-1.0, -0.6, 1.0]))
    sixteen = colour_planes(np.array([[[0, 51 * 257, 65535]]], np.uint16))
    assert torch.equal(sixteen, eight)


def test_rounding_goes_to_the_nearest_level_and_no_farther() -> None:
    levels = torch.tensor([-3.0, 0.4, 0.6, 100.49, 100.51, 254.6, 300.0])
    planes = (levels / 127.5 - 1).view(1, 1, -1).expand(3, -1, -1)
    assert to_pixels(planes, None, 3, np.dtype(np.uint8))[0, :, 0].tolist() == [0, 0, 1, 100, 101, 255, 255]
    spread = torch.rand(3, 100, 100, generator=torch.Generator().manual_seed(0)) * 2 - 1
    off = to_pixels(spread, None, 3, np.dtype(np.uint8)).mean() - float((spread * 127.5 + 127.5).mean())
    assert abs(off) < 0.01  # no bias: cutting in place of rounding would be half a level


def test_grey_stays_grey() -> None:
    painted = torch.tensor([10.0, 20.0, 60.0]).view(3, 1, 1) / 127.5 - 1
    assert to_pixels(painted, None, 1, np.dtype(np.uint8)).tolist() == [[[30]]]


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8)])
def test_beyond_the_edge_the_last_pixel_goes_on(size: tuple[int, int]) -> None:
    array = np.arange(size[0] * size[1] * 2).reshape(*size, 2)
    rows, columns = Span(0, 8, 0, 8), Span(0, 8, 0, 8)
    index = [np.minimum(np.arange(8), side - 1) for side in size]
    assert np.array_equal(window(array, rows, columns), array[index[0]][:, index[1]])
    assert np.array_equal(window(array[..., 0], rows, columns), array[index[0]][:, index[1], 0])
