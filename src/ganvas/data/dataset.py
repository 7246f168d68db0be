"""Packed pictures, ready to be trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganvas.data.item import Unreadable
from ganvas.data.labels import Labels


@dataclass(frozen=True)
class Dataset:
    """N pictures of one size, or N tiles of photographs.

    Attributes:
        images: uint8 ``(N, H, W, C)``, mapped read-only from the cache.
        labels: Their labels, row for row.
        names: Their names, sorted. Tiles have the name of their photograph, one beside the other.
        unreadable: The pictures that are missing because they could not be read or are too small, and why.
        key: Tells this content, size, fit and number of channels from every other.
    """

    images: NDArray[np.uint8]
    labels: Labels
    names: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    key: str

    @property
    def picture_count(self) -> int:
        """How many pictures they come from: N, or fewer photographs than tiles."""
        return len(set(self.names))

    def __len__(self) -> int:
        return len(self.images)
