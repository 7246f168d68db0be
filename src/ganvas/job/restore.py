"""The verb ``restore``: noise, blocks, blur and fading out of photographs, at the same size."""

from dataclasses import dataclass, field
from pathlib import Path

from ganvas.events import Report
from ganvas.job.open_model import open_model
from ganvas.job.painter import Painter
from ganvas.job.photo_files import find_photos
from ganvas.job.photo_options import PhotoOptions, check_share
from ganvas.job.photos import PhotosResult
from ganvas.job.whole import run_whole

LOCK_BOX_PX = 17
"""Wide, so that the lock does not bring noise and blocks back: it leaves a fortieth of white noise's amplitude."""


@dataclass(frozen=True)
class RestoreRequest:
    """What to restore.

    Attributes:
        photos: A photograph, or a folder of them.
        out: Where results go.
        strength: The most damage a photograph may have, 0 to 1: at 1 the model judges for itself, less is more careful
            with what could be damage or detail, 0 gives the photograph back as it is.
        fidelity: 1 is the faithful end of the model, 0 the inventive one.
        colour_lock: Keep the low frequencies of the photograph; turn it off where fading is the damage.
        map: Write where the two ends disagree, as ``NAME.map.png``.
        options: How files are read and written.
    """

    photos: Path
    out: Path
    strength: float = 1.0
    fidelity: float = 1.0
    colour_lock: bool = True
    map: bool = False
    options: PhotoOptions = field(default_factory=PhotoOptions)

    def check(self) -> None:
        """Refuse numbers out of range.

        Raises:
            UsageError: One is.
        """
        self.options.check(self.out)
        check_share("strength", self.strength)
        check_share("fidelity", self.fidelity)


def restore(request: RestoreRequest, *, report: Report = lambda event: None) -> PhotosResult:
    """Restore photographs.

    Returns:
        Receipts, and what was skipped or failed.

    Raises:
        UsageError: Options that do not fit together, or a model for something else.
        FileError: No photograph or model, or results cannot be written.
        GanvasError: The single photograph that was given cannot be done.
    """
    request.check()
    files = find_photos(request.photos, request.out)
    options = request.options
    painter = Painter(
        "restore",
        open_model(options.model, "restore", 1, options.device, options.precision),
        fidelity=request.fidelity,
        lock_box_px=LOCK_BOX_PX if request.colour_lock else None,
        strength=request.strength,
        want_map=request.map,
        tile=options.tile_px(),
    )
    return run_whole(files, painter, options, report)
