"""Batches of crops from tiles, turned and mirrored, each a function of its position and draw alone."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data.batches import send
from ganvas.data.dataset import Dataset
from ganvas.data.sampler import Sampler
from ganvas.draw import Draw


class Crops:
    """Shuffled batches of crops from some of the tiles of a data set.

    Every crop lies anywhere in its tile, is mirrored left to right by lot, and turned by lot: by quarters where it
    is square, else by half.

    Args:
        dataset: The packed tiles.
        indices: The rows to take batches from.
        size: Height and width of a crop, pixels; at most those of a tile.
        seed: Decides their order.
        device: Where batches go. Pictures travel as bytes and become numbers there.
    """

    def __init__(
        self, dataset: Dataset, indices: NDArray[np.int64], size: tuple[int, int], seed: int, device: torch.device
    ):
        assert all(crop <= tile for crop, tile in zip(size, dataset.images.shape[1:3], strict=True))
        self._dataset, self._indices, self._size, self._device = dataset, indices, size, device
        self._sampler = Sampler(len(indices), seed)

    def at(self, position: int, draw: Draw) -> dict[str, Tensor]:
        """Rows ``draw.start`` to ``draw.stop`` of the batch of ``draw.total`` crops at a position.

        Args:
            position: How many crops the whole batches before this one had.
            draw: The slice of the batch that is wanted, and the randomness of places, mirrors and turns.

        Returns:
            ``image`` float32 ``(N, C, H, W)`` in [-1, 1], channels_last; ``index`` int64 ``(N,)``, the rows in the
            data set.
        """
        drawn = self._sampler.indices(position, draw.total)[draw.start : draw.stop]
        rows = self._indices[drawn]
        levels = send(self._cut(rows, draw.named("place")), self._device).permute(0, 3, 1, 2)
        levels = turned(levels, draw.named("turn").integers(8).to(self._device))
        images = (levels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        return {"image": images, "index": send(rows, self._device)}

    def _cut(self, rows: NDArray[np.int64], draw: Draw) -> NDArray[np.uint8]:
        """Read from the disk no more than what is shown."""
        tiles, (height, width) = self._dataset.images, self._size
        spare = np.array(tiles.shape[1:3]) - self._size + 1
        places = (draw.uniform(2).cpu().numpy() * spare).astype(np.int64)
        cuts = [tiles[row, y : y + height, x : x + width] for row, (y, x) in zip(rows, places, strict=True)]
        return np.stack(cuts)


def turned(images: Tensor, ways: Tensor) -> Tensor:
    """Each picture in one of the eight ways a square lies on itself; of the four ways of an oblong that keep its shape.

    Args:
        images: ``(N, C, H, W)``.
        ways: 0 to 7, int64 ``(N,)``: 1 mirrors, 2 turns upside down, 4 exchanges rows and columns of a square.
    """

    def where(bit: int, other: Tensor) -> Tensor:
        return torch.where((ways & bit).bool().view(-1, 1, 1, 1), other, images)

    images = where(1, images.flip(3))
    images = where(2, images.flip(2))
    return where(4, images.mT) if images.shape[2] == images.shape[3] else images
