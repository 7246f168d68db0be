"""PNG files as readers of another make see them."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganvas.image import blocks
from ganvas.image.metadata import Metadata
from ganvas.image.png_writer import filtered, writing_png
from tests.image.handmade import noise
from tests.image.png_reader import chunks_of, predicted, read_png

NONE = Metadata(icc=None, exif=None, dpi=None)
DTYPES: dict[int, type[np.unsignedinteger[Any]]] = {8: np.uint8, 16: np.uint16}


def png(array: np.ndarray, metadata: Metadata = NONE, xmp: bytes | None = None, step: int = 1 << 30) -> bytes:
    file = BytesIO()
    bits = array.dtype.itemsize * 8
    with writing_png(file, array.shape[:2], array.shape[2], bits, metadata, xmp) as write:
        for top in range(0, len(array), step):
            write(array[top : top + step])
    return file.getvalue()


def smooth(height: int, width: int, channels: int, bits: int) -> np.ndarray:
    """Waves that every filter is best for somewhere."""
    y, x, c = np.ogrid[:height, :width, :channels]
    wave = np.sin(x / 9 + c) * np.sin(y / 7) * (1 + np.sin(x * y / 5)) / 4 + 0.5
    return np.asarray(wave * (2**bits - 1), DTYPES[bits])


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (23, 31)])
def test_reader_of_the_specification_gets_every_bit(
    size: tuple[int, int], channels: int, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 400)  # several blocks
    for array in (noise(*size, channels, dtype=DTYPES[bits]), smooth(*size, channels, bits)):
        got = read_png(png(array))
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pillow_reads_it(channels: int) -> None:
    array = smooth(700, 900, channels, 8)
    image = Image.open(BytesIO(png(array)))
    assert image.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
    np.testing.assert_array_equal(np.asarray(image).reshape(array.shape), array)
    deep = Image.open(BytesIO(png(smooth(20, 30, 1, 16))))
    np.testing.assert_array_equal(np.asarray(deep)[..., None], smooth(20, 30, 1, 16))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("step", [1, 7, 64])
def test_file_does_not_depend_on_the_strips(step: int, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 900)
    array = smooth(50, 33, 3, bits)
    assert png(array, step=step) == png(array)


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 1)])
def test_strips_of_the_longest_sides(size: tuple[int, int]) -> None:
    array = noise(*size, 3)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(png(array)))), array)


def test_chunks_are_of_bounded_size_and_in_order() -> None:
    array = noise(1000, 1500, 3)
    kinds = [kind for kind, _ in chunks_of(png(array, Metadata(b"profile", b"II*\0", (72, 72)), b"<x/>"))]
    assert kinds[:5] == [b"IHDR", b"iCCP", b"pHYs", b"eXIf", b"iTXt"]
    assert set(kinds[5:-1]) == {b"IDAT"}
    colours = ((b"gAMA", b"\0\1\x86\xa0"), (b"cICP", b"\1\2\0\1"))
    assert chunks_of(png(array, Metadata(b"profile", None, None, png_colours=colours)))[1:3] == list(colours)
    assert max(len(body) for _, body in chunks_of(png(array))) < 1.01 * (1 << 20)


def test_metadata_chunks() -> None:
    metadata = Metadata(icc=b"any bytes \xff", exif=b"MM\0*\0\0\0\x08\0\0", dpi=(299.9994, 150))
    chunks = dict(chunks_of(png(noise(2, 2, 3), metadata, "<x>ü</x>".encode())))
    name, _, profile = chunks[b"iCCP"].partition(b"\0")
    assert 0 < len(name) < 80
    assert profile[:1] == b"\0"
    assert zlib.decompress(profile[1:]) == metadata.icc
    assert chunks[b"pHYs"] == struct.pack(">IIB", 11_811, 5_906, 1)
    assert chunks[b"eXIf"] == metadata.exif
    assert chunks[b"iTXt"] == b"XML:com.adobe.xmp\0\0\0\0\0" + "<x>ü</x>".encode()


def test_filter_of_the_smallest_sum_is_taken() -> None:
    rows = np.concatenate(
        [noise(1, 60), smooth(40, 20, 3, 8).reshape(40, 60), noise(5, 60), np.full((3, 60), 9, np.uint8)]
    )
    stored = np.frombuffer(filtered(rows, 3), np.uint8).reshape(-1, 61)
    for above, row, (kind, *rest) in zip(rows, rows[1:], stored.tolist(), strict=False):
        costs = {}
        for filter in (1, 2, 3):
            guesses = [
                predicted(filter, int(row[x - 3]) if x >= 3 else 0, int(above[x]), 0) for x in range(60)
            ]  # fmt: skip
            differences = [(int(value) - guess) % 256 for value, guess in zip(row, guesses, strict=True)]
            costs[filter] = sum(min(each, 256 - each) for each in differences)
            if filter == kind:
                assert rest == differences
        assert costs[kind] == min(costs.values())
    assert set(stored[:, 0]) == {1, 2, 3}


def test_grainy_gradients_take_no_more_room_than_pillows() -> None:
    array = smooth(300, 400, 3, 8)
    array += noise(300, 400, 3) // 32
    theirs = BytesIO()
    Image.fromarray(array).save(theirs, "PNG")
    assert len(png(array)) < 1.05 * len(theirs.getvalue())
