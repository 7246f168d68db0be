"""Which pictures a step sees: an endless shuffle without state, so that resuming needs a position alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganvas.draw import seed_of

MIN_FOR_HELDOUT = 200
MAX_HELDOUT = 2_000
FEWEST_PHOTOGRAPHS = 8
"""Each shows many things, but all in one light and by one camera."""


class Sampler:
    """Epoch after epoch, each a permutation of ``count`` items that depends on the seed and its number alone.

    Args:
        count: How many items there are.
        seed: Tells one order from another.
    """

    def __init__(self, count: int, seed: int):
        self.count = count
        self.seed = seed
        self._recent: dict[int, NDArray[np.int64]] = {}

    def indices(self, position: int, count: int) -> NDArray[np.int64]:
        """Items ``position`` to ``position + count`` of the endless sequence; may span epochs."""
        parts: list[NDArray[np.int64]] = []
        while count:
            epoch, start = divmod(position, self.count)
            part = self._epoch(epoch)[start : start + count]
            parts.append(part)
            position += len(part)
            count -= len(part)
        return np.concatenate(parts)

    def _epoch(self, number: int) -> NDArray[np.int64]:
        if number not in self._recent:
            order = np.random.default_rng(seed_of(self.seed, "epoch", number)).permutation(self.count)
            self._recent = {**dict(list(self._recent.items())[-1:]), number: order}
        return self._recent[number]


def split_heldout(count: int, seed: int, share: float = 0.05) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pictures to train on and pictures to keep aside, both sorted.

    Nothing is kept aside of fewer than 200 pictures, and never more than 2,000: enough to see overfitting.

    Args:
        count: How many pictures there are.
        seed: Decides which ones.
        share: Part of them to keep aside.
    """
    heldout = min(MAX_HELDOUT, round(share * count)) if count >= MIN_FOR_HELDOUT else 0
    order = np.random.default_rng(seed_of(seed, "heldout")).permutation(count)
    return np.sort(order[heldout:]), np.sort(order[:heldout])


def split_photographs(
    names: Sequence[str], seed: int, share: float = 0.05
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tiles to train on and tiles to keep aside, both sorted; those of one photograph are always on the same side.

    Kept aside are ``share`` of the photographs and at least `FEWEST_PHOTOGRAPHS`, but never more than a quarter.

    Args:
        names: The photograph of each tile.
        seed: Decides which photographs.
        share: Part of the photographs to keep aside.
    """
    photographs, owner = np.unique(np.array(names), return_inverse=True)
    count = len(photographs)
    heldout = min(max(round(share * count), FEWEST_PHOTOGRAPHS), count // 4)
    order = np.random.default_rng(seed_of(seed, "heldout")).permutation(count)
    aside = np.isin(owner, order[:heldout])
    return np.flatnonzero(~aside), np.flatnonzero(aside)
