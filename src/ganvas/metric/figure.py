"""What pages are made of: a shell, text made harmless, pictures inside the page, numbers with errors, curves.

Everything returns HTML that stands alone: no script, no address outside of the page. `page.css` dresses it.
"""

import base64
import html
import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

import numpy as np

from ganvas.errors import DataError
from ganvas.image.encode import encode
from ganvas.image.provenance import SourceType
from ganvas.tensors import Levels

HARMLESS = "\n\t\u200d"
"""Not printable, yet kept; the last joins emoji."""
SMALL_PX, LARGE_PX = 72, 176
"""Pictures narrower than the first are shown enlarged by a whole number, wider than the second reduced."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

WIDTH, HEIGHT = 640, 336
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 40, 72
"""Margins of a curve; its labels have room for twice their size, as narrow screens show them."""
TICKS = 5


def document(title: str, body: str) -> str:
    """A whole HTML file around a body that is HTML already.

    Args:
        title: Any text.
        body: HTML; nothing in it is escaped here.
    """
    style = files("ganvas.metric").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def text(value: str) -> str:
    """Any text as HTML, inside of an element or of a quoted attribute.

    What cannot be printed (control characters, marks that turn the direction of writing, halves of a broken file
    name) is shown as �.
    """
    shown = "".join(c if c.isprintable() or c in HARMLESS else "\N{REPLACEMENT CHARACTER}" for c in value)
    return html.escape(shown, quote=True)


def picture(levels: Levels, description: str, source_type: SourceType | None = None) -> str:
    """One picture as an ``img`` that holds its own PNG.

    Args:
        levels: ``(H, W, C)`` with 1, 3 or 4 channels; kept exactly.
        description: For those who cannot see it.
        source_type: The mark of its origin inside of the PNG.

    Raises:
        DataError: This is no picture.
    """
    if levels.dtype != np.uint8 or levels.ndim != 3 or levels.shape[2] not in (1, 3, 4) or 0 in levels.shape:
        raise DataError(
            f"An array of {levels.dtype} and shape {levels.shape} is no picture; give uint8 (H, W, 1 | 3 | 4)."
        )
    height, width, channels = levels.shape
    scale = max(SMALL_PX // width, 1)
    shown_px = min(width * scale, LARGE_PX)
    classes = [name for name, so in (("pixels", scale > 1), ("clear", channels == 4)) if so]
    dressed = f' class="{" ".join(classes)}"' if classes else ""
    data = base64.b64encode(encode(levels, "png", source_type)).decode()
    size = f'width="{shown_px}" height="{max(round(shown_px * height / width), 1)}"'
    return f'<img{dressed} {size} alt="{text(description)}" src="data:image/png;base64,{data}">'


def number(value: float, decimals: int | None = None) -> str:
    """A number as it is printed: a true minus, thousands apart, four significant digits unless told the decimals."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "not a number"
    if abs(value) >= 1e12 or (decimals is None and 0 < abs(value) < 1e-9):
        return f"{value:.3e}".replace("-", "−")
    if decimals is not None:
        shown = f"{value:,.{decimals}f}"
    else:
        shown = f"{value:,.{_decimals(value, 4) if value else 0}f}"
        shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return shown.replace("-", "−" if shown.strip("-0.,") else "")


def measured(value: float, error: float | None) -> str:
    """A value with its standard error, both to the error's second digit: ``12.34 ± 0.41``."""
    if not error or not math.isfinite(error):
        return number(value)
    decimals = _decimals(error, 2)
    return f"{number(value, decimals)} ± {number(error, decimals)}"


