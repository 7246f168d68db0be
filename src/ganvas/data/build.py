"""An entry of the cache on its way: built in a folder of its own and published by renaming it.

So half an entry is never seen, and a build that is killed leaves a folder that the next one removes.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ganvas.data.claim import claim, claimed, is_claimed
from ganvas.errors import FileError

PREFIX = ".building-"


@contextmanager
def building(root: Path, count: int, shape: tuple[int, ...]) -> Iterator["Build"]:
    """An entry on its way, gone at the end unless it was published.

    Args:
        root: The cache.
        count: How many pictures there will be at most.
        shape: ``(H, W, C)`` of each.

    Raises:
        FileError: The cache cannot be written or has too little room.
    """
    build = Build(root, count, shape)
    try:
        yield build
    finally:
        build.close()


@final
class Build:
    """Pictures written one after the other, then published under a key; see `building`."""

    def __init__(self, root: Path, count: int, shape: tuple[int, ...]):
        self._root, self._shape, self._added = root, shape, 0
        self._folder = root / f"{PREFIX}{uuid.uuid4().hex}"
        with _writing(root):
            root.mkdir(parents=True, exist_ok=True)
            _require_room(root, count * int(np.prod(shape)))
            with claimed(root / ".lock"):
                _remove_abandoned(root)
                self._folder.mkdir()
                self._claim = claim(self._folder / "lock")
            self._file = (self._folder / "images.npy").open("wb")
            self._write_header(count)

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Write the next picture, uint8 ``(H, W, C)``."""
        assert picture.shape == self._shape
        assert picture.dtype == np.uint8
        with _writing(self._root):
            self._file.write(picture.tobytes())
        self._added += 1

    def publish(self, key: str, unreadable: Sequence[tuple[int, str]], counts: Sequence[int] | None = None) -> None:
        """Make it the entry ``key``, unless another process was faster with the same one.

        Args:
            key: Form and content.
            unreadable: The pictures of the source that are missing, and why.
            counts: How many images each picture of the source has become; None for one each.
        """
        record = {"unreadable": unreadable, **({} if counts is None else {"counts": counts})}
        with _writing(self._root):
            length = self._file.tell() - self._added * int(np.prod(self._shape))
            self._file.seek(0)
            self._write_header(self._added)
            assert self._file.tell() == length  # NumPy pads a header to a multiple of 64
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            (self._folder / "record.json").write_text(json.dumps(record), "utf-8")
            with claimed(self._root / ".lock"):
                self._claim.close()
                if not (self._root / key).exists():
                    (self._folder / "lock").unlink()
                    self._folder.rename(self._root / key)

    def close(self) -> None:
        """Leave nothing behind that is not published."""
        self._file.close()
        self._claim.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_header(self, count: int) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, *self._shape)}
        npy.write_array_header_1_0(self._file, header)


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            f"The cache '{root}' cannot be written ({error}); set GANVAS_CACHE to a folder on a local disk."
        ) from error


def _require_room(root: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(root).free
    if needed_bytes > free_bytes:
        raise FileError(
            f"The packed pictures need {needed_bytes / 1e9:.1f} GB, but '{root}' has "
            f"{free_bytes / 1e9:.1f} GB free; choose a smaller --size or set GANVAS_CACHE to a larger disk."
        )


def _remove_abandoned(root: Path) -> None:
    """Remove what builds left that were killed."""
    for folder in root.glob(f"{PREFIX}*"):
        if not is_claimed(folder / "lock"):
            shutil.rmtree(folder, ignore_errors=True)
