"""TIFF files (TIFF 6.0, Adobe's deflate), written while the picture arrives.

Pillow wants the whole picture and cannot write 16-bit colour; tifffile can, and would be a dependency for this alone.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from PIL.ExifTags import Base

from ganvas.image.blocks import in_blocks, rows_in_block
from ganvas.image.directory import (
    BYTE,
    LONG,
    LONG8,
    SHORT,
    UNDEFINED,
    Directory,
    Field,
    Order,
    field,
    packed,
)
from ganvas.image.exif import Exif, read_exif, resolution
from ganvas.image.metadata import Metadata, dpi_fractions

CLASSIC_BYTES = 1 << 32
"""Where a classic TIFF file ends; a longer one becomes BigTIFF."""
_LEVEL = 3
_HEADER_BYTES = 16  # of BigTIFF; a classic one is half as long, and which it will be is known at the end
_DEFLATE, _HORIZONTAL_DIFFERENCES, _INTERLEAVED, _UNSIGNED, _STRAIGHT_ALPHA = 8, 2, 1, 1, 2
_BLACK_IS_ZERO, _RGB = 1, 2


@contextmanager
def writing_tiff(
    file: IO[bytes], size: tuple[int, int], channels: int, bits: int, metadata: Metadata, xmp: bytes | None
) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function for strips ``(h, W, C)`` from top to bottom; the file is whole when the block ends.

    Each block of rows is one strip of the file, deflated after horizontal differencing. EXIF becomes tags of the
    picture and the EXIF directory, in the byte order it has, which becomes that of the file.

    Args:
        file: open for writing, and seekable: the header is written last.
        size: height and width in pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA; alpha is unassociated.
        bits: 8 or 16, for strips of uint8 or uint16.
        metadata: become the tags of resolution, ICC profile and EXIF.
        xmp: becomes tag 700; None leaves it out.
    """
    height, width = size
    row, dtype = (width, channels), (np.uint8 if bits == 8 else np.uint16)
    exif = (read_exif(metadata.exif) if metadata.exif else None) or Exif("<", Directory({}, {}))
    offsets: list[int] = []
    lengths: list[int] = []

    def work(block: np.ndarray) -> bytes:
        rows = block[1:].copy()
        rows[:, 1:] -= block[1:, :-1]
        return zlib.compress(rows.astype(rows.dtype.newbyteorder(exif.order), copy=False).tobytes(), _LEVEL)

    def take(strip: bytes) -> None:
        offsets.append(file.tell())
        lengths.append(len(strip))
        file.write(strip)

    file.write(bytes(_HEADER_BYTES))
    with in_blocks(row, dtype, work, take) as write:
        yield write
    file.write(bytes(file.tell() % 2))
    end = file.tell()
    fields = {
        **exif.directory.fields,
        **_layout(exif.order, size, channels, bits, min(height, rows_in_block(row, dtype))),
        **_metadata(exif.order, metadata, xmp),
    }

    def directory(big: bool) -> bytes:
        number = LONG8 if big else LONG
        strips: dict[int, Field] = {
            Base.StripOffsets: field(number, exif.order, *offsets),
            Base.StripByteCounts: field(number, exif.order, *lengths),
        }
        return packed(Directory({**fields, **strips}, exif.directory.inner), exif.order, end, big)

    big = end + len(directory(big=True)) > CLASSIC_BYTES
    file.write(directory(big))
    file.seek(0)
    file.write(_header(exif.order, end, big))


def _layout(order: Order, size: tuple[int, int], channels: int, bits: int, rows_in_strip: int) -> dict[int, Field]:
    """The tags that say how the samples lie, without the places of the strips."""
    height, width = size
    fields: dict[int, Field] = {
        Base.ImageWidth: field(LONG, order, width),
        Base.ImageLength: field(LONG, order, height),
        Base.BitsPerSample: field(SHORT, order, *[bits] * channels),
        Base.Compression: field(SHORT, order, _DEFLATE),
        Base.PhotometricInterpretation: field(SHORT, order, _BLACK_IS_ZERO if channels < 3 else _RGB),
        Base.SamplesPerPixel: field(SHORT, order, channels),
        Base.RowsPerStrip: field(LONG, order, rows_in_strip),
        Base.PlanarConfiguration: field(SHORT, order, _INTERLEAVED),
        Base.Predictor: field(SHORT, order, _HORIZONTAL_DIFFERENCES),
        Base.SampleFormat: field(SHORT, order, *[_UNSIGNED] * channels),
    }
    if channels in (2, 4):
        fields[Base.ExtraSamples] = field(SHORT, order, _STRAIGHT_ALPHA)
    return fields


def _metadata(order: Order, metadata: Metadata, xmp: bytes | None) -> dict[int, Field]:
    fields = {} if metadata.dpi is None else resolution(order, dpi_fractions(metadata.dpi))
    if metadata.icc is not None:
        fields[Base.InterColorProfile] = Field(UNDEFINED, metadata.icc)
    if xmp is not None:
        fields[Base.XMLPacket] = Field(BYTE, xmp)
    return fields


def _header(order: Order, directory: int, big: bool) -> bytes:
    mark = b"II" if order == "<" else b"MM"
    if big:
        return mark + struct.pack(f"{order}HHHQ", 43, 8, 0, directory)
    return mark + struct.pack(f"{order}HI", 42, directory)
