"""``ganvas restore``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.photos import Common, run
from ganvas.job.photo_options import PhotoOptions


def restore(
    photos: Path,
    /,
    *,
    out: Path,
    strength: float = 1.0,
    fidelity: float = 1.0,
    colour_lock: bool = True,
    map: Annotated[bool, Parameter(negative="")] = False,
    options: Common = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Take noise, JPEG blocks, blur and fading out of photographs; their size stays.

    Parameters
    ----------
    photos
        A photograph, or a folder of them and all below it.
    out
        A folder; or, for one photograph, the file to write.
    strength
        The most damage they may have, 0 to 1: at 1 the model judges for itself, less is more careful.
    fidelity
        1 is the faithful end of the model, 0 the inventive one.
    colour_lock
        Keep the broad colours as they are; --no-colour-lock where fading is the damage.
    map
        Write where the two ends disagree, as NAME.map.png.
    options
        How files are read and written.
    json
        Print one JSON object.
    """
    from ganvas.job.restore import RestoreRequest
    from ganvas.job.restore import restore as restore_job

    request = RestoreRequest(
        photos=photos,
        out=out,
        strength=strength,
        fidelity=fidelity,
        colour_lock=colour_lock,
        map=map,
        options=options or PhotoOptions(),
    )
    run(lambda report: restore_job(request, report=report), json=json)
