"""Pictures in a tar, read in place."""

import io
import mmap
import posixpath
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, final

from ganvas.data.archive import (
    ARCHIVE_ERRORS,
    TABLE_NAME,
    arrange,
    reason_of,
    refuse_bomb,
    refuse_escape,
)
from ganvas.data.inflate import inflater_of
from ganvas.data.item import printable, suffix_of
from ganvas.errors import DataError, FileError
from ganvas.image.decode import EXTENSIONS

MAX_LINKS = 8
"""Symbolic links followed one after the other."""


@final
class TarArchive:
    """The pictures of a tar file, plain or compressed. Several threads may read at once.

    A compressed tar has no way in but from its start, so it is inflated once to a nameless temporary file. Links
    to members of the same archive stand for them; what links to anything else is listed and cannot be read.

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
            self._bytes = _mapped(path)
            with tarfile.open(fileobj=self._bytes, mode="r:") as archive:
                members = follow_links(_in_turn(archive))
        except ARCHIVE_ERRORS as error:
            raise DataError(f"'{path}' cannot be read as a tar ({reason_of(error)}); pack it again.") from error
        listed = [member for member in members if member.file or _wants_bytes(member.named.name)]
        sizes = [member.file.size if member.file else 0 for member in listed]
        listing = arrange(path, zip((member.named.name for member in listed), sizes, listed, strict=True))
        self.items, self.others = listing.items, listing.others
        self.names = tuple(item.name for item in self.items)
        self._members, self._table = listing.members, listing.table

    def open(self, index: int) -> BinaryIO:
        """The bytes of item ``index``.

        Raises:
            FileError: The member is refused: its name leaves the archive, it is a link to no file of the archive, a
                pipe or a device, or stored with holes.
        """
        return self._open(self._members[index])

    def open_table(self) -> BinaryIO:
        """``labels.csv`` in the root of the archive.

        Raises:
            FileNotFoundError: There is none.
            FileError: As for `open`.
        """
        if self._table is None:
            raise FileNotFoundError
        return self._open(self._table)

    def _open(self, member: "Member") -> BinaryIO:
        refuse_escape(member.named.name)
        name = printable(member.named.name)
        if member.file is None and not (member.named.issym() or member.named.islnk()):
            raise FileError(f"'{name}' is a pipe or a device, not a picture; remove it.")
        if member.file is None:
            raise FileError(
                f"'{name}' is a link to '{printable(member.named.linkname)}', which is no file of this archive; pack "
                "again with --dereference."
            )
        if member.file.issparse():
            raise FileError(f"'{name}' is stored with holes; pack without --sparse.")
        return io.BufferedReader(_Window(self._bytes, member.file.offset_data, member.file.size))


class Member(NamedTuple):
    """A member that is no folder, and the regular one that has its bytes; None where the archive has none."""

    named: tarfile.TarInfo
    file: tarfile.TarInfo | None


def follow_links(members: Iterable[tarfile.TarInfo]) -> list[Member]:
    """Every member that is no folder, with the one that has its bytes.

    A hard link names what an earlier member laid down (POSIX.1-2001, pax); a symbolic link leads on from its own
    folder, over at most `MAX_LINKS` others and never out of the archive.
    """
    laid: dict[str, tarfile.TarInfo | None] = {}
    found: list[tuple[tarfile.TarInfo, str, tarfile.TarInfo | None]] = []
    for member in members:
        if not member.isdir():
            place = _plain(member.name)
            laid[place] = laid.get(_plain(member.linkname)) if member.islnk() else member
            found.append((member, place, laid[place]))
    return [Member(named, _file_behind(place, held, laid)) for named, place, held in found]


def _file_behind(
    place: str, held: tarfile.TarInfo | None, laid: dict[str, tarfile.TarInfo | None]
) -> tarfile.TarInfo | None:
    for _ in range(MAX_LINKS):
        if held is None or not held.issym():
            break
        place = _plain(posixpath.join(posixpath.dirname(place), held.linkname))
        held = None if place.startswith(("/", "../")) else laid.get(place)
    return held if held is not None and held.isreg() else None


def _plain(name: str) -> str:
    """One spelling of a path in an archive."""
    return posixpath.normpath(name.replace("\\", "/"))


def _wants_bytes(name: str) -> bool:
    """Whether a member without bytes must be named to the user: it claims to be a picture or the labels."""
    file = posixpath.basename(name)
    return suffix_of(file) in EXTENSIONS or file == TABLE_NAME


def _in_turn(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members; a size below zero would lead back to one that was there already, for ever."""
    position = -1
    for member in archive:
        if member.offset <= position:
            raise tarfile.ReadError("its members lie in a circle")
        position = member.offset
        yield member


def _mapped(path: Path) -> mmap.mmap:
    inflate = inflater_of(path)
    if inflate is None:
        with path.open("rb") as handle:
            return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    with tempfile.TemporaryFile() as plain:
        with inflate(path) as stream:
            while block := stream.read(1 << 20):
                plain.write(block)
                refuse_bomb(path, plain.tell())
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
