"""Locks that the kernel drops when their holder dies, kill -9 included."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ganvas.errors import FileError, GanvasError

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[bytes], wait: bool) -> None:
        msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: IO[bytes], wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def claim(path: Path, wait: bool = True) -> IO[bytes]:
    """Lock the file at ``path``, made if need be; closing the handle gives the lock back.

    Raises:
        OSError: Another process holds it and ``wait`` is false, or the file system has no locks.
    """
    handle = path.open("ab")
    try:
        _lock(handle, wait)
    except BaseException:
        handle.close()
        raise
    return handle


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """One process at a time."""
    with claim(path):
        yield


@contextmanager
def only_one(path: Path, taken: GanvasError, way_out: str) -> Iterator[None]:
    """Hold a lock, and do not wait for it; the system lets go of it however the process ends.

    Args:
        path: The file to lock, made if need be.
        taken: What to raise where another process holds it.
        way_out: What to do where there can be no lock, as the end of a sentence.

    Raises:
        GanvasError: ``taken``.
        FileError: The folder cannot be written, or its file system has no locks.
    """
    try:
        handle = claim(path, wait=False)
    except OSError as error:
        if sys.platform != "win32" and not isinstance(error, BlockingIOError):  # Windows has one word for both
            raise FileError(f"Cannot lock '{path.parent}' ({error.strerror}); {way_out}.") from error
        raise taken from error
    with handle:
        yield


def is_claimed(path: Path) -> bool:
    """Whether a living process holds the lock of an existing file."""
    try:
        claim(path, wait=False).close()
    except OSError:
        return True
    return False
