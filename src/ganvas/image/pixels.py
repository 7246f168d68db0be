"""The pixels of a picture Pillow has opened, with all the bits the file gives them."""

import sys

import numpy as np
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ganvas.image.colour import srgb_transform, to_srgb

_PHOTOMETRIC = ExifTags.Base.PhotometricInterpretation
_NATIVE_SWAPPED = "B" if sys.byteorder == "little" else "L"
_LOW_BYTES = {
    f"{bands};16{order}": f"{bands};16{other}"
    for bands in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", _NATIVE_SWAPPED))
}
"""Pillow keeps the high byte of a 16-bit colour sample; read in the other byte order, the low one."""


def eight_bits(image: ImageFile, channels: int) -> np.ndarray:
    """Pixels of any mode, uint8 ``(H, W, channels)``, colours in sRGB."""
    image.load()
    if channels == 1:
        return np.asarray(image.convert("L"))[..., None]
    plain: Image.Image = image.convert("LA") if image.mode == "La" else image
    if plain.mode != "CMYK":
        plain = plain.convert("RGBA" if channels == 4 else "RGB")
    return np.asarray(to_srgb(plain))


def sixteen_bits(image: ImageFile, again: ImageFile, channels: int) -> np.ndarray | None:
    """Pixels with all their 16 bits, uint16 ``(H, W, channels)``.

    Args:
        image: a picture of 16 bits a sample, not loaded yet.
        again: the same file opened once more, for the low bytes of colours.
        channels: 1, 3 or 4.

    Returns:
        None where Pillow gives no more than 8: colours that must be converted first (another profile than
        sRGB, CMYK, premultiplied alpha).
    """
    layout = _layout(image)
    if image.mode in ("I;16", "I;16B"):
        array = _loaded(image).astype(np.uint16)[..., None]
        if _white_is_zero(image):
            array = ~array
    elif layout == "LA;16B":  # grey and alpha, a pixel of four bytes: taken as they lie in the file
        grey_alpha = _loaded(image, "RGBA").view(">u2").astype(np.uint16)
        array = grey_alpha[..., [0, 0, 0, 1]]
    elif layout in _LOW_BYTES and srgb_transform(image) is None:
        low = _loaded(again, _LOW_BYTES[layout])
        array = _loaded(image).astype(np.uint16) << 8 | low
    else:
        return None
    return _keyed(array, image.info["transparency"]) if array.shape[2] < channels else array


def _layout(image: ImageFile) -> str:
    """Pillow's name for how the file packs its samples."""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


def _loaded(image: ImageFile, layout: str | None = None) -> np.ndarray:
    """The decoded pixels, unpacked by another layout of the same number of bytes where one is given."""
    if layout is not None:
        image.tile = [
            tile._replace(args=(layout, *tile.args[1:]) if isinstance(tile.args, tuple) else layout)
            for tile in image.tile
        ]
    image.load()
    return np.asarray(image)


def _white_is_zero(image: ImageFile) -> bool:
    """Whether a TIFF counts darkness; Pillow inverts such pictures at 8 bits but not at 16."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0


def _keyed(array: np.ndarray, key: int | tuple[int, ...]) -> np.ndarray:
    """Add the alpha channel that PNG's one transparent colour stands for, ``(H, W, 4)``."""
    shown = (array != np.asarray(key, dtype=np.uint16)).any(axis=2, keepdims=True)
    colour = np.broadcast_to(array, (*array.shape[:2], 3))
    return np.concatenate([colour, shown * np.uint16(65535)], axis=2)
