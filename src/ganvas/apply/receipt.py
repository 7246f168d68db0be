"""The facts of one file's run, for whoever must vouch for the picture."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Side:
    """One end of a run: a file's name, picture and hash.

    Attributes:
        file: Its path.
        size_px: Width and height.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        bits: A sample, 8 or 16.
        format: png, jpeg, webp, tiff or bmp.
        sha256: Of the whole file.
    """

    file: str
    size_px: tuple[int, int]
    channels: int
    bits: int
    format: str
    sha256: str


@dataclass(frozen=True)
class Change:
    """What became of pixels that were not to change, in levels of the written file: 0 is bit-identical."""

    max_levels: float
    mean_levels: float


@dataclass(frozen=True)
class Receipt:
    """What was done to one picture.

    Attributes:
        verb: repair, restore, upscale or revive.
        source: The photograph.
        output: What was made of it.
        models: Name and SHA-256 of each model that painted.
        options: What the user chose, by name.
        seconds: From its pixels to the finished file.
        tile_px: Side of the tiles in the end; None where no network ran.
        masked_px: How many pixels were to be filled (repair).
        patched_px: How many of them were filled with patches of the photograph, because their hole is deep (repair).
        outside_mask: All other pixels of the file as it was written and read again, against the photograph (repair).
        colour_residual_levels: Mean difference of low frequencies of output and input that the colour lock left, in
            8-bit levels; None where it was off.
        metadata: ``icc``, ``exif``, ``xmp``, ``dpi``: kept, or none (or a profile damaged); ``private``: kept or
            dropped.
        source_type: The IPTC term the file carries, or None.
        seed: None: nothing is drawn at random.
        notes: Sentences about anything a user would not expect.
        steps: Receipts of a chain's single steps.
    """

    verb: str
    source: Side
    output: Side
    models: tuple[Mapping[str, str], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    tile_px: int | None = None
    masked_px: int | None = None
    patched_px: int | None = None
    outside_mask: Change | None = None
    colour_residual_levels: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    source_type: str | None = None
    seed: None = None
    notes: tuple[str, ...] = ()
    steps: tuple["Receipt", ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    def in_words(self) -> str:
        """The result and what vouches for it, in one line."""
        parts = [self.output.file, "{}x{}".format(*self.output.size_px)]
        if self.outside_mask is not None:
            most = self.outside_mask.max_levels
            parts.append("unchanged outside the mask" if most == 0 else f"up to {most:g} levels outside the mask")
        if self.colour_residual_levels is not None:
            parts.append(f"broad colours within {self.colour_residual_levels:.2f} levels")
        return "  ".join([*parts, f"{self.seconds:.1f} s", *self.notes])
