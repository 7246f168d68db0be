"""The samples of a picture Pillow has opened, just as its file has them: no colour is converted."""

import sys
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

_PHOTOMETRIC = ExifTags.Base.PhotometricInterpretation
_NATIVE_SWAPPED = "B" if sys.byteorder == "little" else "L"
LOW_BYTES = {
    f"{bands};16{order}": f"{bands};16{other}"
    for bands in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", _NATIVE_SWAPPED))
}
"""Pillow keeps the high byte of a 16-bit colour sample; read in the other byte order, the low one."""
_BAND_BYTES = 1 << 22


def layout(image: ImageFile) -> str:
    """Pillow's name for how the file packs its samples."""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


def stored_8(image: ImageFile) -> np.ndarray:
    """Grey, grey with alpha, RGB or RGBA at up to 8 bits, uint8 ``(H, W, 1 to 4)``; the picture is closed.

    Palettes are expanded, fewer bits are spread over 0 to 255, the one transparent colour of a PNG becomes an alpha
    channel.
    """
    clear = image.has_transparency_data
    if image.mode in ("P", "PA"):
        return _taken(image, "RGBA" if clear else "RGB")
    grey = image.mode in ("1", "L", "LA")
    return _taken(image, ("LA" if clear else "L") if grey else ("RGBA" if clear else "RGB"))


def stored_16(image: ImageFile, again: ImageFile) -> np.ndarray | None:
    """All 16 bits of grey, grey with alpha, RGB or RGBA, uint16 ``(H, W, 1 to 4)``; both pictures are closed.

    Args:
        image: a picture of 16 bits a sample, not loaded yet.
        again: the same file opened once more, for the low bytes of colours.

    Returns:
        None where Pillow gives no more than 8 bits (CMYK, premultiplied alpha); the pictures are then untouched.
    """
    packed, key = layout(image), image.info.get("transparency")
    if image.mode in ("I;16", "I;16B"):
        dark = _white_is_zero(image)
        array = _taken(image, dtype=np.uint16)
        if dark:
            np.invert(array, out=array)
    elif packed == "LA;16B":  # a pixel of four bytes: taken as they lie in the file
        _unpack_as(image, "RGBA")
        array = _taken(image).view(">u2").astype(np.uint16)
    elif packed in LOW_BYTES:
        array = _taken(image, dtype=np.uint16)
        array <<= 8
        _unpack_as(again, LOW_BYTES[packed])
        array |= _taken(again)
    else:
        return None
    return array if key is None else _keyed(array, key)


def _taken(image: ImageFile, mode: str | None = None, dtype: type[np.unsignedinteger[Any]] = np.uint8) -> np.ndarray:
    """The decoded pixels ``(H, W, C)``, copied out band by band: Pillow's own copy is never doubled, and freed."""
    image.load()
    width, height = image.size
    channels = len(Image.new(mode or image.mode, (1, 1)).getbands())
    array = np.empty((height, width, channels), dtype)
    rows = max(1, _BAND_BYTES // (4 * width))
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        part = np.asarray(band if mode is None else band.convert(mode))
        array[top : top + rows] = part.reshape(-1, width, channels)
    image.close()
    return array


def _unpack_as(image: ImageFile, layout: str) -> None:
    """Have the pixels unpacked by another layout of the same number of bytes."""
    image.tile = [
        tile._replace(args=(layout, *tile.args[1:]) if isinstance(tile.args, tuple) else layout) for tile in image.tile
    ]


def _white_is_zero(image: ImageFile) -> bool:
    """Whether a TIFF counts darkness; Pillow inverts such pictures at 8 bits but not at 16."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0


def _keyed(array: np.ndarray, key: int | tuple[int, ...]) -> np.ndarray:
    """Add the alpha channel that PNG's one transparent colour stands for."""
    shown = (array != np.asarray(key, dtype=np.uint16)).any(axis=2, keepdims=True)
    return np.concatenate([array, shown * np.uint16(65535)], axis=2)
