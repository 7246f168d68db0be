"""``ganvas check``."""

from pathlib import Path

from ganvas.cli import show
from ganvas.events import Packing


def check(pictures: Path, /, *, labels: str = "auto", json: bool = False) -> None:
    """Look over a set of pictures and say what to do before training.

    Parameters
    ----------
    pictures
        A folder, zip, tar, idx file or .npy.
    labels
        auto, none, folders, or a CSV file.
    json
        Print one JSON object.
    """
    from ganvas.cli.progress import TrainingProgress
    from ganvas.job.check import check as check_job

    with TrainingProgress(quiet=json) as progress:
        report = check_job(pictures, labels, lambda done, total: progress(Packing(done, total)))
    if json:
        show.as_json(report.to_dict())
        return
    show.pairs(report.lines())
    for sentence in report.advice:
        show.result(f"- {sentence}")
