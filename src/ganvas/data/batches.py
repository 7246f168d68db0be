"""Batches of packed pictures on the device, each a function of its position and draw alone."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data.dataset import Dataset
from ganvas.data.sampler import Sampler
from ganvas.draw import Draw


class Batches:
    """Shuffled batches from some of the pictures of a data set.

    Args:
        dataset: The packed pictures.
        indices: The rows to take batches from.
        seed: Decides their order.
        device: Where batches go. Pictures travel as bytes and become numbers there.
        mirror: Flip every second picture, drawn by lot, left to right.
    """

    def __init__(
        self,
        dataset: Dataset,
        indices: NDArray[np.int64],
        seed: int,
        device: torch.device,
        mirror: bool = False,
    ):
        self._dataset = dataset
        self._indices = indices
        self._sampler = Sampler(len(indices), seed)
        self._device = device
        self._mirror = mirror

    def at(self, position: int, draw: Draw) -> dict[str, Tensor]:
        """Rows ``draw.start`` to ``draw.stop`` of the batch of ``draw.total`` pictures at a position.

        Args:
            position: How many pictures the whole batches before this one had.
            draw: The slice of the batch that is wanted, and the randomness of its flips.

        Returns:
            ``image`` float32 ``(N, C, H, W)`` in [-1, 1], channels_last; ``index`` int64 ``(N,)``, the rows
            in the data set; ``label`` float32 ``(N, K)``, absent where pictures have no labels.
        """
        drawn = self._sampler.indices(position, draw.total)[draw.start : draw.stop]
        rows = self._indices[drawn]
        levels = send(self._dataset.images[rows], self._device).permute(0, 3, 1, 2)
        if self._mirror:
            flip = draw.named("mirror").integers(2, 1, 1, 1).to(self._device, torch.bool)
            levels = torch.where(flip, levels.flip(3), levels)
        batch = {"image": levels.float() / 127.5 - 1, "index": send(rows, self._device)}
        if self._dataset.labels.kind != "none":
            batch["label"] = send(self._dataset.labels.condition(rows), self._device)
        return batch


def send(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """An array as a tensor on the device."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
