"""The pixels of a picture Pillow has opened, in sRGB, with all the bits Pillow can give."""

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from ganvas.image.colour import srgb_transform, to_srgb
from ganvas.image.samples import LOW_BYTES, layout, stored_16


def eight_bits(image: ImageFile, channels: int) -> np.ndarray:
    """Pixels of any mode, uint8 ``(H, W, channels)``, colours in sRGB."""
    image.load()
    if channels == 1:
        return np.asarray(image.convert("L"))[..., None]
    plain: Image.Image = image.convert("LA") if image.mode == "La" else image
    if plain.mode != "CMYK":
        plain = plain.convert("RGBA" if channels == 4 else "RGB")
    return np.asarray(to_srgb(plain))


def sixteen_bits(image: ImageFile, again: ImageFile) -> np.ndarray | None:
    """Pixels with all their 16 bits, uint16 ``(H, W, 1 | 3 | 4)``; grey with alpha has four channels.

    Args:
        image: a picture of 16 bits a sample, not loaded yet.
        again: the same file opened once more, for the low bytes of colours.

    Returns:
        None where Pillow gives no more than 8: colours that must be converted first (another profile than
        sRGB, CMYK, premultiplied alpha).
    """
    if layout(image) in LOW_BYTES and srgb_transform(image) is not None:
        return None
    array = stored_16(image, again)
    return array[..., [0, 0, 0, 1]] if array is not None and array.shape[2] == 2 else array
