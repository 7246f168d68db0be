"""One process a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganvas.data.claim import claim
from ganvas.errors import TrainingError


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process; the system lets go of it however the process ends.

    Raises:
        TrainingError: Another process trains this run.
    """
    try:
        handle = claim(folder / ".lock", wait=False)
    except OSError as error:
        raise TrainingError(
            f"Another process is training '{folder}'; wait for it, or pass --resume never for a run of its own."
        ) from error
    with handle:
        yield
