"""Masks: what of a photograph is missing. Bool ``(H, W)``, True where it is to be filled."""

import numpy as np

from ganvas.apply.planes import has_alpha
from ganvas.errors import DataError
from ganvas.image.photo import Photo

_ROWS_AT_ONCE = 256


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
    refuse_other_size((photo.pixels.shape[0], photo.pixels.shape[1]), name, size)
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


def refuse_other_size(mask_size: tuple[int, int], name: str, size: tuple[int, int]) -> None:
    """Refuse a mask whose height and width are not those of its photograph.

    Raises:
        DataError: They are not.
    """
    if mask_size != size:
        raise DataError(
            f"The mask '{name}' has {mask_size[1]}x{mask_size[0]} pixels and its picture {size[1]}x{size[0]}; save it "
            "at the picture's size (as it is shown, after rotation)."
        )


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


def widened(mask: np.ndarray, grow_px: int, name: str) -> np.ndarray:
    """`grown`, where something of the picture is left.

    Raises:
        DataError: Nothing is; ``name`` says of what.
    """
    wide = grown(mask, grow_px)
    if wide.all():
        raise DataError(
            f"The mask '{name}', {grow_px} px wider, marks every pixel; give a smaller --grow, since something must be "
            "left to repair from."
        )
    return wide


def hidden(mask: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """What of pixels ``(H, W, C)`` shows nothing: a hole, or fully transparent. Bool ``(H, W)``."""
    return mask | (pixels[..., -1] == 0) if has_alpha(pixels) else mask


def unseen(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """What of a mask has nothing but mask in the square of so many pixels around it: bool ``(H, W)``."""
    known = ~mask
    _spread_(known, radius_px)
    _spread_(known.T, radius_px)
    return ~known


def depth_px(hole: np.ndarray) -> np.ndarray:
    """How many steps along rows and columns each pixel of bool ``(H, W)`` is from what is not marked, float32."""
    far: np.ndarray = np.where(hole, np.float32(sum(hole.shape)), np.float32(0))
    for axis in (0, 1):
        way = np.expand_dims(np.arange(hole.shape[axis], dtype=np.float32), 1 - axis)
        back = np.flip(np.minimum.accumulate(np.flip(far + way, axis), axis), axis) - way
        far = np.minimum(np.minimum.accumulate(far - way, axis) + way, back)
    return far


def boxes(mask: np.ndarray, apart_px: int) -> list[tuple[slice, slice]]:
    """Rows and columns of what a mask marks, in groups: what lies farther apart than twice ``apart_px`` is in two.

    Two boxes may overlap; what is marked in one may belong to the other.
    """
    tops, lefts = (np.arange(0, side, apart_px) for side in mask.shape)
    cells = np.logical_or.reduceat(np.logical_or.reduceat(mask, tops, 0), lefts, 1) if mask.size else mask
    left = {(int(row), int(column)) for row, column in np.argwhere(cells)}
    found = []
    while left:
        group = [left.pop()]
        for row, column in group:
            near = {(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)} & left
            left -= near
            group += sorted(near)
        spans = [slice(min(at) * apart_px, (max(at) + 1) * apart_px) for at in zip(*group, strict=True)]
        rows, columns = (
            slice(span.start + int(at.min()), span.start + int(at.max()) + 1)
            for span, at in zip(spans, mask[spans[0], spans[1]].nonzero(), strict=True)
        )
        found.append((rows, columns))
    return sorted(found, key=lambda box: (box[0].start, box[1].start))


def mask_pixels(mask: np.ndarray) -> np.ndarray:
    """The mask as a picture, uint8 ``(H, W, 1)``: 255 is to be filled."""
    return mask.astype(np.uint8)[..., None] * np.uint8(255)


def _spread_(marked: np.ndarray, radius_px: int) -> None:
    """Widen bool ``(H, W)`` along its rows, in place: by running sums, so that the radius costs nothing."""
    width = marked.shape[1]
    if width == 0:
        return
    right = np.minimum(np.arange(width) + radius_px + 1, width)
    left = np.maximum(np.arange(width) - radius_px, 0)
    for top in range(0, len(marked), _ROWS_AT_ONCE):
        rows = marked[top : top + _ROWS_AT_ONCE]
        sums = np.zeros((len(rows), width + 1), np.int32)
        np.cumsum(rows, axis=1, out=sums[:, 1:])
        rows[...] = sums[:, right] > sums[:, left]


def _grey(pixels: np.ndarray) -> np.ndarray:
    """The mean of the colours, as whole numbers: uint32 ``(H, W)``."""
    colours = pixels.shape[2] - int(has_alpha(pixels))
    total: np.ndarray = pixels[..., 0].astype(np.uint32)
    for channel in range(1, colours):
        total += pixels[..., channel]
    total //= colours
    return total
