"""WebP and JPEG files, which Pillow writes from the whole picture."""

from typing import IO

import numpy as np
from PIL import Image

from ganvas.image.directory import Directory
from ganvas.image.exif import PREFIX, Exif, exif_bytes, read_exif, with_resolution
from ganvas.image.metadata import Metadata, dpi_fractions

JPEG_QUALITY = 95
NO_METADATA = Metadata(icc=None, exif=None, dpi=None)


def picture_of(array: np.ndarray) -> Image.Image:
    """Pillow's picture of a uint8 array ``(H, W, 1 to 4)``."""
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def write_webp(
    file: IO[bytes], array: np.ndarray, quality: int | None, xmp: bytes | None, metadata: Metadata = NO_METADATA
) -> None:
    """A uint8 picture ``(H, W, 1 to 4)``, lossless unless a quality is given; grey is stored as RGB.

    WebP has no place for a resolution but EXIF.
    """
    exif = metadata.exif
    if metadata.dpi is not None:
        known = (read_exif(exif) if exif else None) or Exif("<", Directory({}, {}))
        exif = exif_bytes(with_resolution(known, dpi_fractions(metadata.dpi)))
    picture_of(array).save(
        file,
        "WEBP",
        lossless=quality is None,  # then Pillow's `quality` means effort
        exact=True,  # keeps the colours where alpha is 0
        quality=quality or 80,
        xmp=xmp or b"",
        icc_profile=metadata.icc,
        exif=exif or b"",
    )


def write_jpeg(
    file: IO[bytes], array: np.ndarray, quality: int | None, xmp: bytes | None, metadata: Metadata = NO_METADATA
) -> None:
    """A uint8 picture ``(H, W, 1 | 3)``, colour at full resolution; dots an inch are rounded to whole ones."""
    picture_of(array).save(
        file,
        "JPEG",
        quality=quality or JPEG_QUALITY,
        subsampling=0,
        xmp=xmp or b"",
        icc_profile=metadata.icc,
        exif=b"" if metadata.exif is None else PREFIX + metadata.exif,
        dpi=metadata.dpi or (0, 0),
    )
