"""A mask as a file that any editor opens."""

from pathlib import Path

import numpy as np

from ganvas.image.metadata import Metadata
from ganvas.image.write_photo import writing_photo


def write_mask(path: Path, levels: np.ndarray) -> None:
    """Write uint8 ``(H, W, 1)`` as a grey PNG.

    Raises:
        FileError: It cannot be written.
    """
    none = Metadata(icc=None, exif=None, dpi=None)
    size = (levels.shape[0], levels.shape[1])
    with writing_photo(path, format="png", size=size, channels=1, bits=8, metadata=none, xmp=None) as write:
        write(levels)
