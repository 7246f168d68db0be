"""What a batch will cost, measured on one tile."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch

from ganvas.apply.bands import band_height, filtered_window, half_tile
from ganvas.apply.deep import most_bytes
from ganvas.apply.filter import LocalFilter
from ganvas.apply.tiles import padded, spans
from ganvas.device import forget_peak, peak_memory_bytes, ran_out_of_memory
from ganvas.errors import GanvasError
from ganvas.events import Planned, Report
from ganvas.image.decode import probe
from ganvas.job.painter import Painter
from ganvas.job.photo_files import Entry, PhotoFiles
from ganvas.job.photos import explained

_DECODED_COPIES = 2
"""A picture and its array live together while it is read."""


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
    largest = deep = 0
    for entry in files.entries:
        try:
            with explained(entry.name):
                with entry.path.open("rb") as file:
                    facts = probe(file, str(entry.path))
                check(entry, (facts.height_px, facts.width_px))
        except GanvasError as error:
            broken[entry.name] = str(error)
            continue
        sizes[entry.name] = (facts.height_px, facts.width_px)
        pixels, sample_bytes = facts.height_px * facts.width_px, facts.bit_depth // 8
        largest = max(largest, pixels * (facts.channels + 1) * sample_bytes)
        deep = max(deep, most_bytes(pixels, facts.channels * sample_bytes))
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
        lines.append(("deep holes", f"take longer, and up to {deep / 2**20:,.0f} MiB more"))
    report(Planned(lines, plan))
    return plan


def _cost(painter: Painter, sizes: list[tuple[int, int]]) -> tuple[float, int]:
    """Seconds for pictures of these sizes by the time of one tile, and the memory of the process at its peak.

    A tile that is too large for the memory is halved, as it will be when photographs are painted.
    """
    filter, device = painter.assembly(alpha=False).filter, painter.model.device
    longest = padded(max(max(size) for size in sizes), filter.stride_px)
    forget_peak(device)
    while True:
        reads = [_reads_px(size, painter.tile, filter) for size in sizes]
        height, width = max(((rows[0], columns[0]) for rows, columns in reads), key=math.prod)
        try:
            took = _seconds(filter, torch.zeros(1, 3 + len(painter.model.inputs), height, width), device)
            break
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            painter.tile = half_tile(min(painter.tile, longest), filter.stride_px, device, error)
    pixels = sum(sum(rows) * sum(columns) for rows, columns in reads)
    return took / (height * width) * pixels, peak_memory_bytes(device) or 0


def _seconds(filter: LocalFilter, given: torch.Tensor, device: torch.device) -> float:
    """How long a filter takes for a window."""
    filtered_window(given, filter, device)  # warms up
    began = time.perf_counter()
    filtered_window(given, filter, device).cpu()
    return time.perf_counter() - began


def _reads_px(size: tuple[int, int], tile: int, filter: LocalFilter) -> tuple[list[int], list[int]]:
    """How many rows each band of a picture reads and how many columns each tile; all read as many."""
    stride, radius = filter.stride_px, filter.radius_px
    height, width = (padded(side, stride) for side in size)
    bands, tiles = spans(height, band_height(tile, width, filter), radius, stride), spans(width, tile, radius, stride)
    return [span.read_to - span.read_from for span in bands], [span.read_to - span.read_from for span in tiles]


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
