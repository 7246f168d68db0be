"""Look at pictures before they are trained on, and say what to do about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganvas.data.advice import advise
from ganvas.data.array import ArrayFile
from ganvas.data.duplicates import copies, describe, lookalikes
from ganvas.data.item import Unreadable
from ganvas.data.labels import Labels, no_labels, read_labels
from ganvas.data.parallel import in_order
from ganvas.data.source import Source, digest_of, open_source, read_item
from ganvas.data.survey import Survey, require_some, tally
from ganvas.errors import DataError, FileError
from ganvas.image.decode import Facts, decode, probe

Groups = tuple[tuple[str, ...], ...]

CALLED = {"folder": "a folder", "zip": "a zip", "tar": "a tar", "idx": "an idx file", "npy": "a .npy file"}
"""The kinds of sources in the words of a person."""


@dataclass(frozen=True)
class CheckReport:
    """What `check` found.

    Attributes:
        path: The pictures that were looked at.
        kind: ``folder``, ``zip``, ``tar``, ``idx`` or ``npy``.
        survey: Counts of sizes, channels, bit depths and formats, and what cannot be read.
        others: How many files of each other extension lie among the pictures.
        labels: The labels of all pictures.
        copies: Groups of pictures that are the same file.
        lookalikes: Groups of pictures that look like the first of each; of copies only one is compared.
        suggested_size: Height and width to train at.
        advice: What to do, in plain sentences; empty when all is well.
    """

    path: str
    kind: str
    survey: Survey
    others: dict[str, int]
    labels: Labels
    copies: Groups
    lookalikes: Groups
    suggested_size: tuple[int, int]
    advice: tuple[str, ...]

    def lines(self) -> list[tuple[str, str]]:
        """The report as pairs of a word and a short text, for a screen."""
        survey = self.survey
        sizes = [f"{height}x{width} ({count})" for (height, width), count in survey.sizes.items()]
        height, width = self.suggested_size
        lines = [
            ("pictures", f"{survey.listed} in {CALLED[self.kind]}, {len(survey.unreadable)} unreadable"),
            ("sizes", _shortened(sizes)),
            ("channels", _counted(survey.channels)),
            ("bits", _counted(survey.bit_depths)),
            ("formats", _counted(survey.formats)),
            ("labels", f"{self.labels.kind} ({self.labels.origin})"),
            ("copies", _grouped(self.copies)),
            ("lookalikes", _grouped(self.lookalikes)),
            ("suggested size", f"{height}x{width}"),
        ]
        if self.labels.kind == "class":
            lines.insert(6, ("classes", _counted(self.labels.counts())))
        if self.labels.kind == "attributes":
            lines.insert(6, ("attributes", _shortened(list(self.labels.names))))
        lines += [("unreadable", f"{name}: {reason}") for name, reason in survey.unreadable]
        return lines

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        survey = self.survey
        labels: dict[str, Any] = {"kind": self.labels.kind, "origin": self.labels.origin}
        if self.labels.kind == "class":
            labels["counts"] = self.labels.counts()
        if self.labels.kind == "attributes":
            labels["mean"] = dict(zip(self.labels.names, self.labels.mean.tolist(), strict=True))
            labels["std"] = dict(zip(self.labels.names, self.labels.std.tolist(), strict=True))
        return {
            "path": self.path,
            "kind": self.kind,
            "listed": survey.listed,
            "readable": survey.readable,
            "sizes": [{"height_px": h, "width_px": w, "count": n} for (h, w), n in survey.sizes.items()],
            "channels": {str(channels): count for channels, count in survey.channels.items()},
            "bit_depths": {str(bits): count for bits, count in survey.bit_depths.items()},
            "formats": survey.formats,
            "unreadable": [item._asdict() for item in survey.unreadable],
            "others": self.others,
            "labels": labels,
            "copies": [list(group) for group in self.copies],
            "lookalikes": [list(group) for group in self.lookalikes],
            "suggested_size": list(self.suggested_size),
            "advice": list(self.advice),
        }


class _Look(NamedTuple):
    facts: Facts
    digest: bytes
    descriptor: NDArray[np.float32]


def check(path: Path, labels: str = "auto", progress: Callable[[int, int], None] | None = None) -> CheckReport:
    """Read and decode every picture once.

    Args:
        path: A folder, zip, tar, idx or ``.npy`` file.
        labels: As for `ganvas.data.labels.read_labels`; labels that do not fit are reported, not raised.
        progress: Called with the number of pictures done and of all pictures.

    Raises:
        DataError: There are no pictures, or none can be read.
    """
    source = open_source(path)
    looks: list[tuple[str, _Look]] = []
    unreadable: list[Unreadable] = []
    for row, look in enumerate(in_order(lambda row: _look_at(source, row), len(source.names))):
        if isinstance(look, str):
            unreadable.append(Unreadable(source.names[row], look))
        else:
            looks.append((source.names[row], look))
        if progress:
            progress(row + 1, len(source.names))
    require_some(looks, unreadable, source)

    same, alike = _find_duplicates(looks)
    survey = tally((look.facts for _, look in looks), unreadable)
    others = {} if isinstance(source, ArrayFile) else source.others
    found, complaints = _find_labels(source, labels)
    return CheckReport(
        path=str(path),
        kind=source.kind,
        survey=survey,
        others=others,
        labels=found,
        copies=same,
        lookalikes=alike,
        suggested_size=survey.suggested_size(),
        advice=(*complaints, *advise(survey, others, found, same, alike)),
    )


def _look_at(source: Source, row: int) -> _Look | str:
    """What there is to know of one picture, or why it cannot be read."""
    name = source.names[row]
    try:
        data = read_item(source, row)
        if isinstance(data, bytes):
            return _Look(probe(data, name), digest_of(data), describe(decode(data, name)))
    except FileError as error:
        return str(error)
    height, width, channels = data.shape
    return _Look(Facts(width, height, channels, 8, source.kind), digest_of(data), describe(data))


def _find_duplicates(
    looks: Sequence[tuple[str, _Look]],
) -> tuple[Groups, Groups]:
    names = [name for name, _ in looks]
    same = copies([look.digest for _, look in looks])
    repeated = {row for group in same for row in group[1:]}
    single = [row for row in range(len(looks)) if row not in repeated]
    alike = lookalikes(np.stack([looks[row][1].descriptor for row in single]))
    return (
        tuple(tuple(names[row] for row in group) for group in same),
        tuple(tuple(names[single[row]] for row in group) for group in alike),
    )


def _find_labels(source: Source, mode: str) -> tuple[Labels, list[str]]:
    try:
        return read_labels(source, mode), []
    except DataError as error:
        return no_labels(len(source.names), "the labels do not fit"), [str(error)]


def _counted(counts: Mapping[Any, int]) -> str:
    return _shortened([f"{value} ({count})" for value, count in counts.items()])


def _grouped(groups: Groups) -> str:
    spare = sum(len(group) - 1 for group in groups)
    return f"{spare} in {len(groups)} group{'s' * (len(groups) > 1)}" if groups else "none"


def _shortened(words: Sequence[str], most: int = 8) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
