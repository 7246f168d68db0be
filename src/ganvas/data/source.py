"""What pictures can come from: a folder, a zip, a tar, an idx file or a ``.npy``."""

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganvas.data.archive import ARCHIVE_ERRORS, reason_of
from ganvas.data.array import IDX_UINT8, ArrayFile
from ganvas.data.folder import Folder
from ganvas.data.inflate import inflater_of
from ganvas.data.item import MAX_ITEM_BYTES, Item, suffix_of
from ganvas.data.tar import TarArchive
from ganvas.data.zip import ZipArchive
from ganvas.errors import DataError, FileError
from ganvas.image.decode import EXTENSIONS, Facts, probe

FileSource: TypeAlias = Folder | ZipArchive | TarArchive
Source: TypeAlias = FileSource | ArrayFile

ARRAY_NAME = r"(images[-.]idx[34]-ubyte(\.gz)?|(?<!\.labels)\.npy)$"
"""What a file with all pictures in it is called, its labels left aside."""

SETTLED_NS = 2_000_000_000
"""The coarsest clock of a file system in use (FAT)."""


def open_source(path: Path) -> Source:
    """The pictures at ``path``; what a file holds is told by its first bytes, not by its name.

    Raises:
        DataError: There is nothing at the path, or no pictures in it, or it is something else.
    """
    if not path.exists():
        raise DataError(f"There is nothing at '{path}'; check the path.")
    try:
        source = _open_folder(path) if path.is_dir() else _open_file(path)
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error}); see that you may read it.") from error
    if not source.names:
        readable = ", ".join(sorted(suffix.removeprefix(".") for suffix in EXTENSIONS))
        raise DataError(f"There are no pictures in '{path}'{_found_instead(source)}; ganvas reads {readable}.")
    return source


def read_item(source: Source, index: int) -> bytes | NDArray[np.uint8]:
    """Picture ``index`` as it is stored: a whole file, or uint8 ``(H, W, C)`` where the source is an array.

    Raises:
        FileError: It cannot be read, or is larger than `MAX_ITEM_BYTES`.
    """
    if isinstance(source, ArrayFile):
        return np.ascontiguousarray(source.pictures[index])
    with _reading(source, index) as stream:
        return stream.read()


def digest_of(data: bytes | NDArray[np.uint8]) -> bytes:
    """SHA-256 of a picture as it is stored."""
    return hashlib.sha256(data if isinstance(data, bytes) else data.data).digest()


def probe_item(source: FileSource, index: int) -> Facts:
    """What the header of picture file ``index`` says.

    Raises:
        FileError: It cannot be read, is larger than `MAX_ITEM_BYTES`, or is no picture.
    """
    with _reading(source, index) as stream:
        return probe(stream, source.items[index].name)


def listing_of(source: Source) -> str | None:
    """A digest of names, sizes and times of writing: equal as long as nobody touched the source.

    None while a file is so young that it may be written again without a change of its time.
    """
    if isinstance(source, ArrayFile):
        facts = source.path.stat()
        items: tuple[Item, ...] = (Item(source.path.name, facts.st_size, facts.st_mtime_ns),)
    else:
        items = source.items
    if time.time_ns() - max(item.modified_ns for item in items) < SETTLED_NS:
        return None
    digest = hashlib.sha256(str(source.path.resolve()).encode("utf-8", "surrogateescape"))
    for item in items:
        digest.update(f"{item.name}\0{item.size_bytes}:{item.modified_ns}\n".encode())
    return digest.hexdigest()


@contextmanager
def _reading(source: FileSource, index: int) -> Iterator[BinaryIO]:
    item = source.items[index]
    if item.size_bytes > MAX_ITEM_BYTES:
        raise FileError(f"'{item.name}' has {item.size_bytes} bytes; the most is {MAX_ITEM_BYTES}, so shrink it.")
    try:
        with source.open(index) as stream:
            yield stream
    except ARCHIVE_ERRORS as error:
        raise FileError(f"'{item.name}' cannot be read ({reason_of(error)}).") from error


def _open_folder(path: Path) -> Source:
    """The pictures below a folder, or the one array of pictures it holds in their place."""
    folder = Folder(path)
    if folder.names:
        return folder
    arrays = sorted(file for file in path.iterdir() if re.search(ARRAY_NAME, file.name))
    return _open_file(arrays[0]) if len(arrays) == 1 else folder


def _open_file(path: Path) -> Source:
    if not path.is_file():
        raise DataError(f"'{path}' is neither a folder nor a file; check the path.")
    if suffix_of(path.name) in EXTENSIONS:
        raise DataError(f"'{path}' is a single picture; give the folder it lies in.")
    start = _first_bytes(path)
    if start.startswith(b"PK"):
        return ZipArchive(path)
    if start.startswith(b"\x93NUMPY"):
        return ArrayFile(path, "npy")
    if start.startswith(IDX_UINT8):
        return ArrayFile(path, "idx")
    if start[257:262] == b"ustar" or ".tar" in Path(path.name).suffixes:
        return TarArchive(path)
    raise DataError(f"'{path}' is not a folder, zip, tar, idx or .npy file; ganvas takes one of these.")


def _first_bytes(path: Path) -> bytes:
    """The first 512 bytes, after unpacking where the file is compressed."""
    inflate = inflater_of(path)
    try:
        with inflate(path) if inflate else path.open("rb") as stream:
            return stream.read(512)
    except ARCHIVE_ERRORS as error:
        raise DataError(f"'{path}' cannot be read ({reason_of(error)}); get or pack it again.") from error


def _found_instead(source: Source) -> str:
    if isinstance(source, ArrayFile) or not source.others:
        return ""
    counts = sorted(source.others.items(), key=lambda pair: -pair[1])
    return ", only other files (" + ", ".join(f"{count} {suffix or 'nameless'}" for suffix, count in counts[:3]) + ")"
