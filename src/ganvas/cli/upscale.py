"""``ganvas upscale``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.photos import Common, run
from ganvas.job.photo_options import PhotoOptions


def upscale(
    photos: Path,
    /,
    *,
    out: Path,
    scale: int | None = None,
    fidelity: float = 1.0,
    colour_lock: bool = True,
    map: Annotated[bool, Parameter(negative="")] = False,
    options: Common = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Enlarge photographs to twice or four times their sides.

    Parameters
    ----------
    photos
        A photograph, or a folder of them and all below it.
    out
        A folder; or, for one photograph, the file to write.
    scale
        How many times the sides grow: 2 or 4; without it what your own --model does, or 2.
    fidelity
        1, the faithful end of the model, is safe for faces, text and line art; towards 0 detail is invented.
    colour_lock
        Keep the broad colours as they are.
    map
        Write where the two ends disagree, as NAME.map.png.
    options
        How files are read and written.
    json
        Print one JSON object.
    """
    from ganvas.job.upscale import UpscaleRequest
    from ganvas.job.upscale import upscale as upscale_job

    request = UpscaleRequest(
        photos=photos,
        out=out,
        scale=scale,
        fidelity=fidelity,
        colour_lock=colour_lock,
        map=map,
        options=options or PhotoOptions(),
    )
    run(lambda report: upscale_job(request, report=report), json=json)
