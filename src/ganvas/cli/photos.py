"""What the verbs on photographs share on the command line: flags, progress, and how results are told."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ganvas.cli import show
from ganvas.cli.progress import TrainingProgress
from ganvas.errors import DataError
from ganvas.events import Report
from ganvas.job.photo_options import PhotoOptions

if TYPE_CHECKING:
    from ganvas.apply.receipt import Receipt
    from ganvas.job.photos import PhotosResult

Common = Annotated[PhotoOptions | None, Parameter(name="*")]
"""The flags of `PhotoOptions`, each by its own name."""


def run(job: Callable[[Report], "PhotosResult"], *, json: bool) -> None:
    """Run a job, show how far it is, and tell what came of it.

    Raises:
        DataError: Some photographs could not be done; the others were.
    """
    with TrainingProgress(quiet=json) as progress:
        result = job(progress)
    if json:
        show.as_json(result.to_dict())
    elif result.plan is None:
        for receipt in result.receipts:
            show.result(_line(receipt))
        if result.skipped:
            show.notice(f"{len(result.skipped)} done before, and skipped.")
    if result.failed:
        total = len(result.receipts) + len(result.skipped) + len(result.failed)
        listed = f"; '{result.failed_file}' lists them" if result.failed_file else ""
        raise DataError(f"{len(result.failed)} of {total} photographs could not be done{listed}.")


def _line(receipt: "Receipt") -> str:
    """A result and what vouches for it, in one line."""
    parts = [receipt.output.file, "{}x{}".format(*receipt.output.size_px)]
    if receipt.outside_mask is not None:
        change = receipt.outside_mask.max_levels
        parts.append("unchanged outside the mask" if change == 0 else f"up to {change:g} levels outside the mask")
    if receipt.colour_residual_levels is not None:
        parts.append(f"broad colours within {receipt.colour_residual_levels:.2f} levels")
    parts.append(f"{receipt.seconds:.1f} s")
    return "  ".join([*parts, *receipt.notes])
