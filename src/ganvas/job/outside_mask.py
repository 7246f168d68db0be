"""The promise of a repair, kept by looking: outside the mask the written file has the photograph's own pixels."""

from contextlib import suppress
from pathlib import Path

import numpy as np

from ganvas.apply.paint import to_depth
from ganvas.apply.receipt import Change
from ganvas.errors import FileError
from ganvas.image.photo import Photo
from ganvas.image.read_photo import read_photo
from ganvas.job.photo_format import Target

_ROWS_AT_ONCE = 512


def verified_outside(photo: Photo, mask: np.ndarray, target: Target) -> Change:
    """What `outside_change` finds in a file that was just written.

    Raises:
        FileError: It is anything, although the format loses nothing; the file is removed.
    """
    change = outside_change(photo, mask, target.path)
    if target.quality is None and change.max_levels > 0:
        with suppress(OSError):
            target.path.unlink()
        raise FileError(
            f"'{target.path}' came back with up to {change.max_levels:g} levels of difference outside the mask, and "
            "was removed; see that the disk is sound, and run the same command again."
        )
    return change


def outside_change(photo: Photo, mask: np.ndarray, written: Path) -> Change:
    """How pixels outside the mask differ between a photograph and a file, which is read again, in the file's levels.

    Raises:
        FileError: The file cannot be read back, or has another size.
    """
    try:
        data = written.read_bytes()
    except OSError as error:
        raise FileError(f"Cannot read '{written}' again ({error.strerror or error}) to compare it.") from error
    again = read_photo(data, str(written)).pixels
    del data
    before = photo.pixels
    if again.shape[:2] != before.shape[:2]:
        raise FileError(f"'{written}' came back with another size; the disk or another program changed it.")
    largest, total, count = 0, 0, 0
    for top in range(0, len(before), _ROWS_AT_ONCE):
        part = slice(top, top + _ROWS_AT_ONCE)
        kept = ~mask[part]
        old = _as_channels(to_depth(before[part], again.dtype)[kept], again.shape[2])
        difference = np.abs(old.astype(np.int32) - again[part][kept].astype(np.int32))
        largest = max(largest, int(difference.max(initial=0)))
        total += int(difference.sum())
        count += difference.size
    return Change(largest, total / max(count, 1))


def _as_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Pixels ``(N, C)`` as a format stores them that has no grey: WebP repeats it."""
    if pixels.shape[1] == channels:
        return pixels
    colours = np.repeat(pixels[:, :1], 3, axis=1)
    return colours if channels == 3 else np.concatenate([colours, pixels[:, -1:]], axis=1)
