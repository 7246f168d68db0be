"""Pictures in a zip, read in place."""

import io
import zipfile
from pathlib import Path
from typing import IO, BinaryIO, final

from ganvas.data.archive import ARCHIVE_ERRORS, arrange, reason_of, refuse_bomb, refuse_escape
from ganvas.data.item import is_bomb, printable
from ganvas.errors import DataError, FileError

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What is read: all that packers write unless told otherwise, and all that Python inflates in bounded steps."""

BLOCK_BYTES = 1 << 16
"""The most that is inflated at once."""


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
        except ARCHIVE_ERRORS as error:
            raise DataError(f"'{path}' cannot be read as a zip ({reason_of(error)}); pack it again.") from error
        infos = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        refuse_bomb(path, sum(info.file_size for info in infos))
        listing = arrange(path, ((info.filename, info.file_size, info) for info in infos))
        self.items, self.others = listing.items, listing.others
        self.names = tuple(item.name for item in self.items)
        self._infos, self._table = listing.members, listing.table

    def open(self, index: int) -> BinaryIO:
        """The unpacked bytes of item ``index``, no more of them than the directory says.

        Raises:
            FileError: The member is refused: its name leaves the archive, it is encrypted, packed by another
                method than `METHODS`, or claims an absurd size.
            OSError, ValueError, RuntimeError, zipfile.BadZipFile: The archive is damaged.
        """
        return self._open(self._infos[index])

    def open_table(self) -> BinaryIO:
        """``labels.csv`` in the root of the archive.

        Raises:
            FileNotFoundError: There is none.
            FileError, OSError, ValueError, RuntimeError, zipfile.BadZipFile: As for `open`.
        """
        if self._table is None:
            raise FileNotFoundError
        return self._open(self._table)

    def _open(self, info: zipfile.ZipInfo) -> BinaryIO:
        refuse_escape(info.filename)
        name = printable(info.filename)
        if info.flag_bits & 1:
            raise FileError(f"'{name}' is encrypted; pack the zip without a password.")
        if info.compress_type not in METHODS:
            raise FileError(f"'{name}' is packed by method {info.compress_type}; pack the zip with plain deflate.")
        if is_bomb(info.compress_size, info.file_size):
            raise FileError(
                f"'{name}' claims to unpack from {info.compress_size} to {info.file_size} bytes, which no picture "
                "does; remove it."
            )
        return io.BufferedReader(_Member(self._zip.open(info)), BLOCK_BYTES)


class _Member(io.RawIOBase):
    """A member's bytes, inflated in small blocks.

    Asked for all bytes, `zipfile` inflates whatever there is and only then cuts it to the size in the directory, so
    a directory that lies would fill the memory.
    """

    def __init__(self, stream: IO[bytes]):
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(min(len(buffer), BLOCK_BYTES))
        buffer[: len(block)] = block
        return len(block)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self._stream.read(BLOCK_BYTES), b""))

    def close(self) -> None:
        self._stream.close()
        super().close()
