"""One photograph through one painter into one file, with its receipt."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganvas.apply.paint import Rows, Tally, painted, to_depth
from ganvas.apply.planes import has_alpha
from ganvas.apply.receipt import Change, Receipt, Side
from ganvas.image.colour import is_readable
from ganvas.image.metadata import Metadata
from ganvas.image.photo import Photo
from ganvas.image.provenance import strongest, xmp_packet
from ganvas.image.write_photo import writing_photo
from ganvas.job.ahead import behind
from ganvas.job.ledger import sha256_of
from ganvas.job.outside_mask import verified_outside
from ganvas.job.painter import Painter
from ganvas.job.photo_format import Target
from ganvas.job.photo_options import PhotoOptions

Tick = Callable[[float], None]
"""Told how much of a picture is painted, 0 to 1."""
PATCHES_SHARE = 0.9
"""Of the work on a photograph with deep holes: looking for patches takes nearly all the time."""
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
        What was done. The pixels outside a mask are compared in the file, which is read again before it gets its name.
        The mark of the photograph's own file is handed on, unless this verb leaves a stronger one.

    Raises:
        GanvasError: It cannot be painted or written, or came back changed outside the mask; then no file is left.
    """
    began = time.monotonic()
    pixels = loaded.photo.pixels
    scale = painter.model.scale if unchanged is None else 1
    size = (pixels.shape[0] * scale, pixels.shape[1] * scale)
    tally = Tally(painter.tile)
    own_mark = painter.source_type if unchanged is None else None
    mark = strongest(loaded.photo.source_type, own_mark) if options.mark else None
    if unchanged is None:
        rows = painted(
            pixels,
            painter.assembly(alpha=has_alpha(pixels)),
            tally,
            device=painter.model.device,
            mask=mask,
            inputs=painter.model.inputs,
            strength=painter.strength,
            fidelity=painter.fidelity,
            dtype=target.dtype,
            patching=lambda share: tick(PATCHES_SHARE * share),
        )
    else:
        rows = _as_they_are(pixels, target.dtype)
    changes: list[Change] = []

    def row_tick(share: float) -> None:
        before = PATCHES_SHARE if tally.patched_px else 0.0
        tick(before + (1 - before) * share)

    def check(written: Path) -> None:
        if mask is not None:
            changes.append(verified_outside(loaded.photo, mask, target, written))

    recipe = {"verb": painter.verb, "model": painter.model.sha256[:16], "fidelity": painter.fidelity}
    xmp = None if mark is None else xmp_packet(mark, recipe if unchanged is None else None)
    _write(rows, size, loaded.photo, target, xmp=xmp, map_file=map_file, check=check, tick=row_tick)
    notes = (*target.notes, *([] if unchanged is None else [unchanged]))
    profile = loaded.photo.metadata.icc
    if loaded.photo.metadata.icc_broken:
        notes = (*notes, "The photograph's colour profile is damaged and was left out: colours may look different.")
    elif profile is not None and not is_readable(profile):
        notes = (*notes, "The photograph's colour profile is none that can be read; it is handed on as it was.")
    if tally.patched_px:
        notes = (*notes, f"{tally.patched_px:,} pixels, deep in holes, were filled with patches of the photograph.")
    if tally.tile_px < painter.tile:
        notes = (*notes, f"Memory ran out with tiles of {painter.tile} px; {tally.tile_px} px were taken.")
        painter.tile = tally.tile_px
    locked = unchanged is None and painter.lock_box_px is not None
    return Receipt(
        verb=painter.verb,
        source=source_side(loaded),
        output=_output_side(target, size),
        models=(painter.model.facts(),) if unchanged is None else (),
        options={**painter.facts(), "format": target.format, "quality": target.quality},
        outside_mask=changes[0] if changes else None,
        seconds=round(time.monotonic() - began, 3),
        tile_px=tally.tile_px if unchanged is None else None,
        masked_px=None if mask is None else int(mask.sum()),
        patched_px=None if mask is None or unchanged is not None else tally.patched_px,
        colour_residual_levels=tally.lock_sum / tally.pixels if locked else None,
        metadata=metadata_facts(loaded.photo.metadata, options),
        source_type=mark,
        notes=notes,
    )


def _as_they_are(pixels: np.ndarray, dtype: np.dtype) -> Iterator[Rows]:
    for top in range(0, len(pixels), _ROWS_AT_ONCE):
        yield Rows(to_depth(pixels[top : top + _ROWS_AT_ONCE], dtype), None)


def _write(
    rows: Iterable[Rows],
    size: tuple[int, int],
    photo: Photo,
    target: Target,
    *,
    xmp: bytes | None,
    map_file: Path | None,
    check: Callable[[Path], None],
    tick: Tick,
) -> None:
    """Write rows, and those of the map if there is a file for them, while the next ones are painted."""
    with ExitStack() as files:  # the last to be opened gets its name first: no map of a picture that was refused
        write_map = None
        if map_file is not None:
            none = Metadata(icc=None, exif=None, dpi=photo.metadata.dpi)
            write_map = files.enter_context(
                writing_photo(map_file, format="png", size=size, channels=1, bits=8, metadata=none, xmp=None)
            )
        write = files.enter_context(
            writing_photo(
                target.path,
                format=target.format,
                size=size,
                channels=photo.pixels.shape[2],
                bits=8 * target.dtype.itemsize,
                metadata=photo.metadata,
                xmp=xmp,
                quality=target.quality,
                check=check,
            )
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


def _output_side(target: Target, size: tuple[int, int]) -> Side:
    bits = 8 * target.dtype.itemsize
    return Side(str(target.path), size[::-1], target.channels, bits, target.format, sha256_of(target.path) or "")


def unchanged_by(painter: Painter, mask: np.ndarray | None) -> str | None:
    """Why a painter has nothing to do, in a sentence; None where it has."""
    if mask is not None and not mask.any():
        return "Nothing is marked in the mask: the picture is given back unchanged."
    if "strength" in painter.model.inputs and painter.strength == 0:
        return "A strength of 0 takes nothing out: nothing was restored."
    return None


def source_side(loaded: Loaded) -> Side:
    """The photograph's end of a receipt."""
    height, width, channels = loaded.photo.pixels.shape
    bits = 8 * loaded.photo.pixels.dtype.itemsize
    return Side(str(loaded.path), (width, height), channels, bits, loaded.photo.format, loaded.sha256)


def metadata_facts(metadata: Metadata, options: PhotoOptions) -> dict[str, str]:
    """What travelled on, for a receipt."""
    found = {"icc": metadata.icc, "exif": metadata.exif, "xmp": metadata.xmp, "dpi": metadata.dpi}
    facts = {name: "none" if value is None else "kept" for name, value in found.items()}
    if metadata.icc_broken:
        facts["icc"] = "damaged, left out"
    return {**facts, "private": "kept" if options.keep_metadata else "dropped"}
