"""Arrays to picture files, with the mark of their origin."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Literal

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganvas.errors import UnknownName, UsageError
from ganvas.image.provenance import PNG_KEYWORD, SourceType, xmp_packet

Format = Literal["png", "webp", "jpeg"]
SUFFIXES = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}
JPEG_QUALITY = 95

_MAX_SIDE_PX = {"png": 2**31 - 1, "webp": 16_383, "jpeg": 65_500}


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
            RGB) or ``jpeg`` (`JPEG_QUALITY` unless told otherwise, colour at full resolution).
        source_type: the IPTC mark, written as XMP; None leaves it out.
        recipe: what it takes to paint the picture again, written beside the mark; None leaves it out.
        quality: 1 to 100, for ``webp`` and ``jpeg``.

    Raises:
        UsageError: an unknown format, or one that cannot hold this picture: alpha in JPEG, a side too long, a
            quality where none applies, a recipe too long.
    """
    if format not in SUFFIXES:
        raise UnknownName("picture format", format, SUFFIXES)
    _check(array, format, quality)
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    packet = None if source_type is None and recipe is None else xmp_packet(source_type, recipe)
    file = BytesIO()
    if format == "png":
        text = PngInfo()
        if packet is not None:  # Pillow takes `xmp=` for the other two only
            text.add_itxt(PNG_KEYWORD, packet.decode())
        image.save(file, "PNG", pnginfo=text)
    elif format == "webp":
        lossless = quality is None  # then Pillow's `quality` means effort
        # `exact` keeps the colours where alpha is 0
        image.save(file, "WEBP", lossless=lossless, exact=True, quality=quality or 80, xmp=packet or b"")
    else:
        image.save(file, "JPEG", quality=quality or JPEG_QUALITY, subsampling=0, xmp=packet)
    return file.getvalue()


def _check(array: np.ndarray, format: Format, quality: int | None) -> None:
    height, width, channels = array.shape
    if max(height, width) > _MAX_SIDE_PX[format]:
        raise UsageError(
            f"A {format} picture has at most {_MAX_SIDE_PX[format]:,} pixels a side, "
            f"and this one is {width}x{height}; choose png."
        )
    if format == "jpeg" and channels == 4:
        raise UsageError("A jpeg picture has no transparency; choose png or webp for 4 channels.")
    if quality is not None and (format == "png" or not 1 <= quality <= 100):
        raise UsageError(f"Quality {quality} for {format}: give 1 to 100 for jpeg or webp, and none for png.")
