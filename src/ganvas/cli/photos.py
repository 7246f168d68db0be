"""What the verbs on photographs share on the command line: flags, progress, and how results are told."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ganvas.cli import show
from ganvas.cli.progress import TrainingProgress
from ganvas.errors import DataError
from ganvas.events import Report
from ganvas.job.photo_options import PhotoOptions

if TYPE_CHECKING:
    from ganvas.job.photos import PhotosResult

Common = Annotated[PhotoOptions | None, Parameter(name="*")]
"""The flags of `PhotoOptions`, each by its own name."""


def _stop(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, which leaves nothing half-written."""
    raise KeyboardInterrupt


def run(job: Callable[[Report], "PhotosResult"], *, json: bool) -> None:
    """Run a job, show how far it is, and tell what came of it.

    Raises:
        DataError: Some photographs could not be done; the others were.
    """
    signal.signal(signal.SIGTERM, _stop)
    with TrainingProgress(quiet=json) as progress:
        result = job(progress)
    if json:
        show.as_json(result.to_dict())
    elif result.plan is None:
        for receipt in result.receipts:
            show.result(receipt.in_words())
        if result.skipped:
            show.notice(f"{len(result.skipped)} done before, and skipped.")
    if result.failed:
        total = len(result.receipts) + len(result.skipped) + len(result.failed)
        listed = f"; '{result.failed_file}' lists them" if result.failed_file else ""
        raise DataError(f"{len(result.failed)} of {total} photographs could not be done{listed}.")
