"""Samples as their file has them, at every depth and number of channels."""

import numpy as np
import pytest
from PIL import Image

from ganvas.image.decode import open_picture
from ganvas.image.samples import stored_8, stored_16
from tests.image.handmade import noise, png16, rgb_profile, saved, tiff

BLUE_FOR_RED = rgb_profile((0.1431, 0.0606, 0.7139), (0.3851, 0.7169, 0.0971), (0.4360, 0.2225, 0.0139))


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
@pytest.mark.parametrize("side", [1, 7, 1500])
def test_eight_bits_in_bands_of_any_number(mode: str, channels: int, side: int) -> None:
    array = noise(side, 11, channels)
    image = open_picture(saved(Image.fromarray(array.squeeze(2) if channels == 1 else array), "TIFF"), "x")
    np.testing.assert_array_equal(stored_8(image), array)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_keep_the_number_of_channels(channels: int) -> None:
    array, data = noise(1500, 9, channels, dtype=np.uint16), png16(noise(1500, 9, channels, dtype=np.uint16))
    got = stored_16(open_picture(data, "x"), open_picture(data, "x"))
    assert got is not None
    assert got.dtype == np.uint16
    np.testing.assert_array_equal(got, array)


def test_a_profile_moves_nothing() -> None:
    array = noise(5, 6, 3)
    data = saved(Image.fromarray(array), "PNG", icc_profile=BLUE_FOR_RED)
    np.testing.assert_array_equal(stored_8(open_picture(data, "x")), array)


def test_bilevel_and_palette() -> None:
    bits = noise(5, 6) > 127
    np.testing.assert_array_equal(
        stored_8(open_picture(saved(Image.fromarray(bits), "PNG"), "x"))[..., 0], bits * np.uint8(255)
    )
    indices, colours = noise(5, 6) % 4, noise(4, 3)
    image = Image.fromarray(indices).convert("P")
    image.putpalette(colours.tobytes())
    np.testing.assert_array_equal(stored_8(open_picture(saved(image, "PNG"), "x")), colours[indices])
    clear = stored_8(open_picture(saved(image, "PNG", transparency=2), "x"))
    np.testing.assert_array_equal(clear[..., :3], colours[indices])
    np.testing.assert_array_equal(clear[..., 3], np.where(indices == 2, 0, 255))


@pytest.mark.parametrize(("photometric", "extra"), [(5, None), (2, 1)], ids=["CMYK", "premultiplied"])
def test_none_where_pillow_has_eight_bits_only(photometric: int, extra: int | None) -> None:
    data = tiff(noise(3, 4, 4, dtype=np.uint16), photometric, extra=extra)
    assert stored_16(open_picture(data, "x"), open_picture(data, "x")) is None
