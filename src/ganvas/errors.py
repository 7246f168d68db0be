"""The errors a user can meet.

    GanvasError                 something went wrong that a user can mend; exit code 1
    ├── UsageError              an option, an argument or a configuration key is wrong; exit code 2
    │   └── UnknownName         a name that is not in the list it must come from
    ├── DataError               the pictures (or their labels) cannot be used as asked
    ├── FileError               a file cannot be read or written, or is not what it says
    └── TrainingError           a run cannot go on
        ├── OutOfMemory         the device has too little memory for the batch
        └── Diverged            the run met NaN more often than it may roll back

Every message is one sentence that names the thing, its value and the way out.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class GanvasError(Exception):
    """Something a user can mend; the message says how."""

    exit_code = 1


class UsageError(GanvasError):
    """An option, an argument or a configuration key is wrong."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is not in the list it must come from.

    Args:
        kind: What it should be a name of.
        name: What was said.
        choices: The names there are.
        where: What follows the name in the sentence, such as ``in 'file.toml'``.
    """

    def __init__(self, kind: str, name: str, choices: Iterable[str], where: str = ""):
        known = sorted(choices)
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        super().__init__(f"There is no {kind} '{name}'{where and f' {where}'}.{hint} Choose from: {', '.join(known)}.")


class DataError(GanvasError):
    """The pictures (or their labels) cannot be used as asked."""


class FileError(GanvasError):
    """A file cannot be read or written, or is not what it says."""


class TrainingError(GanvasError):
    """A run cannot go on."""


class OutOfMemory(TrainingError):
    """The device has too little memory for the batch."""


class Diverged(TrainingError):
    """The run met NaN more often than it may roll back."""
