"""``ganvas revive``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.photos import Common, run
from ganvas.job.photo_options import FOUND_GROW_PX, THRESHOLD, PhotoOptions


def revive(
    photos: Path,
    /,
    *,
    out: Path,
    strength: float = 1.0,
    scale: int | None = None,
    fidelity: float | None = None,
    colour_lock: bool = False,
    scratch_threshold: float = THRESHOLD,
    grow: int = FOUND_GROW_PX,
    repair_model: Path | None = None,
    restore_model: Path | None = None,
    upscale_model: Path | None = None,
    scratch_model: Path | None = None,
    options: Common = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Old photographs: find scratches, repair, restore, and enlarge if asked; every step stays open to correction.

    Parameters
    ----------
    photos
        A photograph, or a folder of them and all below it.
    out
        The folder for results; OUT/steps/NAME/ has the mask and what was made on the way. Edit one of these and run the
        same command again: it goes on from there.
    strength
        The most damage they may have, 0 to 1; at 1 the model judges for itself.
    scale
        How many times the sides grow in the end.
    fidelity
        1 is the faithful end of each model, 0 the inventive one. Default: 0 for what is repaired, 1 for the rest.
    colour_lock
        Keep the broad colours while restoring; off, since old photographs are faded.
    scratch_threshold
        How sure the network must be that a pixel is marked, between 0 and 1; lower ones mark more.
    grow
        Pixels to widen the scratches that are found.
    repair_model
        A model file of your own for this step; without it, the installed one.
    restore_model
        The same.
    upscale_model
        The same.
    scratch_model
        The same.
    options
        How files are read and written; --model is not one of them here.
    json
        Print one JSON object.
    """
    from ganvas.job.revive import ReviveRequest
    from ganvas.job.revive import revive as revive_job

    request = ReviveRequest(
        photos=photos,
        out=out,
        strength=strength,
        scale=scale,
        fidelity=fidelity,
        colour_lock=colour_lock,
        scratch_threshold=scratch_threshold,
        grow=grow,
        repair_model=repair_model,
        restore_model=restore_model,
        upscale_model=upscale_model,
        scratch_model=scratch_model,
        options=options or PhotoOptions(),
    )
    run(lambda report: revive_job(request, report=report), json=json)
