"""In which format a photograph goes back."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganvas.errors import UsageError
from ganvas.image.limits import MAX_SIDE_PX, check_fits, check_metadata_fit, loses_colours, stored_channels
from ganvas.image.photo import Photo
from ganvas.image.pillow_writer import JPEG_QUALITY
from ganvas.image.write_photo import PHOTO_SUFFIXES, PhotoFormat
from ganvas.job.photo_files import Entry
from ganvas.job.photo_options import WEBP_QUALITY, PhotoOptions

_BY_SUFFIX: dict[str, PhotoFormat] = {
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
}


@dataclass(frozen=True)
class Target:
    """The file to write.

    Attributes:
        path: Its final name.
        format: png, tiff, webp or jpeg.
        quality: Of a lossy file; None is lossless.
        dtype: uint8 or uint16.
        channels: Those of the file, which may have colours for grey.
        notes: What a user might not expect of it.
    """

    path: Path
    format: PhotoFormat
    quality: int | None
    dtype: np.dtype
    channels: int
    notes: tuple[str, ...] = ()


def map_path(entry: Entry) -> Path:
    """Where the disagreement of a model's two ends goes."""
    return entry.output.with_name(f"{entry.output.name}.map.png")


def target_of(entry: Entry, photo: Photo, options: PhotoOptions, scale: int = 1) -> Target:
    """The file that becomes of a photograph.

    Args:
        entry: Names it; a suffix the user wrote decides the format unless an option does.
        photo: The photograph.
        options: The user's.
        scale: Output side / input side: a side may outgrow WebP.

    Raises:
        UsageError: The user's suffix is of no format that is written, or of another than --format; or the format cannot
            hold the picture or its metadata.
    """
    notes = []
    format = _chosen(entry, photo, options)
    free = options.format in (None, "lossless") and entry.suffix is None
    if free and format == "webp" and scale * max(photo.pixels.shape[:2]) > MAX_SIDE_PX["webp"]:
        format = "png"
        notes.append(f"Written as png: webp has at most {MAX_SIDE_PX['webp']} pixels a side.")
    if options.format == "keep" and format != photo.format:
        notes.append(f"Written as {format}: {photo.format} is read and not written.")
    notes += photo.metadata.notes
    if loses_colours(format, photo.metadata):
        notes.append(f"How the PNG wants its numbers shown (gAMA, cICP) has no place in {format}: it looks different.")
    if options.format == "keep" and photo.palette:
        notes.append("The palette became full colours.")
    quality = None
    if format == "jpeg":
        quality = options.quality or JPEG_QUALITY
    elif format == "webp":
        kept_lossy = options.format == "keep" and photo.lossy
        quality = options.quality or (WEBP_QUALITY if kept_lossy else None)
    dtype = photo.pixels.dtype
    if format in ("jpeg", "webp") and dtype == np.uint16:
        dtype = np.dtype(np.uint8)
        notes.append(f"16 bits became 8: {format} has no more.")
    height, width, channels = photo.pixels.shape
    check_fits(format, (height * scale, width * scale), channels, 8 * dtype.itemsize, quality)
    check_metadata_fit(format, channels, 8 * dtype.itemsize, photo.metadata, None)
    stored = stored_channels(format, channels, 8 * dtype.itemsize)
    if stored != channels:
        notes.append(
            f"Grey is stored as equal red, green and blue: {format} has no form of it that is read everywhere."
        )
    suffix = entry.suffix or PHOTO_SUFFIXES[format]
    name = entry.output.name
    if not (entry.full and name.lower().endswith(suffix)):
        name += suffix
    return Target(entry.output.with_name(name), format, quality, dtype, stored, tuple(notes))


def _chosen(entry: Entry, photo: Photo, options: PhotoOptions) -> PhotoFormat:
    wanted = _by_option(photo, options)
    if entry.suffix is None:
        return wanted
    named = _BY_SUFFIX.get(entry.suffix.lower())
    if named is None:
        raise UsageError(f"--out ends in '{entry.suffix}', which is not written; choose from: {', '.join(_BY_SUFFIX)}.")
    loses_nothing = options.format == "lossless" and named in ("png", "tiff", "webp")
    if options.format is not None and named != wanted and not loses_nothing:
        raise UsageError(
            f"--out ends in '{entry.suffix}', but --format {options.format} means {wanted}; let them agree."
        )
    return named


def _by_option(photo: Photo, options: PhotoOptions) -> PhotoFormat:
    if options.format in ("png", "tiff", "webp", "jpeg"):
        return options.format
    if photo.format == "bmp" or (options.format != "keep" and photo.lossy):
        return "png"
    return photo.format
