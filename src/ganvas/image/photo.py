"""A photograph as its file has it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ganvas.image.metadata import Metadata
from ganvas.image.provenance import SourceType

SourceFormat = Literal["png", "jpeg", "webp", "tiff", "bmp"]


@dataclass(frozen=True)
class Photo:
    """Pixels with the file's own numbers: no colour is converted, no bit is lost.

    Pixels are uint8 or uint16 ``(H, W, C)`` and upright (EXIF rotation is applied); C is 1 for grey, 2 for grey with
    alpha, 3 for RGB, 4 for RGBA. `lossy` says that the file's compression changes pixels (JPEG, lossy WebP); `palette`
    that the file had a palette, which the pixels no longer have. `source_type` is the mark of a model's work that
    the file bears, or None.
    """

    pixels: np.ndarray
    format: SourceFormat
    lossy: bool
    palette: bool
    metadata: Metadata
    source_type: SourceType | None = None
