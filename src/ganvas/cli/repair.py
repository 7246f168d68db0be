"""``ganvas repair``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.photos import Common, run
from ganvas.job.photo_options import PhotoOptions


def repair(
    photos: Path,
    /,
    *,
    out: Path,
    mask: Path | None = None,
    find_scratches: Annotated[bool, Parameter(negative="")] = False,
    scratch_model: Path | None = None,
    scratch_threshold: float | None = None,
    grow: int | None = None,
    fidelity: float | None = None,
    map: Annotated[bool, Parameter(negative="")] = False,
    options: Common = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Fill what a mask marks; every other pixel stays as it is, bit by bit.

    Parameters
    ----------
    photos
        A photograph, or a folder of them and all below it.
    out
        A folder; or, for one photograph, the file to write.
    mask
        White is to be filled: a picture, or a folder of pictures named as the photographs.
    find_scratches
        Let a network make the mask, which is kept as NAME.mask.png.
    scratch_model
        A file of that network; without it, the installed one.
    scratch_threshold
        How sure that network must be that a pixel is marked, between 0 and 1; lower ones mark more. Default: 0.8.
    grow
        Pixels to widen the mask by: none for your own, 2 for one that was found.
    fidelity
        1 is the faithful end of the model, 0 the inventive one, which is the default: what is missing must be invented.
    map
        Write where the two ends disagree, as NAME.map.png.
    options
        How files are read and written.
    json
        Print one JSON object.
    """
    from ganvas.job.repair import RepairRequest
    from ganvas.job.repair import repair as repair_job

    request = RepairRequest(
        photos=photos,
        out=out,
        mask=mask,
        find_scratches=find_scratches,
        scratch_model=scratch_model,
        scratch_threshold=scratch_threshold,
        grow=grow,
        fidelity=fidelity,
        map=map,
        options=options or PhotoOptions(),
    )
    run(lambda report: repair_job(request, report=report), json=json)
