"""Pictures in a folder and everything below it."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, final

from ganvas.data.item import Item, is_hidden, printable, suffix_of
from ganvas.errors import FileError
from ganvas.image.decode import EXTENSIONS


@final
class Folder:
    """The pictures below a folder, in the order of their names.

    Links to folders are followed, and each folder is read once, so a link to a parent ends nowhere.

    Attributes:
        path: The folder.
        items: Its pictures.
        names: Their names.
        others: How many files of each other extension it holds.
    """

    kind = "folder"

    def __init__(self, path: Path):
        self.path = path
        others: Counter[str] = Counter()
        found: list[tuple[Item, Path]] = []
        for file, name in _walk(path):
            if suffix_of(name) in EXTENSIONS:
                size_bytes, modified_ns = _size_and_time(file)
                found.append((Item(printable(name), size_bytes, modified_ns), file))
            elif name != "labels.csv":
                others[suffix_of(name)] += 1
        found.sort(key=lambda pair: pair[0].name)
        self.items = tuple(item for item, _ in found)
        self.names = tuple(item.name for item in self.items)
        self.others = dict(others)
        self._files = [file for _, file in found]

    def open(self, index: int) -> BinaryIO:
        """The file of item ``index``.

        Raises:
            OSError: It cannot be opened.
            FileError: It is not a regular file; reading a pipe or a device might never end.
        """
        file = self._files[index]
        if not stat.S_ISREG(file.stat().st_mode):
            raise FileError(f"'{self.names[index]}' is a pipe or a device, not a picture; remove it.")
        return file.open("rb")

    def open_table(self) -> BinaryIO:
        """``labels.csv`` in the root of the folder.

        Raises:
            FileNotFoundError: There is none.
        """
        return (self.path / "labels.csv").open("rb")


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Every file that is not hidden, with its name below ``root``."""
    seen: set[str] = set()
    pending = [(root, "")]
    while pending:
        folder, prefix = pending.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not is_hidden([entry.name])]
        for entry in sorted(visible, key=lambda entry: entry.name, reverse=True):
            if entry.is_dir():
                pending.append((Path(entry.path), f"{prefix}{entry.name}/"))
            else:
                yield Path(entry.path), prefix + entry.name


def _size_and_time(file: Path) -> tuple[int, int]:
    """Zeros for a broken link: it is listed, and reading it says what is wrong."""
    try:
        facts = file.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns
