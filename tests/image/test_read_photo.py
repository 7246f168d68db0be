"""Photographs of every kind, exact; what cannot come back as it came, refused; nothing else ever raised."""

import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganvas.errors import FileError
from ganvas.image.encode import Format, encode
from ganvas.image.provenance import SourceType
from ganvas.image.read_photo import read_photo
from tests.image.handmade import chunk, noise, picture, png16, rgb_profile, saved, tiff
from tests.image.test_orientation import SEEN, STORED, WRITERS, Writer, blocks

MODES = {"1": 1, "L": 1, "LA": 2, "P": 3, "P transparent": 4, "RGB": 3, "RGBA": 4}
LOSSLESS = [
    ("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("PNG", "P transparent"), ("PNG", "RGB"), ("PNG", "RGBA"),
    ("TIFF", "1"), ("TIFF", "L"), ("TIFF", "LA"), ("TIFF", "P"), ("TIFF", "RGB"), ("TIFF", "RGBA"),
    ("BMP", "1"), ("BMP", "L"), ("BMP", "P"), ("BMP", "RGB"),
    ("WEBP", "RGB"), ("WEBP", "RGBA"),
]  # fmt: skip
PROFILES = {
    "blue for red": rgb_profile((0.1431, 0.0606, 0.7139), (0.3851, 0.7169, 0.0971), (0.4360, 0.2225, 0.0139)),
    "unreadable": b"not a profile",
}


def sample(mode: str) -> tuple[Image.Image, np.ndarray]:
    """A picture of a mode, and the samples it stands for."""
    raw = noise(9, 14, 4, seed=1)
    if mode == "1":
        return Image.fromarray(raw[..., 0] > 127), (raw[..., :1] > 127) * np.uint8(255)
    if mode.startswith("P"):
        indices, colours = raw[..., 0] % 7, noise(7, 4, seed=2)
        image = Image.fromarray(indices).convert("P")
        image.putpalette(colours[:, :3].tobytes())
        if mode == "P":
            return image, colours[indices][..., :3]
        image.info["transparency"] = colours[:, 3].tobytes()
        return image, colours[indices]
    array = raw[..., [0, 3]] if mode == "LA" else raw[..., : len(mode)]
    return picture(array), array


@pytest.mark.parametrize(("format", "mode"), LOSSLESS)
@pytest.mark.parametrize("profile", [None, *PROFILES])
def test_samples_are_those_of_the_file(format: str, mode: str, profile: str | None) -> None:
    image, expected = sample(mode)
    options: dict[str, Any] = {"lossless": True, "exact": True} if format == "WEBP" else {}
    if profile is not None:
        options["icc_profile"] = PROFILES[profile]
    photo = read_photo(saved(image, format, **options), "x")
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.shape == (9, 14, MODES[mode])
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.format == format.lower()
    assert photo.palette == mode.startswith("P")
    assert not photo.lossy
    assert photo.pixels.flags.writeable


@pytest.mark.parametrize("profile", [None, *PROFILES])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_of_a_png(channels: int, profile: str | None) -> None:
    array = noise(11, 7, channels, dtype=np.uint16)
    data = zlib.compress(PROFILES[profile]) if profile else b""
    photo = read_photo(png16(array, before=chunk(b"iCCP", b"x\0\0" + data) if profile else b""), "x")
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photo.pixels, array)
    assert photo.metadata.icc == (PROFILES[profile] if profile else None)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(("channels", "photometric", "extra"), [(1, 1, None), (3, 2, None), (4, 2, 2)])
def test_sixteen_bits_of_a_tiff(channels: int, photometric: int, extra: int | None, deflate: bool, order: Any) -> None:
    array = noise(6, 5, channels, dtype=np.uint16)
    photo = read_photo(tiff(array, photometric, order, deflate, extra), "x")
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photo.pixels, array)


def test_transparent_colour_of_sixteen_bits() -> None:
    array = noise(4, 4, 3, dtype=np.uint16)
    array[1, 2] = (1000, 2000, 3000)
    array[2, 2] = (1001, 2000, 3000)  # the same in 8 bits, but not the key
    photo = read_photo(png16(array, before=chunk(b"tRNS", struct.pack(">3H", 1000, 2000, 3000))), "x")
    np.testing.assert_array_equal(photo.pixels[..., :3], array)
    assert np.argwhere(photo.pixels[..., 3] == 0).tolist() == [[1, 2]]
    grey = read_photo(png16(array[..., :1], before=chunk(b"tRNS", struct.pack(">H", 1001))), "x")
    assert grey.pixels.shape == (4, 4, 2)
    assert np.argwhere(grey.pixels[..., 1] == 0).tolist() == [[2, 2]]


@pytest.mark.parametrize("turn", STORED)
@pytest.mark.parametrize("write", WRITERS)
def test_photograph_stands_upright(write: Writer, turn: int) -> None:
    data = write(Image.fromarray(blocks(STORED[turn])), turn)
    photo = read_photo(data, "turned")
    np.testing.assert_allclose(photo.pixels.astype(int), blocks(SEEN), atol=3)
    assert photo.metadata.exif is None


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_is_close_and_lossy(mode: str) -> None:
    image = Image.new(mode, (16, 16), (200, 60, 20)[: len(mode)])
    photo = read_photo(saved(image, "JPEG", quality=95), "x")
    assert (photo.format, photo.lossy) == ("jpeg", True)
    np.testing.assert_allclose(photo.pixels.astype(int), np.asarray(image).reshape(16, 16, -1), atol=3)


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("source_type", [*SourceType, None])
def test_mark(format: Format, source_type: SourceType | None) -> None:
    assert read_photo(encode(noise(4, 5, 3), format, source_type, {"seed": 1}), "x").source_type == source_type


