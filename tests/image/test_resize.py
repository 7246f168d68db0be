import numpy as np
import pytest

from ganvas.image.resize import FitMode, fit
from tests.image.handmade import noise

MODES = pytest.mark.parametrize("mode", ["crop", "pad", "stretch"])
CHANNELS = pytest.mark.parametrize("channels", [1, 3, 4])


def halves(height: int, width: int, first: int, second: int, channels: int = 3) -> np.ndarray:
    """Left half one grey, right half another."""
    array = np.full((height, width, channels), second, np.uint8)
    array[:, : width // 2] = first
    return array


@MODES
@CHANNELS
@pytest.mark.parametrize("size", [(8, 8), (5, 17), (40, 12), (1, 1)])
@pytest.mark.parametrize("old", [(16, 16), (31, 7), (1, 50), (3, 2)])
def test_every_size_becomes_the_one_asked_for(
    mode: FitMode, channels: int, size: tuple[int, int], old: tuple[int, int]
) -> None:
    flat = np.full((*old, channels), 77, np.uint8)
    got = fit(flat, size, mode)
    assert got.shape == (*size, channels)
    assert got.dtype == np.uint8
    if mode != "pad":  # a flat picture stays flat; alpha 77 costs Pillow's 8-bit premultiplying some levels
        np.testing.assert_allclose(got.astype(int), 77, atol=2 if channels == 4 else 0)


@MODES
@CHANNELS
def test_same_size_is_bit_identical(mode: FitMode, channels: int) -> None:
    array = noise(9, 14, channels)
    got = fit(array, (9, 14), mode)
    np.testing.assert_array_equal(got, array)
    assert not np.shares_memory(got, array)


def test_crop_keeps_the_middle() -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, 15:25] = noise(10, 10, 3)
    np.testing.assert_array_equal(fit(wide, (10, 10), "crop"), wide[:, 15:25])
    tall = wide.transpose(1, 0, 2)
    np.testing.assert_array_equal(fit(tall, (10, 10), "crop"), tall[15:25])


def test_crop_fills_the_frame_and_keeps_proportions() -> None:
    got = fit(halves(100, 300, 0, 255), (20, 20), "crop")
    assert got[:, :8].max() <= 10
    assert got[:, 12:].min() >= 245


@pytest.mark.parametrize(("channels", "around"), [(1, [255]), (3, [255] * 3), (4, [255, 255, 255, 0])])
def test_pad_centres_on_white_or_nothing(channels: int, around: list[int]) -> None:
    array = noise(10, 20, channels)
    got = fit(array, (20, 20), "pad")
    np.testing.assert_array_equal(got[5:15], array)
    assert (got[:5] == around).all()
    assert (got[15:] == around).all()
    turned = fit(array.transpose(1, 0, 2), (20, 20), "pad")
    np.testing.assert_array_equal(turned, got.transpose(1, 0, 2))


def test_pad_shows_the_whole_picture_however_thin() -> None:
    got = fit(np.zeros((1, 1000, 3), np.uint8), (10, 10), "pad")
    assert (got == 0).all(axis=2).sum() == 10


def test_stretch_ignores_proportions() -> None:
    got = fit(halves(10, 100, 0, 255), (30, 10), "stretch")
    assert got[:, :4].max() <= 10
    assert got[:, 6:].min() >= 245


@MODES
def test_shrinking_is_antialiased(mode: FitMode) -> None:
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255
    np.testing.assert_allclose(fit(stripes, (16, 16), mode).astype(int)[:, 2:-2], 127.5, atol=8)


@MODES
def test_invisible_colours_leave_no_fringe(mode: FitMode) -> None:
    array = np.zeros((64, 64, 4), np.uint8)  # transparent black
    array[:, 21:] = (255, 200, 100, 255)
    got = fit(array, (16, 16), mode)
    soft = (got[..., 3] > 16) & (got[..., 3] < 255)
    assert soft.any()
    np.testing.assert_allclose(got[soft][:, :3].astype(int), [[255, 200, 100]] * soft.sum(), atol=8)
