"""What all verbs on photographs are asked in the same words. No torch here: the command line reads it first."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ganvas.errors import UsageError

FormatChoice = Literal["lossless", "keep", "png", "tiff", "webp", "jpeg"]
PrecisionChoice = Literal["auto", "float32", "bfloat16"]
LOSSLESS = ("png", "tiff", "lossless")
LOSSY_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp")
WEBP_QUALITY = 90
FOUND_GROW_PX = 2
"""A scratch's edge is half a scratch: what is found is widened by so much."""
THRESHOLD = 0.8
"""How sure the network must be of a scratch; chosen on the validation photographs, where marks are rarer than in
training.
"""


@dataclass(frozen=True, kw_only=True)
class PhotoOptions:
    """How photographs are read, painted and written.

    Parameters
    ----------
    model
        A model file of your own; without it, the installed one for the task.
    device
        auto, cpu, cuda, cuda:1 or mps.
    precision
        float32, bfloat16 or auto, which takes bfloat16 where that is faster: up to twice, a level off here and there.
    tile
        Side of the tiles in pixels, or auto; any gives the same picture, smaller ones need less memory.
    format
        lossless (the photograph's own format where that is lossless, else png), keep (its own in any case), png, tiff,
        webp or jpeg; without it, what the name of the result says, else lossless.
    quality
        1 to 100 for jpeg and webp; webp without it is lossless, unless it is kept and was not.
    receipt
        Write what was done to this file, a .json.
    keep_metadata
        Keep position, maker notes, serial numbers and all of XMP, too; else only what tells of the picture.
    mark
        Say in each file that a network worked on it (IPTC digital source type).
    dry_run
        Print files, seconds and memory, measured on one tile, and stop.
    """

    model: Path | None = None
    device: str = "auto"
    precision: PrecisionChoice = "auto"
    tile: str = "auto"
    format: FormatChoice | None = None
    quality: int | None = None
    receipt: Path | None = None
    keep_metadata: bool = False
    mark: bool = True
    dry_run: bool = False

    def tile_px(self) -> int | None:
        """The side of tiles; None is auto.

        Raises:
            UsageError: It is neither auto nor a whole number of 1 or more.
        """
        if self.tile == "auto":
            return None
        if not self.tile.isdecimal() or len(self.tile) > 9 or int(self.tile) < 1:
            raise UsageError(f"--tile is '{self.tile}', but it must be auto or a side in pixels such as 256.")
        return int(self.tile)

    def check(self, out: Path) -> None:
        """Refuse what does not fit together, before anything is read.

        Args:
            out: Where the result goes, or the results.

        Raises:
            UsageError: A format or precision that there is not, a tile or quality out of range, a quality for what is
                lossless, or a receipt that could replace a photograph.
        """
        for name, value, choices in (
            ("format", self.format, (None, *get_args(FormatChoice))),
            ("precision", self.precision, get_args(PrecisionChoice)),
        ):
            if value not in choices:
                raise UsageError(f"--{name} is '{value}', but it must be {', '.join(filter(None, choices))}.")
        if self.receipt is not None and self.receipt.suffix.lower() != ".json":
            raise UsageError(f"--receipt is '{self.receipt}', but it is JSON; give a name that ends in .json.")
        self.tile_px()
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"--quality is {self.quality}, but it must be 1 to 100.")
        named = self.format is None and out.suffix.lower() in LOSSY_SUFFIXES
        if self.quality is not None and not named and (self.format or "lossless") in LOSSLESS:
            what = "the default format" if self.format is None else f"--format {self.format}"
            raise UsageError(
                f"--quality is {self.quality}, but {what} loses nothing; leave it out, or choose --format jpeg or webp."
            )

    def facts(self) -> Mapping[str, Any]:
        """The options that decide what is in a written file."""
        return {
            "format": self.format,
            "quality": self.quality,
            "keep_metadata": self.keep_metadata,
            "mark": self.mark,
        }


def check_share(name: str, value: float) -> None:
    """Refuse an option that is not from 0 to 1.

    Raises:
        UsageError: It is not.
    """
    if not 0 <= value <= 1:
        raise UsageError(f"--{name} is {value}, but it must be from 0 to 1.")
