"""Where packed pictures lie, and how they are found again.

<root>/
.lock                        held for moments: by who starts, publishes or removes an entry
<form>-<content>/            an entry; its name says what is in it
images.npy                 uint8 (N, H, W, C)
record.json                the pictures of the source that are missing, and why; how many rows each has, if cut to tiles
.building-<random>/          an entry on its way (see `ganvas.data.build`)
listings/<listing>           the content that names, sizes and times of a source stood for when last read
"""

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs
from numpy.typing import NDArray

from ganvas.data.array import read_npy
from ganvas.data.claim import claimed
from ganvas.errors import DataError, FileError
from ganvas.files import make_folder, write_bytes


class Entry(NamedTuple):
    """An entry, opened.

    Attributes:
        images: uint8 ``(N, H, W, C)``.
        unreadable: The pictures of the source that are missing, and why.
        counts: How many images each picture of the source has: one, none where it is missing, or as many as tiles.
    """

    images: NDArray[np.uint8]
    unreadable: list[tuple[int, str]]
    counts: list[int]


def default_root() -> Path:
    """The folder named by GANVAS_CACHE, or ``pictures`` in the user's cache."""
    chosen = os.environ.get("GANVAS_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("ganvas") / "pictures"


def load(root: Path, key: str, listed: int, shape: tuple[int, ...]) -> Entry | None:
    """The entry ``key`` of a source that lists so many pictures, each of ``shape``; None if there is none.

    Raises:
        FileError: It is damaged.
    """
    folder = root / key
    if not folder.is_dir():
        return None
    try:
        record = json.loads((folder / "record.json").read_text("utf-8"))
        unreadable = [(int(row), str(reason)) for row, reason in record["unreadable"]]
        lost = {row for row, _ in unreadable}
        counts = [int(count) for count in record.get("counts", [row not in lost for row in range(listed)])]
        images = read_npy(folder / "images.npy")
        size_bytes = (folder / "images.npy").stat().st_size
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise FileError(f"The packed pictures in '{folder}' are damaged ({error}).") from error
    if images.dtype != np.uint8 or len(counts) != listed or images.shape != (sum(counts), *shape):
        raise FileError(f"The packed pictures in '{folder}' are damaged (their shape is {images.shape}).")
    if size_bytes != images.offset + images.nbytes:
        raise FileError(f"The packed pictures in '{folder}' are damaged (there are {size_bytes} bytes).")
    return Entry(images, unreadable, counts)


def has_form(root: Path, form: str) -> bool:
    """Whether there is an entry of this form, whatever its content."""
    return any(root.glob(f"{form}-*"))


def remembered_content(root: Path, listing: str) -> str | None:
    """The content that a listing stood for when it was last read."""
    note = root / "listings" / listing
    return note.read_text("ascii") if note.is_file() else None


def remember_content(root: Path, listing: str, content: str) -> None:
    """Note what a listing stands for.

    Raises:
        FileError: The cache cannot be written.
    """
    make_folder(root / "listings", "set GANVAS_CACHE to another folder")
    write_bytes(root / "listings" / listing, content.encode("ascii"))


def remove(root: Path, key: str) -> None:
    """Remove an entry."""
    with claimed(root / ".lock"):
        shutil.rmtree(root / key, ignore_errors=True)
