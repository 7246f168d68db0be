"""A mask as a file that any editor opens, and that tells whether one changed it."""

import hashlib
from pathlib import Path

import numpy as np

from ganvas.errors import GanvasError
from ganvas.image.metadata import Metadata
from ganvas.image.provenance import read_mark, xmp_packet
from ganvas.image.read_photo import read_photo
from ganvas.image.write_photo import writing_photo

HASH = "mask_sha256"
"""What the recipe in a mask's file calls the hash of its pixels."""


def write_mask(path: Path, levels: np.ndarray) -> None:
    """Write uint8 ``(H, W, 1)`` as a grey PNG, with the hash of its pixels.

    Raises:
        FileError: It cannot be written.
    """
    none = Metadata(icc=None, exif=None, dpi=None)
    size, xmp = (levels.shape[0], levels.shape[1]), xmp_packet(None, {HASH: _hash(levels)})
    with writing_photo(path, format="png", size=size, channels=1, bits=8, metadata=none, xmp=xmp) as write:
        write(levels)


def is_as_written(path: Path) -> bool:
    """Whether a file is a mask that `write_mask` wrote, and no pixel of it was changed since."""
    try:
        data = path.read_bytes()
        mark = read_mark(data, str(path))
        told = (mark.recipe if mark is not None else None) or {}
        return told.get(HASH) == _hash(read_photo(data, str(path)).pixels)
    except (GanvasError, OSError):
        return False


def _hash(levels: np.ndarray) -> str:
    return hashlib.sha256(repr(levels.shape).encode() + np.ascontiguousarray(levels).tobytes()).hexdigest()
