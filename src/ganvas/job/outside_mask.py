"""The promise of a repair, kept by looking: outside the mask the written file has the photograph's own pixels."""

from pathlib import Path

import numpy as np

from ganvas.apply.paint import to_depth
from ganvas.apply.receipt import Change
from ganvas.errors import FileError
from ganvas.image.convert import with_grey_repeated
from ganvas.image.photo import Photo
from ganvas.image.read_photo import read_photo
from ganvas.job.photo_format import Target

_ROWS_AT_ONCE = 512


def verified_outside(photo: Photo, mask: np.ndarray, target: Target, written: Path) -> Change:
    """What `outside_change` finds in the file that is to become the target.

    Raises:
        FileError: It is anything, although the format loses nothing, or the file cannot be read back; whoever writes
            it keeps it from getting its name.
    """
    way_out = "and was not kept; see that the disk is sound, and run the same command again."
    try:
        change = outside_change(photo, mask, written)
    except FileError as error:
        reason = str(error.__cause__ or error).rstrip(".")  # the sentence itself names a file that is not left
        raise FileError(
            f"'{target.path}' could not be read back ({reason}), and was not kept; run the same command again, or with "
            "another --format."
        ) from error
    rounding = 0.5 if target.dtype != photo.pixels.dtype else 0.0
    if target.quality is None and change.max_levels > rounding:
        raise FileError(
            f"'{target.path}' came back with up to {change.max_levels:g} levels of difference outside the mask, "
            f"{way_out}"
        )
    return change


def outside_change(photo: Photo, mask: np.ndarray, written: Path) -> Change:
    """How pixels outside the mask differ between a photograph and a file, which is read again, in the file's levels.

    They are compared at the finer depth: a photograph of 16 bits in a file of 8 is off by up to half a level.

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
    finer = np.promote_types(before.dtype, again.dtype)
    largest, total, count = 0, 0, 0
    for top in range(0, len(before), _ROWS_AT_ONCE):
        part = slice(top, top + _ROWS_AT_ONCE)
        kept = ~mask[part]
        old = with_grey_repeated(to_depth(before[part], finer)[kept], again.shape[2])
        difference = np.abs(old.astype(np.int32) - to_depth(again[part], finer)[kept].astype(np.int32))
        largest = max(largest, int(difference.max(initial=0)))
        total += int(difference.sum())
        count += difference.size
    a_level = np.iinfo(finer).max // np.iinfo(again.dtype).max
    return Change(largest / a_level, total / a_level / max(count, 1))
