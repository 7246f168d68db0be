"""One photograph through one painter into one file, with its receipt."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganvas.apply.paint import Rows, Tally, painted, to_depth
from ganvas.apply.planes import has_alpha
from ganvas.apply.receipt import Change, Receipt, Side
from ganvas.errors import FileError
from ganvas.image.metadata import Metadata
from ganvas.image.photo import Photo
from ganvas.image.provenance import xmp_packet
from ganvas.image.read_photo import read_photo
from ganvas.image.write_photo import writing_photo
from ganvas.job.ahead import behind
from ganvas.job.ledger import sha256_of
from ganvas.job.painter import Painter
from ganvas.job.photo_format import Target
from ganvas.job.photo_options import PhotoOptions

Tick = Callable[[float], None]
"""Told how much of a picture is painted, 0 to 1."""
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Loaded:
    """A photograph and its file: path, the SHA-256 of its bytes, and what was read from them."""

    path: Path
    sha256: str
    photo: Photo


def render(
    loaded: Loaded,
    painter: Painter,
    target: Target,
    options: PhotoOptions,
    *,
    mask: np.ndarray | None = None,
    unchanged: str | None = None,
    map_file: Path | None = None,
    tick: Tick = lambda share: None,
) -> Receipt:
    """Paint a photograph and write it.

    Args:
        loaded: The photograph.
        painter: What paints.
        target: The file to write, and how.
        options: The user's.
        mask: bool ``(H, W)``, what to fill; None paints all.
        unchanged: Why there is nothing to paint, a note for the receipt: no network runs. None where there is.
        map_file: Where the map goes, for a painter that has one.
        tick: Told of the progress.

    Returns:
        What was done; the pixels outside a mask are compared after reading the file again.

    Raises:
        GanvasError: It cannot be painted or written.
    """
    began = time.monotonic()
    photo, notes = loaded.photo, list(target.notes)
    pixels = photo.pixels
    touched = unchanged is None
    scale = painter.model.scale if touched else 1
    size = (pixels.shape[0] * scale, pixels.shape[1] * scale)
    tally = Tally(painter.tile)
    mark = painter.source_type if touched and options.mark else None
    recipe = {"verb": painter.verb, "model": painter.model.sha256[:16], "fidelity": painter.fidelity}
    if unchanged is None:
        assembly = painter.assembly(alpha=has_alpha(pixels))
        rows = painted(
            pixels,
            assembly,
            tally,
            device=painter.model.device,
            mask=mask,
            inputs=painter.model.inputs,
            strength=painter.strength,
            dtype=target.dtype,
        )
    else:
        notes.append(unchanged)
        rows = (
            Rows(to_depth(pixels[top : top + _ROWS_AT_ONCE], target.dtype), None)
            for top in range(0, len(pixels), _ROWS_AT_ONCE)
        )
    with ExitStack() as files:
        write = files.enter_context(
            writing_photo(
                target.path,
                format=target.format,
                size=size,
                channels=pixels.shape[2],
                bits=8 * target.dtype.itemsize,
                metadata=photo.metadata,
                xmp=None if mark is None else xmp_packet(mark, recipe),
                quality=target.quality,
            )
        )
        write_map = None
        if map_file is not None and touched:
            none = Metadata(icc=None, exif=None, dpi=photo.metadata.dpi)
            write_map = files.enter_context(
                writing_photo(map_file, format="png", size=size, channels=1, bits=8, metadata=none, xmp=None)
            )

        def write_both(made: Rows) -> None:
            write(made.pixels)
            if write_map is not None and made.map is not None:
                write_map(made.map)

        put = files.enter_context(behind(write_both))
        written = 0
        for made in rows:
            put(made)
            written += len(made.pixels)
            tick(written / size[0])
    if tally.tile_px < painter.tile:
        notes.append(f"Memory ran out with tiles of {painter.tile} px; {tally.tile_px} px were taken.")
        painter.tile = tally.tile_px
    locked = touched and painter.lock_box_px is not None
    outside = None if mask is None else outside_change(photo, mask, target.path)
    return Receipt(
        verb=painter.verb,
        source=source_side(loaded),
        output=Side(
            str(target.path),
            size[::-1],
            pixels.shape[2],
            8 * target.dtype.itemsize,
            target.format,
            sha256_of(target.path) or "",
        ),
        models=(painter.model.facts(),) if touched else (),
        options={**painter.facts(), "format": options.format, "quality": target.quality},
        seconds=round(time.monotonic() - began, 3),
        tile_px=tally.tile_px if touched else None,
        masked_px=None if mask is None else int(mask.sum()),
        outside_mask=outside,
        colour_residual_levels=tally.lock_sum / tally.pixels if locked else None,
        metadata=metadata_facts(photo.metadata, options),
        source_type=mark,
        notes=tuple(notes),
    )


def unchanged_by(painter: Painter, mask: np.ndarray | None) -> str | None:
    """Why a painter has nothing to do, in a sentence; None where it has."""
    if mask is not None and not mask.any():
        return "Nothing is marked in the mask: the picture is given back unchanged."
    if "strength" in painter.model.inputs and painter.strength == 0:
        return "A strength of 0 takes nothing out: the picture is given back unchanged."
    return None


def source_side(loaded: Loaded) -> Side:
    """The photograph's end of a receipt."""
    height, width, channels = loaded.photo.pixels.shape
    bits = 8 * loaded.photo.pixels.dtype.itemsize
    return Side(str(loaded.path), (width, height), channels, bits, loaded.photo.format, loaded.sha256)


def metadata_facts(metadata: Metadata, options: PhotoOptions) -> dict[str, str]:
    """What travelled on, for a receipt."""
    found = {"icc": metadata.icc, "exif": metadata.exif, "dpi": metadata.dpi}
    facts = {name: "none" if value is None else "kept" for name, value in found.items()}
    return {**facts, "private": "kept" if options.keep_metadata else "dropped"}


def outside_change(photo: Photo, mask: np.ndarray, written: Path) -> Change:
    """How pixels outside the mask differ between a photograph and a file, which is read again, in the file's levels.

    Raises:
        FileError: The file cannot be read back, or has another size.
    """
    try:
        data = written.read_bytes()
    except OSError as error:
        raise FileError(f"Cannot read '{written}' again ({error.strerror or error}) to compare it.") from error
    again = read_photo(data, str(written)).pixels
    del data
    before = photo.pixels
    if again.shape[:2] != before.shape[:2]:
        raise FileError(f"'{written}' came back with another size; the disk or another program changed it.")
    largest, total, count = 0, 0, 0
    for top in range(0, len(before), _ROWS_AT_ONCE):
        part = slice(top, top + _ROWS_AT_ONCE)
        kept = ~mask[part]
        old = _as_channels(to_depth(before[part], again.dtype)[kept], again.shape[2])
        difference = np.abs(old.astype(np.int32) - again[part][kept].astype(np.int32))
        largest = max(largest, int(difference.max(initial=0)))
        total += int(difference.sum())
        count += difference.size
    return Change(largest, total / max(count, 1))


def _as_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Pixels ``(N, C)`` as a format stores them that has no grey: WebP repeats it."""
    if pixels.shape[1] == channels:
        return pixels
    grey, alpha = pixels[:, :1], pixels[:, pixels.shape[1] // 2 * 2 - 1 :] if pixels.shape[1] % 2 == 0 else None
    colours = np.repeat(grey, 3, axis=1)
    return colours if channels == 3 or alpha is None else np.concatenate([colours, alpha[:, -1:]], axis=1)
