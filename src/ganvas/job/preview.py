"""What a batch will cost, measured on one tile."""

import time
from collections.abc import Callable
from typing import Any

import torch

from ganvas.apply.bands import filtered_window
from ganvas.apply.filter import LocalFilter
from ganvas.apply.tiles import padded, spans
from ganvas.device import forget_peak, peak_memory_bytes
from ganvas.errors import GanvasError
from ganvas.events import Planned, Report
from ganvas.image.decode import probe
from ganvas.job.painter import Painter
from ganvas.job.photo_files import Entry, PhotoFiles

_DECODED_COPIES = 2
"""A picture and its array live together while it is read."""
DEEP_HOLES = "take longer, and up to 1.3 GiB more"
"""Measured: the hole and all around it may have `ganvas.apply.completed.MOST_PX`."""


def preview(
    files: PhotoFiles,
    painters: tuple[Painter, ...],
    report: Report,
    check: Callable[[Entry, tuple[int, int]], None] = lambda entry, size: None,
) -> dict[str, Any]:
    """Files, predicted seconds and peak memory; every painter runs on one tile, and nothing is written.

    What is done already is counted as if it were not, and so are tiles without a hole; nobody looks how deep holes are.
    Unreadable files count nothing, and so do those that ``check``, told of each with its height and width, refuses by a
    `GanvasError`.
    """
    sizes: dict[str, tuple[int, int]] = {}
    broken: dict[str, str] = {}
    largest = 0
    for entry in files.entries:
        try:
            with entry.path.open("rb") as file:
                facts = probe(file, str(entry.path))
            check(entry, (facts.height_px, facts.width_px))
        except (GanvasError, OSError) as error:
            broken[entry.name] = str(error)
            continue
        sizes[entry.name] = (facts.height_px, facts.width_px)
        largest = max(largest, facts.height_px * facts.width_px * (facts.channels + 1) * facts.bit_depth // 8)
    seconds, peak, scale = 0.0, 0, 1
    for painter in painters:
        at_once = [(height * scale, width * scale) for height, width in sizes.values()]
        if at_once:
            part, used = _cost(painter, at_once)
            seconds, peak = seconds + part, max(peak, used)
        scale *= painter.model.scale
    peak += largest * _DECODED_COPIES
    plan = {
        "files": {name: {"size_px": [width, height]} for name, (height, width) in sizes.items()},
        "broken": broken,
        "seconds": round(seconds, 4),
        "peak_memory_bytes": peak,
        "tile_px": [painter.tile for painter in painters],
    }
    lines = [(name, f"{width}x{height}") for name, (height, width) in sizes.items()]
    lines += list(broken.items())
    lines += [
        ("files", f"{len(sizes)}, and {len(broken)} that cannot be done"),
        ("time", _duration(seconds)),
        ("memory", f"{peak / 2**20:,.0f} MiB at most"),
        ("tiles", ", ".join(f"{painter.tile} px ({painter.verb})" for painter in painters)),
    ]
    if any("mask" in painter.model.inputs for painter in painters):
        lines.append(("deep holes", DEEP_HOLES))
    report(Planned(lines, plan))
    return plan


def _cost(painter: Painter, sizes: list[tuple[int, int]]) -> tuple[float, int]:
    """Seconds for pictures of these sizes by the time of one tile, and the memory of the process at its peak."""
    filter, device = painter.assembly(alpha=False).filter, painter.model.device
    stride, overlap = filter.stride_px, padded(filter.radius_px, filter.stride_px)
    side = min(padded(painter.tile, stride) + 2 * overlap, padded(max(max(size) for size in sizes), stride))
    given = torch.zeros(1, 3 + len(painter.model.inputs), side, side)
    forget_peak(device)
    filtered_window(given, filter, device)  # warms up
    began = time.perf_counter()
    filtered_window(given, filter, device).cpu()
    took = time.perf_counter() - began
    pixels = sum(_read_px(size, painter.tile, filter) for size in sizes)
    return took / side**2 * pixels, peak_memory_bytes(device) or 0


def _read_px(size: tuple[int, int], tile: int, filter: LocalFilter) -> int:
    """Pixels that all tiles of a picture read."""
    stride = filter.stride_px
    rows, columns = (
        sum(span.read_to - span.read_from for span in spans(padded(side, stride), tile, filter.radius_px, stride))
        for side in size
    )
    return rows * columns


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
