import numpy as np
import pytest
from PIL import Image

from ganvas.image.convert import to_channels, to_uint8
from tests.image.handmade import noise


def test_sixteen_to_eight_bits_rounds_every_value() -> None:
    every = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(to_uint8(every), np.rint(every / 257.0))


def test_eight_bits_stay() -> None:
    array = noise(2, 3, 1)
    assert to_uint8(array) is array


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_same_channels_stay(channels: int) -> None:
    array = noise(2, 3, channels)
    assert to_channels(array, channels) is array


def test_grey_to_colour_and_alpha() -> None:
    array = noise(4, 5, 1)
    np.testing.assert_array_equal(to_channels(array, 3), np.concatenate([array] * 3, axis=2))
    opaque = np.full_like(array, 255)
    np.testing.assert_array_equal(to_channels(array, 4), np.concatenate([array] * 3 + [opaque], axis=2))


def test_colour_to_alpha_is_opaque() -> None:
    array = noise(4, 5, 3)
    np.testing.assert_array_equal(to_channels(array, 4)[..., :3], array)
    assert (to_channels(array, 4)[..., 3] == 255).all()


def test_luma_is_pillows() -> None:
    array = noise(64, 64, 3)
    grey = to_channels(array, 1)
    np.testing.assert_array_equal(grey[..., 0], np.asarray(Image.fromarray(array).convert("L")))
    np.testing.assert_allclose(grey[..., 0], array @ [0.299, 0.587, 0.114], atol=0.51)


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_grey_survives_colour_and_back(value: int) -> None:
    array = np.full((1, 1, 1), value, np.uint8)
    for channels in (3, 4):
        assert to_channels(to_channels(array, channels), 1) == value


def test_transparency_is_laid_over_white() -> None:
    array = noise(32, 32, 4)
    alpha = array[..., 3:] / 255.0
    expected = np.rint(array[..., :3] * alpha + 255 * (1 - alpha))
    np.testing.assert_array_equal(to_channels(array, 3), expected)
    np.testing.assert_array_equal(to_channels(array, 1), to_channels(to_channels(array, 3), 1))
    assert (to_channels(np.zeros((1, 1, 4), np.uint8), 3) == 255).all()
