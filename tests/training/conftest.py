import gzip
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

DEMO = Path(__file__).parents[2] / "demo" / "fashion-mnist"
COUNT = 256


class Clothes(NamedTuple):
    """Real pictures: images (12000, 1, 28, 28) in [-1, 1] and labels (12000,), 1,200 of each of ten classes."""

    images: Tensor
    labels: Tensor


@pytest.fixture(scope="session")
def clothes() -> Clothes:
    """The demo's pictures, read by hand so that these tests stand without the data room."""
    pixels = np.frombuffer(gzip.decompress((DEMO / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((DEMO / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    images = torch.tensor(pixels.reshape(-1, 1, 28, 28)).float() / 127.5 - 1
    return Clothes(images, torch.tensor(labels))


@pytest.fixture
def draw(clothes: Clothes) -> Callable[..., Tensor]:
    """Pictures nobody has drawn before, of all classes or some."""
    generator = torch.Generator().manual_seed(0)

    def some(count: int = COUNT, classes: range = range(10)) -> Tensor:
        allowed = torch.isin(clothes.labels, torch.tensor(list(classes))).nonzero()[:, 0]
        return clothes.images[allowed[torch.randperm(len(allowed), generator=generator)[:count]]]

    return some
