"""The verb ``upscale``: photographs of twice or four times the sides."""

from dataclasses import dataclass, field
from pathlib import Path

from ganvas.errors import UsageError
from ganvas.events import Report
from ganvas.job.open_model import open_model
from ganvas.job.painter import Painter
from ganvas.job.photo_files import find_photos
from ganvas.job.photo_options import PhotoOptions, check_share
from ganvas.job.photos import PhotosResult
from ganvas.job.whole import run_whole

LOCK_BOX_PX = 5
"""The colour lock keeps waves of a dozen pixels and more; shorter ones are what enlarging is about."""
DEFAULT_SCALE, MOST_SCALE = 2, 16


@dataclass(frozen=True)
class UpscaleRequest:
    """What to enlarge.

    Attributes:
        photos: A photograph, or a folder of them.
        out: Where results go.
        scale: Output side / input side; None is the scale of the model given, or 2.
        fidelity: 1 is the faithful end of the model, which invents nothing and is safe for faces, text and line art; 0
            the inventive one.
        colour_lock: Keep the low frequencies of the photograph.
        map: Write where the two ends disagree, as ``NAME.map.png``.
        options: How files are read and written.
    """

    photos: Path
    out: Path
    scale: int | None = None
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
        check_share("fidelity", self.fidelity)
        check_scale(self.scale)


def check_scale(scale: int | None) -> None:
    """Refuse a scale that no model has; None is left to the model.

    Raises:
        UsageError: It is out of range.
    """
    if scale is not None and not 2 <= scale <= MOST_SCALE:
        raise UsageError(f"--scale is {scale}, but it must be 2 or 4 (to {MOST_SCALE} with a model of your own).")


def upscale(request: UpscaleRequest, *, report: Report = lambda event: None) -> PhotosResult:
    """Enlarge photographs.

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
    scale = DEFAULT_SCALE if request.scale is None and options.model is None else request.scale
    painter = Painter(
        "upscale",
        open_model(options.model, "upscale", scale, options.device, options.precision),
        fidelity=request.fidelity,
        lock_box_px=LOCK_BOX_PX if request.colour_lock else None,
        want_map=request.map,
        tile=options.tile_px(),
    )
    return run_whole(files, painter, options, report)
