"""Locks that the kernel drops when their holder dies, kill -9 included."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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


def is_claimed(path: Path) -> bool:
    """Whether a living process holds the lock of an existing file."""
    try:
        claim(path, wait=False).close()
    except OSError:
        return True
    return False
