"""The page of a run: its scores over time beside what it paints now."""

from typing import Literal

import numpy as np

from ganvas.errors import FileError
from ganvas.files import write_bytes
from ganvas.image.decode import decode
from ganvas.metric.page import Curve, Page, render
from ganvas.tensors import Levels
from ganvas.training.run import RunFolder

Better = Literal["lower", "higher", ""]
NOT_SCORES = ("step", "seen_kimg")
LOWER = ("distance", "fd", "fid", "kd", "kid", "l1", "perceptual")
HIGHER = ("psnr", "psnr_gain", "precision", "recall", "f1")
"""What the names of scores end in whose better side is known."""


def write_run_page(run: RunFolder, pictures: str) -> None:
    """Write ``page.html`` into a run's folder: a curve a score, the newest grid, the reals.

    Args:
        run: The run.
        pictures: What it is trained on, for people.

    Raises:
        FileError: The page cannot be written.
    """
    lines = run.lines("scores.jsonl")
    names = [name for name in (lines[-1] if lines else {}) if name not in NOT_SCORES]
    curves = []
    for name in names:
        points = [(float(line["seen_kimg"]), float(line[name])) for line in lines if name in line]
        finite = [point for point in points if np.isfinite(point[1])]
        if finite:
            better: Better = "lower" if name.endswith(LOWER) else "higher" if name.endswith(HIGHER) else ""
            curves.append(
                Curve(name.replace("_", " "), finite, "kimg", f"{better} is better" if better else "", better)
            )
    grids = sorted(run.samples.glob("[0-9]*.png"))
    page = Page(
        title=f"Run {run.path.name}",
        subject=run.path.name,
        reals=pictures,
        curves=curves,
        fakes=_sheet(run, grids[-1].name) if grids else None,
        real_pictures=_sheet(run, "real.png"),
    )
    write_bytes(run.path / "page.html", render(page).encode())


def _sheet(run: RunFolder, name: str) -> Levels | None:
    """A grid as one picture, ``(1, H, W, C)``; None where it is not there."""
    path = run.samples / name
    try:
        sheet: Levels = decode(path.read_bytes(), name)[None]
    except (OSError, FileError):
        return None
    return sheet
