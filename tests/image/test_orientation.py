"""Every EXIF orientation, in every format that has one."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ganvas.image.decode import decode, probe
from ganvas.image.orientation import orientation, upright
from tests.image.handmade import PNG_SIGNATURE, chunk, noise, saved, tiff

SEEN = ["abc", "def"]
STORED = {  # Exif 2.32, 4.6.4: which side of the picture the first row and the first column are
    1: ["abc", "def"],  # top, left
    2: ["cba", "fed"],  # top, right
    3: ["fed", "cba"],  # bottom, right
    4: ["def", "abc"],  # bottom, left
    5: ["ad", "be", "cf"],  # left, top
    6: ["cf", "be", "ad"],  # right, top
    7: ["fc", "eb", "da"],  # right, bottom
    8: ["da", "eb", "fc"],  # left, bottom
}
GREYS = dict(zip("abcdef", [0, 50, 100, 150, 200, 250], strict=True))
Writer = Callable[[Image.Image, int], bytes]
TURNS = pytest.mark.parametrize("turn", STORED)


def blocks(letters: list[str], side: int = 16) -> np.ndarray:
    greys = np.array([[GREYS[letter] for letter in row] for row in letters], dtype=np.uint8)
    return np.repeat(np.kron(greys, np.ones((side, side), np.uint8))[..., None], 3, axis=2)


def exif(turn: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = turn
    return tags.tobytes()


def as_tiff(image: Image.Image, turn: int) -> bytes:
    return tiff(np.asarray(image), photometric=2, orientation=turn)


def as_deflated_tiff(image: Image.Image, turn: int) -> bytes:
    return tiff(np.asarray(image), photometric=2, orientation=turn, deflate=True)


def as_png(image: Image.Image, turn: int) -> bytes:
    return saved(image, "PNG", exif=exif(turn))


def as_png_with_late_exif(image: Image.Image, turn: int) -> bytes:
    data = saved(image, "PNG")
    end = data.rindex(b"IEND") - 4
    return data[:end] + chunk(b"eXIf", exif(turn).removeprefix(b"Exif\0\0")) + data[end:]


def as_jpeg(image: Image.Image, turn: int) -> bytes:
    return saved(image, "JPEG", exif=exif(turn), quality=95)


def as_webp(image: Image.Image, turn: int) -> bytes:
    return saved(image, "WEBP", exif=exif(turn), lossless=True)


WRITERS = [as_tiff, as_deflated_tiff, as_png, as_png_with_late_exif, as_jpeg, as_webp]


@TURNS
@pytest.mark.parametrize("write", WRITERS)
def test_decoded_picture_stands_upright(write: Writer, turn: int) -> None:
    data = write(Image.fromarray(blocks(STORED[turn])), turn)
    facts = probe(data, "turned")
    assert (facts.width_px, facts.height_px) == (48, 32)
    np.testing.assert_allclose(decode(data, "turned").astype(int), blocks(SEEN), atol=3)


@TURNS
def test_upright_copies(turn: int) -> None:
    stored = blocks(STORED[turn], side=1)
    turned = upright(stored, turn)
    np.testing.assert_array_equal(turned, blocks(SEEN, side=1))
    assert turned.flags.c_contiguous
    assert turned.flags.writeable
    assert not np.shares_memory(turned, stored)


@pytest.mark.parametrize("turn", [0, 9, 65535])
def test_orientation_that_does_not_exist_is_none(turn: int) -> None:
    array = noise(2, 3, 3)
    np.testing.assert_array_equal(decode(as_png(Image.fromarray(array), turn), "odd"), array)


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"])
def test_unreadable_exif_spoils_no_pixel(garbage: bytes) -> None:
    array = noise(2, 3, 3)
    data = saved(Image.fromarray(array), "PNG")
    behind_header = len(PNG_SIGNATURE) + 25
    data = data[:behind_header] + chunk(b"eXIf", garbage) + data[behind_header:]
    np.testing.assert_array_equal(decode(data, "odd"), array)


def test_pillow_still_turns_tiff_itself() -> None:
    image = TiffImageFile(BytesIO(tiff(noise(2, 3, 3), 2, orientation=6)))
    assert orientation(image) == 1
    assert image.size == (2, 3)
