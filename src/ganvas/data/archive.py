"""What a zip and a tar have in common: which of their members are pictures, and what is refused.

Nothing is unpacked by the names in an archive, so a name such as ``../../.bashrc`` can do no harm; it is refused all
the same, with members that unpack to absurd sizes.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Generic, NamedTuple, TypeVar

from ganvas.data.item import Item, is_bomb, is_hidden, printable, suffix_of
from ganvas.errors import DataError, FileError
from ganvas.image.decode import EXTENSIONS

M = TypeVar("M")

TABLE_NAME = "labels.csv"
"""The table of labels, in the root of a source."""

ARCHIVE_ERRORS = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,  # a name that is no UTF-8, a place before the beginning
    OverflowError,  # a place beyond what a file can have
    RuntimeError,  # what Python does not support, and headers that lie too deep inside each other
    MemoryError,  # a header that asks for more than there is
)
"""What reading a damaged archive may raise."""


class Listing(NamedTuple, Generic[M]):
    """The members of an archive that count.

    Attributes:
        items: The pictures, sorted by name.
        members: What the archive knows of each of them, in the same order.
        others: How many files of each other extension there are.
        table: The member that is ``labels.csv`` in the root.
    """

    items: tuple[Item, ...]
    members: list[M]
    others: dict[str, int]
    table: M | None


def arrange(path: Path, members: Iterable[tuple[str, int, M]]) -> Listing[M]:
    """Pictures sorted by name, without the folders all of them and every table lie in; of equal names the last counts.

    Args:
        path: The archive.
        members: Name, size in bytes when read, and whatever the archive needs to open it.
    """
    modified_ns = path.stat().st_mtime_ns
    files: dict[PurePosixPath, tuple[int, M]] = {}
    for raw_name, size_bytes, member in members:
        name = PurePosixPath(raw_name.replace("\\", "/"))
        if not is_hidden(name.parts):
            files[name] = size_bytes, member
    pictures = [name for name in files if suffix_of(name.name) in EXTENSIONS]
    root = _shared_folder([*pictures, *(name for name in files if name.name == TABLE_NAME)])
    depth = len(root.parts)
    named = sorted((printable(PurePosixPath(*name.parts[depth:]).as_posix()), name) for name in pictures)
    table = files.pop(root / TABLE_NAME, None)
    suffixes = Counter(suffix_of(name.name) for name in files)
    return Listing(
        items=tuple(Item(shown, files[name][0], modified_ns) for shown, name in named),
        members=[files[name][1] for _, name in named],
        others={suffix: count for suffix, count in suffixes.items() if suffix not in EXTENSIONS},
        table=table[1] if table else None,
    )


def refuse_bomb(path: Path, unpacked_bytes: int) -> None:
    """Refuse an archive that grows as no pictures do.

    Raises:
        DataError: It does.
    """
    packed_bytes = path.stat().st_size
    if is_bomb(packed_bytes, unpacked_bytes):
        raise DataError(
            f"'{path}' has {packed_bytes} bytes and unpacks to {unpacked_bytes} or more, which no "
            "pictures do; get it again from a source you trust."
        )


def refuse_escape(name: str) -> None:
    """Refuse the name of a member that would lie outside of where the archive is unpacked.

    Raises:
        FileError: It would.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise FileError(f"'{printable(name)}' points outside of its archive; rename it and pack again.")


def reason_of(error: BaseException) -> str:
    """What an error says, or its kind where it says nothing."""
    return str(error) or type(error).__name__


def _shared_folder(names: list[PurePosixPath]) -> PurePosixPath:
    """The deepest folder that holds all names: zipping a folder puts its name before every other."""
    if not names:
        return PurePosixPath()
    low, high = min(name.parent.parts for name in names), max(name.parent.parts for name in names)
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    return PurePosixPath(*low[:shared])
