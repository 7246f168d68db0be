from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ganvas.errors import UnknownName, UsageError
from ganvas.image.convert import to_channels
from ganvas.image.decode import decode, probe
from ganvas.image.encode import SUFFIXES, Format, encode
from tests.image.handmade import noise

CHANNELS = pytest.mark.parametrize("channels", [1, 3, 4])


@CHANNELS
def test_png_is_lossless(channels: int) -> None:
    array = noise(9, 14, channels)
    np.testing.assert_array_equal(decode(encode(array, "png"), "x"), array)


@CHANNELS
def test_webp_is_lossless_unless_told_otherwise(channels: int) -> None:
    array = noise(9, 14, channels)
    np.testing.assert_array_equal(decode(encode(array, "webp"), "x"), to_channels(array, max(3, channels)))
    assert len(encode(noise(64, 64, channels), "webp", quality=30)) < len(encode(noise(64, 64, channels), "webp"))


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close_and_keeps_fine_colour(channels: int) -> None:
    array = np.zeros((16, 16, channels), np.uint8)
    array[:, ::2, 0] = 255  # stripes one pixel wide, which halved colour resolution would blur
    data = encode(array, "jpeg")
    assert probe(data, "x").format == "JPEG"
    assert np.abs(decode(data, "x").astype(int) - array).max() < 40
    assert len(encode(array, "jpeg", quality=10)) < len(data)


def test_large_noisy_jpeg_fits_the_encoders_buffer() -> None:
    array = noise(1000, 1000, 3)
    assert decode(encode(array, "jpeg", quality=100), "x").shape == array.shape


@pytest.mark.parametrize("format", SUFFIXES)
def test_suffix_is_the_one_pillow_knows(format: str) -> None:
    assert Image.registered_extensions()[SUFFIXES[format]] == format.upper()


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_metadata_hold_nothing_but_the_mark(format: Format) -> None:
    image = Image.open(BytesIO(encode(noise(4, 4, 3), format, source_type=None)))
    image.load()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "loop", "background"} | {
        "timestamp", "duration"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "format", "quality", "message"),
    [
        ((2, 2, 4), "jpeg", None, "no transparency"),
        ((1, 65_501, 1), "jpeg", None, "65,500 pixels a side"),
        ((16_384, 1, 3), "webp", None, "16,383 pixels a side"),
        ((2, 2, 3), "png", 90, "Quality 90 for png"),
        ((2, 2, 3), "jpeg", 0, "Quality 0 for jpeg"),
        ((2, 2, 3), "webp", 101, "Quality 101 for webp"),
    ],
)
def test_refusals(shape: tuple[int, int, int], format: Format, quality: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        encode(np.zeros(shape, np.uint8), format, quality=quality)


def test_longest_sides_are_written() -> None:
    assert probe(encode(np.zeros((1, 65_500, 1), np.uint8), "jpeg"), "x").width_px == 65_500
    assert probe(encode(np.zeros((16_383, 1, 3), np.uint8), "webp"), "x").height_px == 16_383


def test_unknown_format_gets_a_hint() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'jpeg'"):
        encode(np.zeros((2, 2, 3), np.uint8), "jpg")  # type: ignore[arg-type]
