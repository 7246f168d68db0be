"""One process a run."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganvas.data.claim import claim
from ganvas.errors import FileError, TrainingError


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process; the system lets go of it however the process ends.

    Raises:
        TrainingError: Another process trains this run.
        FileError: The folder cannot be written, or its file system has no locks.
    """
    try:
        handle = claim(folder / ".lock", wait=False)
    except OSError as error:
        if sys.platform != "win32" and not isinstance(error, BlockingIOError):  # Windows has one word for both
            raise FileError(
                f"Cannot lock '{folder}' ({error.strerror}); make it writable, or choose another --runs folder."
            ) from error
        raise TrainingError(
            f"Another process is training '{folder}'; wait for it, or pass --resume never for a run of its own."
        ) from error
    with handle:
        yield
