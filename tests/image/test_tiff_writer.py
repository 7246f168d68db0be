"""TIFF files as tifffile and Pillow see them."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, TiffImagePlugin

from ganvas.image import blocks, tiff_writer
from ganvas.image.directory import Order
from ganvas.image.exif import exif_bytes, kept, read_exif
from ganvas.image.metadata import Metadata
from ganvas.image.tiff_writer import writing_tiff
from tests.image.handmade import noise

NONE = Metadata(icc=None, exif=None, dpi=None)
DTYPES: dict[int, type[np.unsignedinteger[Any]]] = {8: np.uint8, 16: np.uint16}
ORDERS = pytest.mark.parametrize("order", "<>")


def tiff(array: np.ndarray, metadata: Metadata = NONE, xmp: bytes | None = None, step: int = 1 << 30) -> bytes:
    file = BytesIO()
    bits = array.dtype.itemsize * 8
    with writing_tiff(file, array.shape[:2], array.shape[2], bits, metadata, xmp) as write:
        for top in range(0, len(array), step):
            write(array[top : top + step])
    return file.getvalue()


def exif(order: Order) -> bytes:
    tags = Image.Exif()
    tags.endian = order
    tags[0x010F], tags[0x0131] = "Maker", "Program"
    tags.get_ifd(0x8769)[0x829A] = TiffImagePlugin.IFDRational(1, 125)
    tags.get_ifd(0x8769)[0x8827] = 400
    found = read_exif(tags.tobytes())
    assert found is not None
    block = exif_bytes(kept(found, private=False))
    assert block is not None
    return block


@ORDERS
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (23, 31)])
def test_tifffile_gets_every_bit(
    size: tuple[int, int], channels: int, bits: int, big: bool, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 400)  # several strips
    if big:
        monkeypatch.setattr(tiff_writer, "CLASSIC_BYTES", 100)
    array = noise(*size, channels, dtype=DTYPES[bits])
    with tifffile.TiffFile(BytesIO(tiff(array, Metadata(None, exif(order), None)))) as file:
        assert file.is_bigtiff == big
        assert file.byteorder == order
        (page,) = file.pages
        assert isinstance(page, tifffile.TiffPage)
        assert page.offset % 2 == 0  # TIFF 6.0, section 2: on a word boundary
        assert page.extrasamples == ((tifffile.EXTRASAMPLE.UNASSALPHA,) if channels in (2, 4) else ())
        got = page.asarray()
    assert got.dtype == array.dtype
    np.testing.assert_array_equal(got.reshape(array.shape), array)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pillow_reads_it(channels: int) -> None:
    array = noise(700, 900, channels)
    image = Image.open(BytesIO(tiff(array)))
    assert image.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
    np.testing.assert_array_equal(np.asarray(image).reshape(array.shape), array)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("step", [1, 7, 64])
def test_file_does_not_depend_on_the_strips(step: int, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 900)
    array = noise(50, 33, 3, dtype=DTYPES[bits])
    assert tiff(array, step=step) == tiff(array)


def test_gradients_are_deflated_well() -> None:
    ramp = np.arange(1000, dtype=np.uint16)[None, :, None] * np.arange(1, 200, dtype=np.uint16)[:, None, None]
    assert len(tiff(ramp)) < ramp.nbytes / 50


@ORDERS
@pytest.mark.parametrize("big", [False, True])
def test_metadata(order: Order, big: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if big:
        monkeypatch.setattr(tiff_writer, "CLASSIC_BYTES", 100)
    metadata = Metadata(icc=b"any bytes \xff", exif=exif(order), dpi=(299.9994, 150))
    data = tiff(noise(2, 2, 3), metadata, b"<x/>")
    with tifffile.TiffFile(BytesIO(data)) as file:
        (page,) = file.pages
        assert isinstance(page, tifffile.TiffPage)
        tags = {tag.name: tag.value for tag in page.tags}
    assert tags["InterColorProfile"] == metadata.icc
    assert tags["XMP"] == b"<x/>"
    assert tags["Make"] == "Maker"
    assert tags["Software"] == "Program"
    assert tags["ExifTag"]["ISOSpeedRatings"] == 400
    assert tags["ExifTag"]["ExposureTime"] == (1, 125)
    assert tags["ResolutionUnit"] == 2
    assert tags["XResolution"][0] / tags["XResolution"][1] == pytest.approx(299.9994, abs=1e-4)
    assert tags["YResolution"] == (150, 1)
    if big and order == ">":
        return  # which Pillow takes for a classic file
    image = Image.open(BytesIO(data))
    assert image.info["icc_profile"] == metadata.icc
    assert image.info["xmp"] == b"<x/>"


def test_file_says_itself_how_its_samples_lie() -> None:
    lie = Image.Exif()
    lie[256], lie[258], lie[259], lie[273] = 9999, 1, 1, 8
    array = noise(4, 5, 3)
    np.testing.assert_array_equal(
        np.asarray(Image.open(BytesIO(tiff(array, Metadata(None, lie.tobytes(), None))))), array
    )
