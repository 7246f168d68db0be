"""What a photograph's file says beside its pixels, as far as it may travel on."""

import math
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO

from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ganvas.image.exif import Exif, exif_bytes, exif_dpi, kept, read_exif
from ganvas.image.png import ColourChunks, colour_chunks, find_chunk
from ganvas.image.provenance import PNG_KEYWORD
from ganvas.image.xmp import kept_descriptions

MAX_DPI = 65_535
"""JPEG has two bytes for it."""
_RATIO_PARTS = 10_000  # numerator and denominator up to 655,350,000: both fit TIFF's four bytes
_CENTIMETRES = 2  # JFIF 1.02, density units
_IPTC_IN_PHOTOSHOP = 0x0404
_V5_HEADER_BYTES, _PROFILE_INSIDE = 124, b"DEBM"


@dataclass(frozen=True)
class Metadata:
    """The ICC profile byte by byte; EXIF without its prefix, as `ganvas.image.exif.kept` leaves it; horizontal and
    vertical resolution in dots an inch, 1 to `MAX_DPI`. None for what the file does not say; `icc_broken` where it has
    a profile that cannot be taken out. XMP as `ganvas.image.xmp.kept_descriptions` leaves it; the chunks of a PNG that
    say how its numbers are to be shown; `notes`, a sentence on each block that is left out whole.
    """

    icc: bytes | None
    exif: bytes | None
    dpi: tuple[float, float] | None
    icc_broken: bool = False
    xmp: bytes | None = None
    png_colours: ColourChunks = ()
    notes: tuple[str, ...] = ()


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
    notes, xmp, packet = [], None, _xmp_of(image, data)
    try:
        if packet is not None:
            xmp = kept_descriptions(packet, private=keep_private, turned=turn not in (None, 1))
    except ValueError as error:
        notes.append(f"The photograph's XMP was left out: {error}.")
    if _has_iptc(image):
        notes.append("The photograph's IPTC block was left out; its words stay where XMP or EXIF has them, too.")
    icc = _bmp_profile(data) if isinstance(image, BmpImageFile) else image.info.get("icc_profile")
    return Metadata(
        icc=icc if isinstance(icc, bytes) and icc else None,
        exif=None if exif is None else exif_bytes(kept(exif, private=keep_private)),
        dpi=dpi,
        icc_broken="icc_profile" in image.info and icc is None,  # Pillow met one that it could not put together
        xmp=xmp,
        png_colours=colour_chunks(BytesIO(data)) if isinstance(image, PngImageFile) else (),
        notes=tuple(notes),
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


def _xmp_of(image: ImageFile, data: bytes) -> bytes | None:
    packet = image.info.get("xmp")
    if packet is None and isinstance(image, PngImageFile):  # Pillow stops at the pixels
        packet = find_chunk(BytesIO(data), b"iTXt", PNG_KEYWORD.encode() + b"\0")
    return packet if isinstance(packet, bytes) and packet.strip(b"\0 \t\r\n") else None


def _has_iptc(image: ImageFile) -> bool:
    if isinstance(image, TiffImageFile):
        return Base.IPTCNAA in image.tag_v2
    return _IPTC_IN_PHOTOSHOP in image.info.get("photoshop", {}) or "Raw profile type iptc" in image.info


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
