"""Photographs to files, strip by strip, whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import numpy as np

from ganvas.errors import UnknownName
from ganvas.files import atomic_path
from ganvas.image.convert import with_grey_repeated
from ganvas.image.limits import check_fits, check_metadata_fit, stored_channels
from ganvas.image.metadata import Metadata
from ganvas.image.pillow_writer import write_jpeg, write_webp
from ganvas.image.png_writer import writing_png
from ganvas.image.provenance import with_descriptions
from ganvas.image.tiff_writer import writing_tiff

PhotoFormat = Literal["png", "tiff", "webp", "jpeg"]
PHOTO_SUFFIXES: dict[PhotoFormat, str] = {"png": ".png", "tiff": ".tif", "webp": ".webp", "jpeg": ".jpg"}


@contextmanager
def writing_photo(
    path: Path,
    *,
    format: PhotoFormat,
    size: tuple[int, int],
    channels: int,
    bits: int,
    metadata: Metadata,
    xmp: bytes | None,
    quality: int | None = None,
    check: Callable[[Path], None] = lambda path: None,
) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields ``write(rows)`` for strips ``(h, W, C)`` of any height from top to bottom, height rows in all.

    PNG and TIFF keep no more than a few blocks of rows in memory; WebP and JPEG keep the picture. The file appears
    under `path` when the block has ended; if it raises, whatever was there before remains, and nothing else.

    Args:
        path: the final name.
        format: ``png`` and ``tiff`` (lossless), ``webp`` (8 bits; lossless unless a quality is given) or
            ``jpeg`` (8 bits, no alpha); `ganvas.image.limits.stored_channels` says where grey is stored as colours.
        size: height and width in pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        bits: 8 or 16, for strips of uint8 or uint16.
        metadata: as `ganvas.image.read_photo.read_photo` gives them.
        xmp: a packet as of `ganvas.image.provenance.xmp_packet`, to which that of the metadata is added; None leaves it
            out.
        quality: 1 to 100, for ``webp`` and ``jpeg``.
        check: Told where the whole file lies before it gets its name; if it raises, the file is removed.

    Raises:
        UsageError: an unknown format, or one that cannot hold this picture or its metadata.
        FileError: as `ganvas.files.atomic_path`.
    """
    if format not in PHOTO_SUFFIXES:
        raise UnknownName("picture format", format, PHOTO_SUFFIXES)
    check_fits(format, size, channels, bits, quality)
    if metadata.xmp is not None:
        xmp = with_descriptions(xmp, metadata.xmp)
    check_metadata_fit(format, channels, bits, metadata, xmp)
    height, width = size
    dtype = {8: np.uint8, 16: np.uint16}[bits]
    stored = stored_channels(format, channels, bits)
    written = 0

    def write(rows: np.ndarray) -> None:
        nonlocal written
        written += len(rows)
        assert rows.dtype == dtype
        assert rows.shape[1:] == (width, channels)
        assert written <= height
        take(with_grey_repeated(rows, stored))

    with atomic_path(path) as beside:
        with beside.open("wb") as file:
            if format == "png":
                writer = writing_png(file, size, stored, bits, metadata, xmp)
            elif format == "tiff":
                writer = writing_tiff(file, size, stored, bits, metadata, xmp)
            else:
                writer = _writing_whole(file, format, size, stored, metadata, xmp, quality)
            with writer as take:
                yield write
                assert written == height
        check(beside)


@contextmanager
def _writing_whole(
    file: IO[bytes],
    format: Literal["webp", "jpeg"],
    size: tuple[int, int],
    channels: int,
    metadata: Metadata,
    xmp: bytes | None,
    quality: int | None,
) -> Iterator[Callable[[np.ndarray], None]]:
    array, written = np.empty((*size, channels), np.uint8), 0

    def take(rows: np.ndarray) -> None:
        nonlocal written
        array[written : written + len(rows)] = rows
        written += len(rows)

    yield take
    (write_webp if format == "webp" else write_jpeg)(file, array, quality, xmp, metadata)
