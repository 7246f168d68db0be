"""What a photograph's file says beside its pixels, as far as it may travel on."""

import math
from dataclasses import dataclass
from fractions import Fraction

from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ganvas.image.exif import Exif, exif_bytes, exif_dpi, kept, read_exif

MAX_DPI = 65_535
"""JPEG has two bytes for it."""
_RATIO_PARTS = 10_000  # numerator and denominator up to 655,350,000: both fit TIFF's four bytes
_CENTIMETRES = 2  # JFIF 1.02, density units
_V5_HEADER_BYTES, _PROFILE_INSIDE = 124, b"DEBM"


@dataclass(frozen=True)
class Metadata:
    """The ICC profile byte by byte; EXIF without its prefix, as `ganvas.image.exif.kept` leaves it; horizontal and
    vertical resolution in dots an inch, 1 to `MAX_DPI`. None for what the file does not say; `icc_broken` where it has
    a profile that cannot be taken out.
    """

    icc: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None
    icc_broken: bool = False


def read_metadata(image: ImageFile, data: bytes, turn: int | None, *, keep_private: bool) -> Metadata:
    """The metadata of a picture Pillow has opened from `data` and not loaded yet.

    Resolution is the format's own, else that of EXIF, and is that of the upright picture; `turn` is the EXIF
    orientation of the stored one. A profile is not looked into; EXIF that cannot be read counts as none, and so do
    EXIF and resolution of a BigTIFF file.
    """
    exif = read_exif(_exif_of(image, data))
    dpi = _dpi_of(image, exif)
    if dpi is not None and turn in (5, 6, 7, 8):
        dpi = dpi[::-1]
    icc = _bmp_profile(data) if isinstance(image, BmpImageFile) else image.info.get("icc_profile")
    return Metadata(
        icc=icc if isinstance(icc, bytes) and icc else None,
        exif=None if exif is None else exif_bytes(kept(exif, private=keep_private)),
        dpi=dpi,
        icc_broken="icc_profile" in image.info and icc is None,  # Pillow met one that it could not put together
    )


def dpi_fractions(dpi: tuple[float, float]) -> tuple[tuple[int, int], tuple[int, int]]:
    """A resolution as numerators and denominators of 32 bits."""
    x, y = (Fraction(value).limit_denominator(_RATIO_PARTS) for value in dpi)
    return (x.numerator, x.denominator), (y.numerator, y.denominator)


def _exif_of(image: ImageFile, data: bytes) -> bytes:
    if isinstance(image, TiffImageFile):
        return data
    block = image.info.get("exif")
    if block is None and isinstance(text := image.info.get("Raw profile type exif"), str):
        try:
            return bytes.fromhex("".join(text.split("\n")[3:]))  # ImageMagick before PNG had a place for EXIF
        except ValueError:
            return b""
    return block if isinstance(block, bytes) else b""


def _dpi_of(image: ImageFile, exif: Exif | None) -> tuple[float, float] | None:
    if isinstance(image, JpegImageFile):  # Pillow makes up 72 where none is said
        density, unit = image.info.get("jfif_density"), image.info.get("jfif_unit", 0)
        scale = 2.54 if unit == _CENTIMETRES else 1.0
        own = (density[0] * scale, density[1] * scale) if density and unit else None
    else:  # and 1 for TIFF, where EXIF is the file's own directory
        own = None if isinstance(image, TiffImageFile) else image.info.get("dpi")
    return _sensible(own) or _sensible(exif_dpi(exif) if exif else None)


def _sensible(dpi: tuple[float, float] | None) -> tuple[float, float] | None:
    """A resolution every format can hold, or None."""
    if dpi is None:
        return None
    x, y = float(dpi[0]), float(dpi[1])
    return (x, y) if all(math.isfinite(value) and 1 <= value <= MAX_DPI for value in (x, y)) else None


def _bmp_profile(data: bytes) -> bytes | None:
    """The profile inside a BMP file of version 5; Pillow passes it over."""
    header = data[14 : 14 + _V5_HEADER_BYTES]
    if len(header) < _V5_HEADER_BYTES or header[0] != _V5_HEADER_BYTES or header[56:60] != _PROFILE_INSIDE:
        return None
    start, size = 14 + int.from_bytes(header[112:116], "little"), int.from_bytes(header[116:120], "little")
    return data[start : start + size]