def test_lossy_webp_and_tiff() -> None:
    for mode in ("RGB", "RGBA"):
        image = sample(mode)[0]
        assert read_photo(saved(image, "WEBP", quality=50), "x").lossy
        assert read_photo(saved(image, "WEBP", quality=50, exif=b"II*\0", icc_profile=b"x"), "x").lossy
        assert not read_photo(saved(image, "WEBP", lossless=True, icc_profile=b"odd"), "x").lossy
    assert read_photo(saved(sample("RGB")[0], "TIFF", compression="jpeg"), "x").lossy
    assert not read_photo(saved(sample("RGB")[0], "TIFF", compression="tiff_lzw"), "x").lossy


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (17, 13)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    array = noise(*size, 3)
    np.testing.assert_array_equal(read_photo(saved(Image.fromarray(array), "PNG"), "x").pixels, array)
    deep = array.astype(np.uint16) * 256 + 77
    np.testing.assert_array_equal(read_photo(png16(deep), "x").pixels, deep)


def test_transparency_of_a_bmp() -> None:
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 108, 2, 1, 1, 32, 3, 8, 0, 0, 0, 0) + masks
    data = struct.pack("<2sIHHI", b"BM", 130, 0, 0, 122) + info.ljust(108, b"\0") + bytes([3, 2, 1, 4, 7, 6, 5, 8])
    photo = read_photo(data, "x")
    np.testing.assert_array_equal(photo.pixels, [[[1, 2, 3, 4], [5, 6, 7, 8]]])


REFUSED = {
    "CMYK TIFF": (saved(Image.new("CMYK", (2, 2)), "TIFF"), "CMYK colours"),
    "CMYK JPEG": (saved(Image.new("CMYK", (2, 2)), "JPEG"), "CMYK colours"),
    "16-bit CMYK": (tiff(noise(2, 2, 4, dtype=np.uint16), 5), "CMYK colours"),
    "Lab": (saved(Image.new("LAB", (2, 2)), "TIFF"), "LAB colours"),
    "YCbCr": (tiff(noise(2, 2, 3), 6), "YCbCr colours"),
    "premultiplied": (tiff(noise(2, 2, 4), 2, extra=1), "multiplied by their alpha"),
    "premultiplied grey": (tiff(noise(2, 2, 2), 1, extra=1), "multiplied by their alpha"),
    "16-bit premultiplied": (tiff(noise(2, 2, 4, dtype=np.uint16), 2, extra=1), "multiplied by their alpha"),
    "signed bytes": (tiff(noise(2, 2, 1), 1, sample_format=2), "unusual kind"),
    "float": (saved(Image.new("F", (2, 2)), "TIFF"), "32-bit samples"),
    "integer": (saved(Image.new("I", (2, 2)), "TIFF"), "32-bit samples"),
    "half": (tiff(noise(2, 2, 3, dtype=np.uint16), 2, sample_format=3), "kind or number of samples"),
    "planes": (tiff(noise(2, 2, 3, dtype=np.uint16), 2, planar=True), "plane by plane"),
    "pages": (saved(sample("RGB")[0], "TIFF", save_all=True, append_images=[sample("RGB")[0]]), "several pictures"),
    "moves": (saved(sample("L")[0], "PNG", save_all=True, append_images=[Image.new("L", (14, 9))]), "several pictures"),
    "text": (b"Hello, I am a text file.", "known format"),
    "nothing": (b"", "known format"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_by_name(kind: str) -> None:
    data, reason = REFUSED[kind]
    with pytest.raises(FileError, match=f"'{kind}'.*{reason}"):
        read_photo(data, kind)


@cache
def samples() -> dict[str, bytes]:
    colour, deep = Image.fromarray(noise(20, 30, 3)), noise(8, 9, 3, dtype=np.uint16)
    exif = Image.Exif()
    exif[271], exif[274], exif[282], exif[283] = "Maker", 6, 300.0, 300.0
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    extras: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": PROFILES["blue for red"]}
    return {
        "png": saved(colour, "PNG", **extras),
        "palette": saved(colour.quantize(32), "PNG", transparency=3),
        "jpeg": saved(colour, "JPEG", **extras),
        "progressive": saved(colour, "JPEG", progressive=True),
        "webp": saved(colour, "WEBP", **extras),
        "lossless webp": saved(colour, "WEBP", lossless=True),
        "bmp": saved(colour, "BMP"),
        "tiff": tiff(deep, 2),
        "deflated tiff": saved(colour, "TIFF", compression="tiff_adobe_deflate", icc_profile=b"odd"),
        "raw tiff": saved(colour, "TIFF", **extras),
        "png16": png16(deep),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", samples())
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated(kind: str, share: float) -> None:
    data = samples()[kind]
    with pytest.raises(FileError, match="damaged or cut short"):
        read_photo(data[: max(20, int(len(data) * share))], "cut")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", samples())
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=12), header=st.booleans())
@example(changes=[], header=False)
@settings(max_examples=60, deadline=None)
def test_mutants_are_photographs_or_refused(kind: str, changes: list[tuple[int, int]], header: bool) -> None:
    mutant = bytearray(samples()[kind])
    reach = min(200, len(mutant)) if header else len(mutant)  # headers are where it hurts
    for place, value in changes:
        mutant[place % reach] = value
    try:
        photo = read_photo(bytes(mutant), "mutant", keep_private=True)
    except FileError:
        assert changes
        return
    assert photo.pixels.dtype in (np.uint8, np.uint16)
    assert photo.pixels.ndim == 3
    assert 1 <= photo.pixels.shape[2] <= 4