def curve_svg(
    points: Sequence[tuple[float, float]], x_label: str, y_label: str, *, better: Literal["lower", "higher", ""] = ""
) -> str:
    """A curve with axes, as SVG inside of HTML; it takes the width it is given and the colour of the text.

    Args:
        points: ``(x, y)`` in the order they shall be joined; where y is not finite the curve is broken.
        x_label: What lies along the horizontal axis, with its unit.
        y_label: The same for the vertical axis.
        better: Mark the best point and say its value; nothing if empty.

    Raises:
        DataError: No point is finite.
    """
    finite = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if not finite:
        raise DataError(f"There is no point of '{y_label}' to draw; measure at least one that is finite.")
    x_ticks, y_ticks = (_ticks([point[axis] for point in finite]) for axis in (0, 1))
    x_low, x_high = min(x for x, _ in finite), max(x for x, _ in finite)
    x_low, x_high = (x_ticks[0], x_ticks[-1]) if x_low == x_high else (x_low, x_high)

    def across(x: float) -> str:
        return f"{LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT):.1f}"

    def down(y: float) -> str:
        return f"{TOP + (y_ticks[-1] - y) / (y_ticks[-1] - y_ticks[0]) * (HEIGHT - TOP - BOTTOM):.1f}"

    floor = HEIGHT - BOTTOM
    parts = [f'<text class="axis" x="{LEFT}" y="16">{text(y_label)}</text>']
    for y, told in zip(y_ticks, _tick_labels(y_ticks), strict=True):
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(y)}" y2="{down(y)}"/>')
        parts.append(f'<text x="{LEFT - 10}" y="{down(y)}" dy="0.35em" text-anchor="end">{told}</text>')
    reach = 1e-9 * (x_high - x_low)  # a tick of 0.1 * 3 lies beyond 0.3
    for x, told in zip(x_ticks, _tick_labels(x_ticks), strict=True):
        if x_low - reach <= x <= x_high + reach:
            parts.append(f'<line class="tick" x1="{across(x)}" x2="{across(x)}" y1="{floor}" y2="{floor + 5}"/>')
            parts.append(f'<text x="{across(x)}" y="{floor + 8}" dy="0.9em" text-anchor="middle">{told}</text>')
    parts.append(
        f'<text class="axis" x="{WIDTH - RIGHT}" y="{floor + 12}" dy="2.4em" text-anchor="end">{text(x_label)}</text>'
    )
    for stretch in _stretches(points):
        places = [f"{across(x)} {down(y)}" for x, y in stretch]
        parts.append(f'<path class="curve" fill="none" stroke="currentColor" d="M{" L".join(places)}"/>')
        if len(stretch) == 1:
            parts.append(f'<circle class="dot" cx="{across(stretch[0][0])}" cy="{down(stretch[0][1])}" r="3"/>')
    told = f"{text(y_label)} over {text(x_label)}, {len(finite)} points"
    if better:
        best_x, best_y = (min if better == "lower" else max)(finite, key=lambda point: point[1])
        mark = f"best {number(best_y)} at {number(best_x)}"
        parts.append(f'<circle class="best" cx="{across(best_x)}" cy="{down(best_y)}" r="4.5"/>')
        parts.append(f'<text class="best-label" x="{LEFT}" y="{floor + 12}" dy="2.4em">{mark}</text>')
        told += f", {mark}"
    inside = "".join(parts)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}" font-size="13" '
        f'fill="currentColor" stroke-width="1">{inside}</svg>'
    )


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many digits of a number that is not 0."""
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 12)


SMALLEST = 1e-290
"""Differences below have no logarithm worth taking."""


def _ticks(values: Sequence[float]) -> list[float]:
    """About `TICKS` round numbers from below the least to above the greatest."""
    low, high = min(values), max(values)
    if high - low <= max(1e-9 * max(abs(low), abs(high)), SMALLEST):
        half = abs(low) / 2 if abs(low) > SMALLEST else 1.0
        low, high = low - half, high + half
    raw = (high - low) / TICKS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = unit * next(round_step for round_step in (1, 2, 5, 10) if unit * round_step >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [multiple * step for multiple in range(first, last + 1)]


def _tick_labels(ticks: Sequence[float]) -> list[str]:
    """All with the decimals that the step needs."""
    decimals = _decimals(ticks[1] - ticks[0], 1)
    return [number(tick, decimals) for tick in ticks]


def _stretches(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Runs of finite points."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            stretches[-1].append((x, y))
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]
