"""What is done to pictures before they are restored: Pillow's codecs and kernels, none of it from training.

Every function takes and gives levels uint8 ``(H, W, 3)``.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]

KERNELS = {
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}


def reduced(picture: Picture, scale: int, kernel: str) -> Picture:
    """Smaller by a whole number, with Pillow's antialiasing."""
    height, width = picture.shape[:2]
    return np.array(Image.fromarray(picture).resize((width // scale, height // scale), KERNELS[kernel]))


def compressed(picture: Picture, chance: Generator, *, format: Literal["JPEG", "WEBP"], quality: int) -> Picture:
    """Written lossily and read again; JPEG with its usual halved colour."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format, quality=quality)
    with Image.open(file) as image:
        return np.array(image.convert("RGB"))


def noisy(picture: Picture, chance: Generator, *, sigma: float) -> Picture:
    """Gaussian noise of a standard deviation in levels, rounded and cut as a file would."""
    return np.clip(picture + chance.normal(0, sigma, picture.shape), 0, 255).round().astype(np.uint8)


def worn(picture: Picture, chance: Generator) -> Picture:
    """A scan of an old print: paler and yellowish, of visible grain, saved as JPEG."""
    paper = np.array((205.0, 190.0, 155.0))
    grain = chance.normal(0, 6, picture.shape[:2])[:, :, None]
    pale = np.clip(0.6 * picture + 0.4 * paper + grain, 0, 255).round().astype(np.uint8)
    return compressed(pale, chance, format="JPEG", quality=80)


def clean(picture: Picture, chance: Generator) -> Picture:
    """Nothing: a good picture should come back as it is."""
    return picture.copy()


DAMAGES: dict[str, Callable[[Picture, Generator], Picture]] = {
    "jpeg-10": partial(compressed, format="JPEG", quality=10),
    "jpeg-30": partial(compressed, format="JPEG", quality=30),
    "jpeg-50": partial(compressed, format="JPEG", quality=50),
    "webp-30": partial(compressed, format="WEBP", quality=30),
    "noise-15": partial(noisy, sigma=15),
    "noise-25": partial(noisy, sigma=25),
    "noise-50": partial(noisy, sigma=50),
    "clean": clean,
}
