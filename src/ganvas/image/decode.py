"""Picture files to arrays. Nothing a file says about itself is trusted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, PngImagePlugin
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ganvas.errors import FileError
from ganvas.image.orientation import orientation, upright
from ganvas.image.pixels import eight_bits, sixteen_bits

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp"})
MAX_PIXELS = 1 << 27
"""About 134 megapixels: more than nearly every camera takes, less than exhausts a workstation."""
MAX_SIDE_PX = 65_535
MAX_PROFILE_BYTES = 255 * 65_519
"""An ICC profile that fits a JPEG fits a PNG, too; tables of printers and scanners have more than a megabyte."""
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES + 1  # Pillow's own is a megabyte; that of all texts together stays

_SIGNATURES: tuple[tuple[int, bytes, type[ImageFile]], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", PngImageFile),
    (0, b"\xff\xd8\xff", JpegImageFile),
    (8, b"WEBP", WebPImageFile),
    (0, b"II*\x00", TiffImageFile),
    (0, b"MM\x00*", TiffImageFile),
    (0, b"II+\x00", TiffImageFile),
    (0, b"MM\x00+", TiffImageFile),
    (0, b"BM", BmpImageFile),
)
_PLANAR = 284  # TIFF 6.0, PlanarConfiguration
_CHANNELS = {"1": 1, "L": 1, "I;16": 1, "I;16B": 1, "P": 3, "RGB": 3, "CMYK": 3, "YCbCr": 3, "LAB": 3}


@dataclass(frozen=True)
class Facts:
    """What the header of a picture says.

    Width and height are in pixels after EXIF rotation; channels are 1 for grey, 3 for colour, 4 for either
    with transparency; bit depth is 8 or 16 a sample; format is one of `FORMATS`.
    """

    width_px: int
    height_px: int
    channels: int
    bit_depth: int
    format: str


def probe(data: bytes | BinaryIO, name: str) -> Facts:
    """Read the header alone; no pixel is decoded.

    Args:
        data: the file's bytes, or a seekable stream that stands at their beginning.
        name: what to call the file in an error.

    Raises:
        FileError: not one of `FORMATS`, broken, animated, of several pages, of a sample type no picture has,
            or larger than `MAX_PIXELS` or `MAX_SIDE_PX`.
    """
    with reading(name):
        image = open_picture(data, name)
        return checked_facts(image, name, orientation(image))


def decode(data: bytes | BinaryIO, name: str) -> np.ndarray:
    """The pixels as uint8 or uint16 ``(H, W, C)``, of the size and channels that `probe` reports.

    EXIF rotation is applied, palettes are expanded, bilevel becomes grey, CMYK and Lab become RGB, colours
    are brought to sRGB (see `ganvas.image.colour`). 16-bit grey and RGB(A) keep all their bits; where Pillow
    works in 8 only (another profile than sRGB, CMYK, premultiplied alpha), so does the result, although
    `Facts.bit_depth` says 16.

    Raises:
        FileError: as `probe`, and where the pixels are cut short or corrupt.
    """
    whole = data if isinstance(data, bytes) else data.read()
    with reading(name):
        image = open_picture(whole, name)
        turn = orientation(image)
        facts = checked_facts(image, name, turn)
        array = None
        if facts.bit_depth == 16:
            array = sixteen_bits(image, open_picture(whole, name))
        if array is None:
            array = eight_bits(image, facts.channels)
        return upright(array, turn)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a broken or hostile file into a `FileError` that names it.

    Raises:
        MemoryError: There is too little memory, which says nothing about the file.
    """
    try:
        yield
    except (FileError, MemoryError):
        raise
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileError(
            f"The picture {name!r} is damaged or cut short ({reason}); copy or export it again, or remove it."
        ) from error


def open_picture(data: bytes | BinaryIO, name: str) -> ImageFile:
    """Parse the header by the one reader the file's signature asks for, and refuse what is too large.

    `Image.open` does the same, but warns from 89 megapixels on and takes some phones' JPEG for a series.
    """
    stream = BytesIO(data) if isinstance(data, bytes) else data
    start = stream.read(16)
    stream.seek(0)
    readers = [reader for offset, magic, reader in _SIGNATURES if start[offset:].startswith(magic)]
    if not readers:
        raise FileError(
            f"The file {name!r} is not a picture of a known format; convert it to one of {', '.join(FORMATS)}."
        )
    image = _header_read(readers[0], stream, name)
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
        raise FileError(
            f"The picture {name!r} claims {width}x{height} pixels; scale it down to at most {MAX_PIXELS:,} "
            f"pixels and {MAX_SIDE_PX:,} a side."
        )
    if getattr(image, "n_frames", 1) > 1:
        raise FileError(f"The file {name!r} holds several pictures; export the one you want by itself.")
    return image


def _header_read(reader: type[ImageFile], stream: BinaryIO, name: str) -> ImageFile:
    try:
        image = reader(stream)
    except SyntaxError as error:
        if "pixel mode" not in str(error) and "data organization" not in str(error):
            raise
        raise FileError(
            f"The picture {name!r} is damaged or cut short, or has a kind or number of samples that is not read here; "
            "save it again, as grey or RGB with 8 or 16 bits a channel."
        ) from error
    key = image.info.get("transparency")
    if isinstance(image, PngImageFile) and image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * (255 // (2 ** _sample_bits(image) - 1))  # Pillow spreads the pixels alone
    return image


def checked_facts(image: ImageFile, name: str, turn: int) -> Facts:
    """What `probe` says of an opened picture, and its refusals; `turn` is the EXIF orientation."""
    channels = 4 if image.has_transparency_data else _CHANNELS.get(image.mode)
    bits = _sample_bits(image)
    if channels is None or bits not in (1, 2, 4, 8, 16):
        raise FileError(f"The picture {name!r} has {bits}-bit samples (mode {image.mode}); save it with 8 or 16 bits.")
    if bits == 16 and channels > 1 and isinstance(image, TiffImageFile) and image.tag_v2.get(_PLANAR) == 2:
        raise FileError(  # Pillow unpacks them wrongly without a word
            f"The picture {name!r} has 16-bit colours stored plane by plane; save it with interleaved channels."
        )
    width, height = image.size[::-1] if turn in (5, 6, 7, 8) else image.size
    return Facts(width, height, channels, 16 if bits == 16 else 8, str(image.format))


def _sample_bits(image: ImageFile) -> int:
    """Bits a sample as the file states them, since Pillow's mode says 8 for 16-bit colour."""
    if isinstance(image, PngImageFile):
        assert image.fp is not None
        image.fp.seek(24)  # behind the signature, the length and name of IHDR, width and height
        return image.fp.read(1)[0]
    if isinstance(image, TiffImageFile):
        return int(max(image.tag_v2.get(ExifTags.Base.BitsPerSample, (1,))))
    return 8
