"""Pictures with edges, texture and smooth parts, as photographs have them; the same at every call."""

import numpy as np
import torch
from numpy.typing import NDArray

from ganvas.tensors import Images


def scene(seed: int, height: int = 96, width: int = 120) -> NDArray[np.uint8]:
    """A sky, a few discs and bars with sharp edges, a patch of texture, a little grain: uint8 ``(H, W, 3)``."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    picture = np.stack([chance.uniform(60, 190) + chance.uniform(-60, 60) * x + chance.uniform(-60, 60) * y] * 3, 2)
    for _ in range(7):
        colour, (cy, cx, radius) = chance.uniform(0, 255, 3), chance.uniform(0, 1, 3)
        disc = (y - cy) ** 2 + (x - cx) ** 2 < (0.05 + 0.2 * radius) ** 2
        bar = np.abs((x - cx) * np.cos(6 * radius) + (y - cy) * np.sin(6 * radius)) < 0.03
        picture[disc if chance.uniform() < 0.6 else bar] = colour
    waves = 25 * np.sin(140 * x + 6 * np.sin(9 * y)) * (x > 0.5) * (y > 0.4)
    levels = np.clip(picture + waves[..., None] + chance.normal(0, 2, picture.shape), 0, 255)
    rounded: NDArray[np.uint8] = levels.round().astype(np.uint8)
    return rounded


def scenes(count: int, height: int = 64, width: int = 64, seed: int = 0) -> Images:
    """Several of them as images ``(N, 3, H, W)`` in [-1, 1]."""
    levels = np.stack([scene(seed + row, height, width) for row in range(count)])
    return torch.from_numpy(levels).permute(0, 3, 1, 2).float() / 127.5 - 1
