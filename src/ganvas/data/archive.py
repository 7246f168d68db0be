"""Pictures in a zip or a tar, read in place.

Nothing is unpacked by the names in the archive, so a name such as ``../../.bashrc`` can do no harm; it is
refused all the same, with encrypted members and members that unpack to absurd sizes.
"""

import bz2
import gzip
import io
import lzma
import mmap
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Generic, NamedTuple, TypeVar, cast, final

from ganvas.data.item import Item, is_bomb, is_hidden, printable, suffix_of
from ganvas.errors import DataError, FileError
from ganvas.image.decode import EXTENSIONS

M = TypeVar("M")

ARCHIVE_ERRORS = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a zip method that Python does not know
)
"""What reading a damaged archive may raise."""

INFLATERS: dict[bytes, Callable[[Path], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
"""How to read a compressed tar, by its first bytes."""


@final
class ZipArchive:
    """The pictures of a zip file. Several threads may read at once.

    Attributes:
        path: The zip file.
        items: Its pictures, in the order of their names below the first folder they do not all share.
        names: Their names.
        others: How many files of each other extension it holds.
    """

    kind = "zip"

    def __init__(self, path: Path):
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (*ARCHIVE_ERRORS, ValueError) as error:
            raise DataError(f"'{path}' cannot be read as a zip ({error}); pack it again.") from error
        infos = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        _refuse_bomb(path, sum(info.file_size for info in infos))
        listing = _arrange(path, ((info.filename, info.file_size, info) for info in infos))
        self.items, self.others = listing.items, listing.others
        self.names = tuple(item.name for item in self.items)
        self._infos, self._table = listing.members, listing.table

    def open(self, index: int) -> BinaryIO:
        """The unpacked bytes of item ``index``.

        Raises:
            FileError: The member is refused.
            OSError, zipfile.BadZipFile, NotImplementedError: The archive is damaged.
        """
        return self._open(self._infos[index])

    def open_table(self) -> BinaryIO:
        """``labels.csv`` in the root of the archive.

        Raises:
            FileNotFoundError: There is none.
        """
        if self._table is None:
            raise FileNotFoundError
        return self._open(self._table)

    def _open(self, info: zipfile.ZipInfo) -> BinaryIO:
        _refuse_escape(info.filename)
        if info.flag_bits & 1:
            raise FileError(f"'{printable(info.filename)}' is encrypted; pack the zip without a password.")
        if is_bomb(info.compress_size, info.file_size):
            raise FileError(
                f"'{printable(info.filename)}' claims to unpack from {info.compress_size} to "
                f"{info.file_size} bytes, which no picture does; remove it."
            )
        return cast(BinaryIO, self._zip.open(info))


@final
class TarArchive:
    """The pictures of a tar file, plain or compressed. Several threads may read at once.

    A compressed tar has no way in but from its start, so it is inflated once to a nameless temporary file.

    Attributes:
        path: The tar file.
        items: Its pictures, in the order of their names below the first folder they do not all share.
        names: Their names.
        others: How many files of each other extension it holds.
    """

    kind = "tar"

    def __init__(self, path: Path):
        self.path = path
        try:
            self._bytes = _mapped_tar(path)
            with tarfile.open(fileobj=self._bytes, mode="r:") as archive:
                members = [member for member in archive if member.isreg()]
        except (*ARCHIVE_ERRORS, ValueError, OverflowError) as error:
            raise DataError(f"'{path}' cannot be read as a tar ({error}); pack it again.") from error
        listing = _arrange(path, ((member.name, member.size, member) for member in members))
        self.items, self.others = listing.items, listing.others
        self.names = tuple(item.name for item in self.items)
        self._members, self._table = listing.members, listing.table

    def open(self, index: int) -> BinaryIO:
        """The bytes of item ``index``.

        Raises:
            FileError: The member is refused.
        """
        return self._open(self._members[index])

    def open_table(self) -> BinaryIO:
        """``labels.csv`` in the root of the archive.

        Raises:
            FileNotFoundError: There is none.
        """
        if self._table is None:
            raise FileNotFoundError
        return self._open(self._table)

    def _open(self, member: tarfile.TarInfo) -> BinaryIO:
        _refuse_escape(member.name)
        if member.issparse():
            raise FileError(f"'{printable(member.name)}' is stored with holes; pack without --sparse.")
        return io.BufferedReader(_Window(self._bytes, member.offset_data, member.size))


class _Listing(NamedTuple, Generic[M]):
    items: tuple[Item, ...]
    members: list[M]
    others: dict[str, int]
    table: M | None


def _arrange(path: Path, members: Iterable[tuple[str, int, M]]) -> _Listing[M]:
    """Pictures sorted by name, without the folders they all lie in; of equal names the last one counts."""
    modified_ns = path.stat().st_mtime_ns
    files: dict[PurePosixPath, tuple[int, M]] = {}
    for raw_name, size_bytes, member in members:
        name = PurePosixPath(raw_name.replace("\\", "/"))
        if not is_hidden(name.parts):
            files[name] = size_bytes, member
    pictures = [name for name in files if suffix_of(name.name) in EXTENSIONS]
    root = _shared_folder(pictures)
    depth = len(root.parts)
    named = sorted((printable(PurePosixPath(*name.parts[depth:]).as_posix()), name) for name in pictures)
    table = files.pop(root / "labels.csv", None)
    suffixes = Counter(suffix_of(name.name) for name in files)
    return _Listing(
        items=tuple(Item(shown, files[name][0], modified_ns) for shown, name in named),
        members=[files[name][1] for _, name in named],
        others={suffix: count for suffix, count in suffixes.items() if suffix not in EXTENSIONS},
        table=table[1] if table else None,
    )


def _shared_folder(names: list[PurePosixPath]) -> PurePosixPath:
    """The deepest folder that holds all names: zipping a folder puts its name before every other."""
    if not names:
        return PurePosixPath()
    low, high = min(name.parent.parts for name in names), max(name.parent.parts for name in names)
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    return PurePosixPath(*low[:shared])


def _refuse_bomb(path: Path, unpacked_bytes: int) -> None:
    packed_bytes = path.stat().st_size
    if is_bomb(packed_bytes, unpacked_bytes):
        raise DataError(
            f"'{path}' has {packed_bytes} bytes and unpacks to {unpacked_bytes} or more, which no "
            "pictures do; get it again from a source you trust."
        )


def _refuse_escape(name: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise FileError(f"'{printable(name)}' points outside of its archive; rename it and pack again.")


def _mapped_tar(path: Path) -> mmap.mmap:
    with path.open("rb") as handle, tempfile.TemporaryFile() as plain:
        start = handle.read(6)
        inflate = next((opener for magic, opener in INFLATERS.items() if start.startswith(magic)), None)
        if inflate is None:
            return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        with inflate(path) as stream:
            while block := stream.read(1 << 20):
                plain.write(block)
                _refuse_bomb(path, plain.tell())
        plain.flush()
        return mmap.mmap(plain.fileno(), 0, access=mmap.ACCESS_READ)


class _Window(io.RawIOBase):
    """A stretch of mapped bytes as a file."""

    def __init__(self, whole: mmap.mmap, start: int, size: int):
        self._whole, self._start, self._stop = whole, start, start + size
        self._position = start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._position, io.SEEK_END: self._stop}[whence]
        self._position = max(self._start, base + offset)
        return self._position - self._start

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._whole[self._position : min(self._stop, self._position + len(buffer))]
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)
