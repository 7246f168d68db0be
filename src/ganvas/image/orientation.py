"""EXIF orientation: which way up a picture is meant to be seen."""

import numpy as np
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ganvas.image.png import find_chunk


def orientation(image: ImageFile) -> int:
    """EXIF orientation, 1 to 8, of a picture whose pixels are not loaded yet.

    Unreadable EXIF means upright, as in every viewer: it spoils no pixel.
    """
    if isinstance(image, TiffImageFile):
        return 1  # Pillow turns TIFF itself, and gives the turned size
    if isinstance(image, PngImageFile) and "exif" not in image.info:
        assert image.fp is not None
        # some writers put EXIF behind the pixels, where Pillow looks only while decoding
        image.info["exif"] = find_chunk(image.fp, b"eXIf")
    try:
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation)  # PNG's own would decode the pixels
    except Exception:  # EXIF is free-form bytes, and Pillow's parser raises whatever it runs into
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror ``(H, W, C)`` by its EXIF orientation; a contiguous, writable copy."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.array(array, order="C")
