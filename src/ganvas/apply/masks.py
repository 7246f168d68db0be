"""Masks: what of a photograph is missing. Bool ``(H, W)``, True where it is to be filled."""

import numpy as np

from ganvas.apply.planes import has_alpha
from ganvas.errors import DataError
from ganvas.image.photo import Photo


def mask_of(photo: Photo, name: str, size: tuple[int, int]) -> np.ndarray:
    """The mask a picture file holds: white, at least half, is to be filled.

    Of a picture with transparency, what is white and opaque; where all that is opaque has one colour, as in a layer
    that was painted on by itself, what is opaque.

    Args:
        photo: The mask's own file, of any kind.
        name: What to call it in an error.
        size: Height and width of the photograph.

    Raises:
        DataError: It is of another size, or marks every pixel.
    """
    height, width, _ = photo.pixels.shape
    if (height, width) != size:
        raise DataError(
            f"The mask '{name}' has {width}x{height} pixels and its picture {size[1]}x{size[0]}; save it at the "
            "picture's size (as it is shown, after rotation)."
        )
    top = np.iinfo(photo.pixels.dtype).max
    marked = _grey(photo.pixels) * 2 > top
    if has_alpha(photo.pixels):
        alpha = photo.pixels[..., -1]
        opaque = alpha > top // 2
        if not opaque.all() and (marked[opaque].all() or not marked[opaque].any()):
            marked = opaque
        else:
            marked &= opaque
    if marked.all():
        raise DataError(f"The mask '{name}' marks every pixel; leave something of the picture to repair it from.")
    return marked


def grown(mask: np.ndarray, grow_px: int) -> np.ndarray:
    """The mask, wider by so many pixels to each side: an octagon, by squares and crosses in turn."""
    for step in range(grow_px):
        tall = mask.copy()
        tall[1:] |= mask[:-1]
        tall[:-1] |= mask[1:]
        wide = tall if step % 2 == 0 else mask
        both = tall.copy()
        both[:, 1:] |= wide[:, :-1]
        both[:, :-1] |= wide[:, 1:]
        mask = both
    return mask


def mask_pixels(mask: np.ndarray) -> np.ndarray:
    """The mask as a picture, uint8 ``(H, W, 1)``: 255 is to be filled."""
    return mask.astype(np.uint8)[..., None] * np.uint8(255)


def _grey(pixels: np.ndarray) -> np.ndarray:
    """The mean of the colours, as whole numbers: uint32 ``(H, W)``."""
    colours = pixels.shape[2] - int(has_alpha(pixels))
    total: np.ndarray = pixels[..., 0].astype(np.uint32)
    for channel in range(1, colours):
        total += pixels[..., channel]
    total //= colours
    return total
