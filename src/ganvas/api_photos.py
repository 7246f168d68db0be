"""The verbs on photographs, from Python.

Each takes further options by name, which are those of `ganvas.job.photo_options.PhotoOptions`:
``ganvas.upscale("photos/", "large/", scale=2, model="own.safetensors", tile="256")``.
"""

from pathlib import Path
from typing import Any, TypedDict, Unpack

from ganvas.events import Report
from ganvas.job.photo_options import FOUND_GROW_PX, THRESHOLD, FormatChoice, PhotoOptions, PrecisionChoice
from ganvas.job.photos import PhotosResult
from ganvas.job.repair import RepairRequest
from ganvas.job.repair import repair as repair_job
from ganvas.job.restore import RestoreRequest
from ganvas.job.restore import restore as restore_job
from ganvas.job.revive import ReviveRequest
from ganvas.job.revive import revive as revive_job
from ganvas.job.upscale import UpscaleRequest
from ganvas.job.upscale import upscale as upscale_job


class PhotoKeywords(TypedDict, total=False):
    """The fields of `PhotoOptions`."""

    model: str | Path | None
    device: str
    precision: PrecisionChoice
    tile: int | str
    format: FormatChoice | None
    quality: int | None
    receipt: str | Path | None
    keep_metadata: bool
    mark: bool
    dry_run: bool


def repair(
    photos: str | Path,
    out: str | Path,
    *,
    mask: str | Path | None = None,
    find_scratches: bool = False,
    scratch_model: str | Path | None = None,
    scratch_threshold: float | None = None,
    grow: int | None = None,
    fidelity: float | None = None,
    map: bool = False,
    report: Report = lambda event: None,
    **options: Unpack[PhotoKeywords],
) -> PhotosResult:
    """Fill what a mask marks; every other pixel stays as it is, bit by bit. See `ganvas.job.repair.RepairRequest`.

    Returns:
        Receipts, and what was skipped or failed; nothing is raised for single photographs of a folder.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = RepairRequest(
        photos=Path(photos),
        out=Path(out),
        mask=_path(mask),
        find_scratches=find_scratches,
        scratch_model=_path(scratch_model),
        scratch_threshold=scratch_threshold,
        grow=grow,
        fidelity=fidelity,
        map=map,
        options=_options(options),
    )
    return repair_job(request, report=report)


def restore(
    photos: str | Path,
    out: str | Path,
    *,
    strength: float = 1.0,
    fidelity: float = 1.0,
    colour_lock: bool = True,
    map: bool = False,
    report: Report = lambda event: None,
    **options: Unpack[PhotoKeywords],
) -> PhotosResult:
    """Take noise, JPEG blocks, blur and fading out of photographs. See `ganvas.job.restore.RestoreRequest`.

    Returns:
        Receipts, and what was skipped or failed; nothing is raised for single photographs of a folder.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = RestoreRequest(
        photos=Path(photos),
        out=Path(out),
        strength=strength,
        fidelity=fidelity,
        colour_lock=colour_lock,
        map=map,
        options=_options(options),
    )
    return restore_job(request, report=report)


def upscale(
    photos: str | Path,
    out: str | Path,
    *,
    scale: int | None = None,
    fidelity: float = 1.0,
    colour_lock: bool = True,
    map: bool = False,
    report: Report = lambda event: None,
    **options: Unpack[PhotoKeywords],
) -> PhotosResult:
    """Enlarge photographs. See `ganvas.job.upscale.UpscaleRequest`.

    Returns:
        Receipts, and what was skipped or failed; nothing is raised for single photographs of a folder.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = UpscaleRequest(
        photos=Path(photos),
        out=Path(out),
        scale=scale,
        fidelity=fidelity,
        colour_lock=colour_lock,
        map=map,
        options=_options(options),
    )
    return upscale_job(request, report=report)


def revive(
    photos: str | Path,
    out: str | Path,
    *,
    strength: float = 1.0,
    scale: int | None = None,
    fidelity: float | None = None,
    colour_lock: bool = False,
    scratch_threshold: float = THRESHOLD,
    grow: int = FOUND_GROW_PX,
    repair_model: str | Path | None = None,
    restore_model: str | Path | None = None,
    upscale_model: str | Path | None = None,
    scratch_model: str | Path | None = None,
    report: Report = lambda event: None,
    **options: Unpack[PhotoKeywords],
) -> PhotosResult:
    """Old photographs, step by step, each kept in ``out/steps``. See `ganvas.job.revive.ReviveRequest`.

    Returns:
        Receipts, and what was skipped or failed; nothing is raised for single photographs of a folder.

    Raises:
        GanvasError: With one sentence that says what to do.
    """
    request = ReviveRequest(
        photos=Path(photos),
        out=Path(out),
        strength=strength,
        scale=scale,
        fidelity=fidelity,
        colour_lock=colour_lock,
        scratch_threshold=scratch_threshold,
        grow=grow,
        repair_model=_path(repair_model),
        restore_model=_path(restore_model),
        upscale_model=_path(upscale_model),
        scratch_model=_path(scratch_model),
        options=_options(options),
    )
    return revive_job(request, report=report)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _options(given: PhotoKeywords) -> PhotoOptions:
    plain: dict[str, Any] = dict(given)
    for name in ("model", "receipt"):
        plain[name] = _path(plain.get(name))
    return PhotoOptions(**{**plain, "tile": str(plain.get("tile", "auto"))})
