"""One process a run."""

from contextlib import AbstractContextManager
from pathlib import Path

from ganvas.data.claim import only_one
from ganvas.errors import TrainingError


def only_trainer(folder: Path) -> AbstractContextManager[None]:
    """Hold a run folder for this process; the system lets go of it however the process ends.

    Raises:
        TrainingError: Another process trains this run.
        FileError: The folder cannot be written, or its file system has no locks.
    """
    taken = TrainingError(
        f"Another process is training '{folder}'; wait for it, or pass --resume never for a run of its own."
    )
    return only_one(folder / ".lock", taken, "make it writable, or choose another --runs folder")
