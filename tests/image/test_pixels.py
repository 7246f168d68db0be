"""All sixteen bits, against arrays written by hand."""

import struct
import zlib
from typing import Literal

import numpy as np
import pytest

from ganvas.errors import FileError
from ganvas.image.decode import decode, probe
from tests.image.handmade import chunk, noise, png16, rgb_profile, tiff

ORDERS = pytest.mark.parametrize("order", "<>")
DEFLATE = pytest.mark.parametrize("deflate", [False, True])


def check(data: bytes, expected: np.ndarray) -> None:
    facts = probe(data, "deep")
    assert facts.bit_depth == 16
    assert (facts.height_px, facts.width_px, facts.channels) == expected.shape
    got = decode(data, "deep")
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_keeps_every_bit(channels: int) -> None:
    array = noise(11, 7, channels, dtype=np.uint16)
    check(png16(array), array)


def test_png_of_grey_with_alpha_becomes_four_channels() -> None:
    array = noise(11, 7, 2, dtype=np.uint16)
    check(png16(array), array[..., [0, 0, 0, 1]])


@ORDERS
@DEFLATE
@pytest.mark.parametrize(("channels", "photometric", "extra"), [(1, 1, None), (3, 2, None), (4, 2, 2)])
def test_tiff_keeps_every_bit(
    channels: int, photometric: int, extra: int | None, order: Literal["<", ">"], deflate: bool
) -> None:
    array = noise(6, 5, channels, dtype=np.uint16)
    check(tiff(array, photometric, order, deflate, extra), array)


@ORDERS
def test_tiff_padding_channel_is_dropped(order: Literal["<", ">"]) -> None:
    array = noise(6, 5, 4, dtype=np.uint16)
    check(tiff(array, 2, order, extra=0), array[..., :3])


@DEFLATE
def test_tiff_that_counts_darkness_is_inverted(deflate: bool) -> None:
    array = noise(6, 5, 1, dtype=np.uint16)
    check(tiff(array, 0, deflate=deflate), 65535 - array)


def test_turned_tiff() -> None:
    array = noise(6, 5, 3, dtype=np.uint16)
    check(tiff(array, 2, deflate=True, orientation=6), np.rot90(array, -1))
    check(tiff(array[..., :1], 1, ">", orientation=5), array[..., :1].transpose(1, 0, 2))


def test_transparent_colour_of_a_png() -> None:
    array = noise(4, 4, 3, dtype=np.uint16)
    array[1, 2] = array[3, 0] = (1000, 2000, 3000)
    array[2, 2] = (1001, 2000, 3000)  # the same in 8 bits, but not the key
    alpha = np.full((4, 4, 1), 65535, np.uint16)
    alpha[1, 2] = alpha[3, 0] = 0
    data = png16(array, before=chunk(b"tRNS", struct.pack(">3H", 1000, 2000, 3000)))
    check(data, np.concatenate([array, alpha], axis=2))


def test_transparent_grey_of_a_png() -> None:
    array = noise(4, 4, 1, dtype=np.uint16)
    array[1, 2] = 777
    alpha = np.where(array == 777, 0, 65535).astype(np.uint16)
    data = png16(array, before=chunk(b"tRNS", struct.pack(">H", 777)))
    check(data, np.concatenate([array, array, array, alpha], axis=2))


@pytest.mark.parametrize(("photometric", "extra"), [(5, None), (2, 1)], ids=["CMYK", "premultiplied"])
def test_where_eight_bits_is_all_there_is_the_result_says_so(photometric: int, extra: int | None) -> None:
    deep = noise(6, 5, 4, dtype=np.uint16)
    if extra == 1:  # premultiplied: no colour above its alpha
        deep[..., :3] = deep[..., :3].astype(np.uint32) * deep[..., 3:] // 65535
    eight = (deep >> 8).astype(np.uint8)
    data = tiff(deep, photometric, extra=extra)
    assert probe(data, "deep").bit_depth == 16
    got = decode(data, "deep")
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, decode(tiff(eight, photometric, extra=extra), "flat"))


@DEFLATE
def test_planes_of_sixteen_bits_are_refused_and_of_eight_read(deflate: bool) -> None:
    with pytest.raises(FileError, match="plane by plane"):
        probe(tiff(noise(6, 5, 3, dtype=np.uint16), 2, deflate=deflate, planar=True), "deep")
    flat = noise(6, 5, 3)
    np.testing.assert_array_equal(decode(tiff(flat, 2, deflate=deflate, planar=True), "flat"), flat)


def test_other_colour_profile_costs_the_low_bits() -> None:
    blue_for_red = rgb_profile((0.1431, 0.0606, 0.7139), (0.3851, 0.7169, 0.0971), (0.4360, 0.2225, 0.0139))
    array = noise(6, 5, 3, dtype=np.uint16)
    data = png16(array, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(blue_for_red)))
    assert probe(data, "deep").bit_depth == 16
    got = decode(data, "deep")
    assert got.dtype == np.uint8
    np.testing.assert_allclose(got.astype(int), array[..., ::-1] >> 8, atol=12)
