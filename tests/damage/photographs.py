"""Crops of real photographs, those that scikit-image carries."""

import pytest
import torch
from torch import Tensor

PLACES = ((20, 160), (120, 40), (0, 0), (60, 250), (150, 90), (170, 220))


def photographs(count: int, size: tuple[int, int] = (64, 64)) -> Tensor:
    """RGB ``(count, 3, *size)`` in [-1, 1]: sides of at most 128."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    whole = [torch.tensor(picture()) for picture in (data.astronaut, data.chelsea, data.coffee)]
    crops = []
    for number in range(count):
        top, left = PLACES[number % len(PLACES)]
        crops.append(whole[number % len(whole)][top : top + size[0], left : left + size[1]])
    return torch.stack(crops).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
