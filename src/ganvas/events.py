"""What a run tells whoever started it. Jobs report events; only the command line prints."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Notice:
    """A plain sentence for the user."""

    text: str


@dataclass(frozen=True)
class Warned:
    """A plain sentence about something that looks wrong."""

    text: str


@dataclass(frozen=True)
class Packing:
    """Pictures packed so far, on first use of a data set."""

    done: int
    total: int


@dataclass(frozen=True)
class Looked:
    """Pictures a feature network has looked at so far; ``what`` is reals or fakes."""

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Planned:
    """What a run will be: pairs of words for a person, and plain values for a program."""

    lines: Sequence[tuple[str, str]]
    plan: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """One line of statistics."""

    seen_kimg: float
    total_kimg: float
    left_s: float
    stats: Mapping[str, float]


@dataclass(frozen=True)
class Applied:
    """How far a batch of photographs is: the one at work, how many are finished, and the share of all pixels."""

    name: str
    done: int
    total: int
    share: float
    left_s: float


@dataclass(frozen=True)
class Wrote:
    """A file is there now; ``kind`` is sample, checkpoint or model."""

    kind: str
    path: Path


Event = Notice | Warned | Packing | Looked | Planned | Progress | Applied | Wrote
Report = Callable[[Event], None]
