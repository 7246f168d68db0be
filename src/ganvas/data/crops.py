"""Batches of crops from tiles, turned and mirrored, each a function of its position and draw alone."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data.batches import send
from ganvas.data.dataset import Dataset
from ganvas.data.sampler import Sampler
from ganvas.device import memory_bytes, sent
from ganvas.draw import Draw

MEMORY_SHARE = 4
"""Tiles that take no more than this part of a GPU's free memory are kept there."""


class Crops:
    """Shuffled batches of crops from some of the tiles of a data set.

    Every crop lies anywhere in its tile, is mirrored left to right by lot, and turned by lot: by quarters where it
    is square, else by half.

    Args:
        dataset: The packed tiles.
        indices: The rows to take batches from.
        size: Height and width of a crop, pixels; at most those of a tile.
        seed: Decides their order.
        device: Where batches go. Pictures travel there as bytes, a GPU with room for all tiles gets them once, and they
            become numbers there.
    """

    def __init__(
        self, dataset: Dataset, indices: NDArray[np.int64], size: tuple[int, int], seed: int, device: torch.device
    ):
        assert all(crop <= tile for crop, tile in zip(size, dataset.images.shape[1:3], strict=True))
        self._dataset, self._indices, self._size, self._device = dataset, indices, size, device
        self._sampler = Sampler(len(indices), seed)
        self._kept = torch.from_numpy(dataset.images[indices]).to(device) if self._has_room() else None

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
        spare = np.array(self._dataset.images.shape[1:3]) - self._size + 1
        known = replace(draw, device="cpu")  # so that nothing waits for the device
        places = (known.named("place").uniform(2).numpy() * spare).astype(np.int64)
        cut = send(self._read(rows, places), self._device) if self._kept is None else self._taken(drawn, places)
        levels = cut.permute(0, 3, 1, 2)
        levels = turned(levels, sent(known.named("turn").integers(8), self._device))
        images = (levels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        return {"image": images, "index": send(rows, self._device)}

    def _read(self, rows: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Crops ``(N, H, W, C)``; no more of the disk than what is shown."""
        tiles, (height, width) = self._dataset.images, self._size
        cuts = [tiles[row, y : y + height, x : x + width] for row, (y, x) in zip(rows, places, strict=True)]
        return np.stack(cuts)

    def _taken(self, kept: NDArray[np.int64], places: NDArray[np.int64]) -> Tensor:
        """The same from the tiles on the device, where nothing but places travels."""
        assert self._kept is not None
        at = send(np.concatenate([kept[:, None], places], 1), self._device)
        y, x = (at[:, axis + 1, None] + torch.arange(self._size[axis], device=self._device) for axis in (0, 1))
        return self._kept[at[:, 0, None, None], y[:, :, None], x[:, None, :]]

    def _has_room(self) -> bool:
        """Whether the device has a memory of its own with room for these tiles."""
        if self._device.type == "cpu":
            return False
        tile_bytes: int = self._dataset.images[0].nbytes
        return len(self._indices) * tile_bytes <= memory_bytes(self._device) // MEMORY_SHARE


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
