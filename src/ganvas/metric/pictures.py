"""Sets of pictures to be measured: files as they are, or packed to one form."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganvas.data.dataset import Dataset
from ganvas.data.item import Unreadable
from ganvas.data.parallel import in_order
from ganvas.data.source import Source, read_item
from ganvas.errors import FileError
from ganvas.image.convert import to_uint8
from ganvas.image.decode import decode

Picture = NDArray[np.uint8]
T = TypeVar("T")


class PictureSet(Protocol):
    """Pictures in a fixed order."""

    @property
    def key(self) -> str:
        """Tells this content from every other; results of the same key may be reused."""

    @property
    def names(self) -> tuple[str, ...]:
        """What each picture is called."""

    def each(self, work: Callable[[Picture], T]) -> Iterator[T | Unreadable]:
        """``work`` of every picture, uint8 ``(H, W, C)``, in order; or why there is no picture."""

    def read(self, row: int) -> Picture:
        """One picture again, to be shown."""


@dataclass(frozen=True)
class FilePictures:
    """Pictures as their files hold them, each of its own size."""

    source: Source
    key: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return self.source.names

    def each(self, work: Callable[[Picture], T]) -> Iterator[T | Unreadable]:
        """Decoded in threads, one a core."""

        def decoded(row: int) -> T | Unreadable:
            try:
                return work(self.read(row))
            except FileError as error:
                return Unreadable(self.names[row], str(error))

        return in_order(decoded, len(self.names))

    def read(self, row: int) -> Picture:
        """One picture.

        Raises:
            FileError: It cannot be read.
        """
        data = read_item(self.source, row)
        return to_uint8(decode(data, self.names[row]) if isinstance(data, bytes) else data)


@dataclass(frozen=True)
class PackedPictures:
    """Pictures in the form a model was trained on."""

    dataset: Dataset
    rows: tuple[int, ...] | None = None
    """Some of the pictures; None for all."""

    @property
    def key(self) -> str:
        """Content and form, and which of them."""
        if self.rows is None:
            return self.dataset.key
        return f"{self.dataset.key}-{hashlib.sha256(np.array(self.rows, np.int64).tobytes()).hexdigest()[:16]}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return self.dataset.names if self.rows is None else tuple(self.dataset.names[row] for row in self.rows)

    def each(self, work: Callable[[Picture], T]) -> Iterator[T | Unreadable]:
        """Read in threads, one a core."""
        return in_order(lambda row: work(self.read(row)), len(self.names))

    def read(self, row: int) -> Picture:
        """One picture."""
        return np.ascontiguousarray(self.dataset.images[row if self.rows is None else self.rows[row]])
