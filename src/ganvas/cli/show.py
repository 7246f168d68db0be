"""Everything that is printed: results on standard output, notices on standard error."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

notices = Console(stderr=True, highlight=False, soft_wrap=True)
results = Console(highlight=False, soft_wrap=True)


def error(text: str) -> None:
    """One sentence about what went wrong."""
    notices.print(f"error: {text}", style="red", markup=False)


def warning(text: str) -> None:
    """One sentence about what looks wrong."""
    notices.print(f"warning: {text}", style="yellow", markup=False)


def notice(text: str) -> None:
    """One sentence for the user."""
    notices.print(text, markup=False)


def result(text: str) -> None:
    """A line of the result."""
    results.print(text, markup=False)


def as_json(value: Mapping[str, Any]) -> None:
    """The result as one JSON object."""
    sys.stdout.write(json.dumps(value) + "\n")


def pairs(lines: Sequence[tuple[str, str]], console: Console = results) -> None:
    """Names and values, aligned."""
    table = Table.grid(padding=(0, 2))
    for name, value in lines:
        table.add_row(f"[bold]{name}[/bold]", _plain(value))
    console.print(table)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
