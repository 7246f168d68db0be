"""Files that are whole or not there: written beside, then renamed."""

import hashlib
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganvas.errors import FileError

_BESIDE = re.compile(r"\.[0-9a-f]{8}\.(.+)", re.DOTALL)
"""What `atomic_path` calls an unfinished file, and its final name."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A path to write to, of the same folder and suffix, that becomes `path` when the block ends.

    Under the final name there is the old file or the whole new one, also after a crash or a power cut. If the
    block raises, what it wrote is removed and the old file stays. The writer must have closed the file. Who may read
    it follows from the umask, as for any new file: some writers (safetensors) let its owner alone.

    Raises:
        FileError: the block or the renaming met an OSError (folder missing, disk full, file in use).
    """
    beside = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        beside.touch()
        mode = beside.stat().st_mode
        yield beside
        beside.chmod(mode)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise FileError(
            f"Cannot write '{path}' ({error.strerror or error}); see that its folder exists, lets you write, "
            "has space left, and that no other program holds the file."
        ) from error
    finally:
        with suppress(OSError):  # gone already where all went well
            beside.unlink()


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_writable(path: Path) -> None:
    """See that a file can be written, without touching what is there.

    Raises:
        FileError: It cannot.
    """
    with suppress(_ProbedError), atomic_path(path):
        raise _ProbedError


class _ProbedError(Exception):
    """Keeps what was written beside a file from getting its name."""


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove what writers of these files left beside them when they were killed.

    Only for whoever knows that nobody writes them now.
    """
    names: dict[Path, set[str]] = defaultdict(set)
    for path in paths:
        names[path.parent].add(path.name)
    for folder, wanted in names.items():
        with suppress(OSError):  # the folder may be gone
            for found in list(folder.iterdir()):
                unfinished = _BESIDE.fullmatch(found.name)
                if unfinished is not None and unfinished[1] in wanted:
                    found.unlink()


def make_folder(path: Path, way_out: str) -> None:
    """A folder and those it lies in, where they are not there yet.

    Args:
        path: The folder.
        way_out: What to do where it cannot be, as the end of a sentence.

    Raises:
        FileError: It cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"Cannot create the folder '{path}' ({error.strerror or error}); {way_out}.") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically; see `atomic_path`."""
    with atomic_path(path) as beside:
        beside.write_bytes(data)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself outlast a power cut; Windows and some network drives cannot."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
