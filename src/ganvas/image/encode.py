"""Arrays to picture files, with the mark of their origin."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL.PngImagePlugin import PngInfo

from ganvas.errors import UnknownName
from ganvas.image.limits import check_fits
from ganvas.image.pillow_writer import picture_of, write_jpeg, write_webp
from ganvas.image.provenance import PNG_KEYWORD, SourceType, xmp_packet

Format = Literal["png", "webp", "jpeg"]
SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}


def encode(
    array: np.ndarray,
    format: Format,
    source_type: SourceType | None = SourceType.GENERATED,
    recipe: Mapping[str, Any] | None = None,
    quality: int | None = None,
) -> bytes:
    """A picture file in memory.

    Args:
        array: uint8 ``(H, W, C)``, grey, RGB or RGBA, in sRGB.
        format: ``png`` (lossless), ``webp`` (lossless unless `quality` is given; it knows no grey and stores
            RGB) or ``jpeg`` (quality 95 unless told otherwise, colour at full resolution).
        source_type: the IPTC mark, written as XMP; None leaves it out.
        recipe: what it takes to paint the picture again, written beside the mark; None leaves it out.
        quality: 1 to 100, for ``webp`` and ``jpeg``.

    Raises:
        UsageError: an unknown format, or one that cannot hold this picture: alpha in JPEG, a side too long, a
            quality where none applies, a recipe too long.
    """
    if format not in SUFFIXES:
        raise UnknownName("picture format", format, SUFFIXES)
    height, width, channels = array.shape
    check_fits(format, (height, width), channels, 8, quality)
    packet = None if source_type is None and recipe is None else xmp_packet(source_type, recipe)
    file = BytesIO()
    if format == "png":
        text = PngInfo()
        if packet is not None:  # Pillow takes `xmp=` for the other two only
            text.add_itxt(PNG_KEYWORD, packet.decode())
        picture_of(array).save(file, "PNG", pnginfo=text)
    else:
        (write_webp if format == "webp" else write_jpeg)(file, array, quality, packet)
    return file.getvalue()
