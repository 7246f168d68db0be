"""Everything that is printed: results on standard output, notices on standard error.

Names of files, classes and cards come from anybody; a character that could steer the terminal is shown as �.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

notices = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
results = Console(highlight=False, emoji=False, soft_wrap=True)

UNPRINTABLE_BUT_HARMLESS = "\n\t\u200d"  # the last joins emoji


def error(text: str) -> None:
    """One sentence about what went wrong."""
    notices.print(_harmless(f"error: {text}"), style="red", markup=False)


def warning(text: str) -> None:
    """One sentence about what looks wrong."""
    notices.print(_harmless(f"warning: {text}"), style="yellow", markup=False)


def notice(text: str) -> None:
    """One sentence for the user."""
    notices.print(_harmless(text), markup=False)


def result(text: str) -> None:
    """A line of the result."""
    results.print(_harmless(text), markup=False)


def as_json(value: Mapping[str, Any]) -> None:
    """The result as one JSON object."""
    import json  # not needed for --help

    sys.stdout.write(json.dumps(value) + "\n")


def pairs(lines: Sequence[tuple[str, str]], console: Console = results) -> None:
    """Names and values, aligned."""
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        console.print(Text.assemble((_harmless(name).ljust(width), "bold"), "  ", _harmless(value)))


def table(rows: Sequence[Sequence[str]], console: Console = results) -> None:
    """Rows of equal length, aligned; the first is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(_harmless(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        console.print(Text(line, "bold" if number == 0 else ""))


def _harmless(text: str) -> str:
    return "".join(c if c.isprintable() or c in UNPRINTABLE_BUT_HARMLESS else "\N{REPLACEMENT CHARACTER}" for c in text)
