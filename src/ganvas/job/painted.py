"""The pictures a model paints, as a set to be measured."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ganvas.data.item import Unreadable
from ganvas.data.labels import Labels
from ganvas.draw import seed_of
from ganvas.errors import DataError
from ganvas.metric.pictures import Picture
from ganvas.model.model import Model
from ganvas.tensors import to_levels

T = TypeVar("T")


@dataclass(frozen=True)
class PaintedPictures:
    """One picture a seed, rounded to 256 levels as files are.

    Attributes:
        model: What paints.
        model_key: Tells the model from others.
        seeds: One a picture.
        conditions: Labels to paint under, ``(N, K)``; ``(N, 0)`` for a model without labels.
        batch: Pictures painted at once.
    """

    model: Model
    model_key: str
    seeds: Sequence[int]
    conditions: NDArray[np.float32]
    batch: int = 64

    @property
    def key(self) -> str:
        """Model, seeds and labels."""
        asked = np.array(self.seeds, np.int64).tobytes() + self.conditions.tobytes()
        return f"{self.model_key}-{hashlib.sha256(asked).hexdigest()[:16]}"

    @property
    def names(self) -> tuple[str, ...]:
        """The seeds, as `ganvas sample` names its files."""
        return tuple(f"seed-{seed:06d}" for seed in self.seeds)

    def each(self, work: Callable[[Picture], T]) -> Iterator[T | Unreadable]:
        """Painted in batches."""
        for start in range(0, len(self.seeds), self.batch):
            for picture in self._paint(slice(start, start + self.batch)):
                yield work(picture)

    def read(self, row: int) -> Picture:
        """One picture, painted again."""
        picture: Picture = self._paint(slice(row, row + 1))[0]
        return picture

    def _paint(self, rows: slice) -> NDArray[np.uint8]:
        condition = torch.from_numpy(self.conditions[rows]) if self.conditions.shape[1] else None
        return to_levels(self.model.paint(self.seeds[rows], condition, batch=self.batch))


def painted_like(model: Model, key: str, labels: Labels, count: int, first_seed: int) -> PaintedPictures:
    """As many pictures as asked for, under labels drawn from those of the reals.

    A score compares two sets; a generator that is asked for each class equally often would be blamed for the
    shares of the classes in the data.

    Args:
        model: What paints.
        key: Tells the model from others.
        labels: Those of the reals.
        count: Pictures to paint.
        first_seed: Seeds are this one and those after it.

    Raises:
        DataError: The reals have other labels than the model knows.
    """
    seeds = range(first_seed, first_seed + count)
    known = model.descriptor.labels
    if known.kind == "none":
        return PaintedPictures(model, key, seeds, np.zeros((count, 0), np.float32))
    if (labels.kind, labels.names) != (known.kind, known.names):
        own = f"{labels.kind} labels ({', '.join(labels.names[:8])})" if labels.names else "no labels"
        raise DataError(
            f"The reals have {own}, but the model was trained with {known.kind} labels ({', '.join(known.names[:8])}); "
            "give the pictures it was trained on as --data."
        )
    rows = np.array([seed_of(seed, "label of a real") % len(labels.values) for seed in seeds], np.int64)
    if known.kind == "class":
        return PaintedPictures(model, key, seeds, labels.condition(rows))
    mean, std = np.array(known.mean), np.array(known.std)  # the model's own: the reals may be others than it learned
    scaled = (labels.values[rows] - mean) / std
    return PaintedPictures(model, key, seeds, scaled.astype(np.float32))
