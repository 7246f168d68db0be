"""Which photographs are for training, which for choices, which for the benchmark alone.

`list.tsv` names every photograph by the SHA-256 of its file. A scene (one subject, or one series by one photographer)
never lies on two sides. Within each stratum scenes are ordered by a hash of their name: the first tenth is tested, the
next tenth validated, the others trained on; so a photograph that is added moves few others.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

LIST = Path(__file__).parent / "list.tsv"
SEED = "ganvas photographs 1"
TENTH = 10
HALVED_FROM_PX = 2800
"""What has a longer side of so much is soft at its full size."""

Part = Literal["training", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)

NOT_FOR_TRAINING = {
    "not stated": "nobody knows what one may do with it",
    "GPL-2+": "kept out so that the licence of the weights stays simple",
    "GPL-3+ (of the package)": "the package's own licence is all that is stated: neither author nor source",
    "LGPL-3": "a copyleft of its own, beside that of CC-BY-SA",
    "GFDL-1.2": "cannot be combined with the share-alike licences of the others",
}
"""Licences of pictures that are good for measurements only, and why."""


@dataclass(frozen=True)
class Photograph:
    """A line of the list.

    Attributes:
        part: What it is for.
        sha256: Of its file.
        source: A name of `sources.table.SOURCES`.
        file: Its path in the source.
        scene: What it shares with its near duplicates.
        width: Of the file, in pixels.
        height: Likewise.
        licence: As its package or its project says.
        author: Likewise; empty where they do not say.
    """

    part: Part
    sha256: str
    source: str
    file: str
    scene: str
    width: int
    height: int
    licence: str
    author: str

    @property
    def stratum(self) -> str:
        """What each part gets a share of: the source; of `gcompris` each upper folder."""
        return f"{self.source}/{self.file.split('/')[0]}" if self.source == "gcompris" else self.source

    @property
    def halved(self) -> bool:
        """Whether it is used at half its size: what is that large is soft."""
        return max(self.width, self.height) >= HALVED_FROM_PX

    @property
    def pixels(self) -> int:
        """How many it has as it is used."""
        return (self.width // 2) * (self.height // 2) if self.halved else self.width * self.height


def read_list(path: Path = LIST) -> list[Photograph]:
    """Every photograph, in the order of the list."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Photograph(
                next(part for part in PARTS if part == row["part"]),
                row["sha256"], row["source"], row["file"], row["scene"],
                int(row["width"]), int(row["height"]), row["licence"], row["author"],
            )
            for row in rows
        ]  # fmt: skip


def assigned(photographs: Sequence[Photograph]) -> list[Photograph]:
    """The same photographs, each with the part the rule gives it."""
    strata: defaultdict[str, defaultdict[str, list[Photograph]]] = defaultdict(lambda: defaultdict(list))
    for photograph in photographs:
        strata[photograph.stratum][photograph.scene].append(photograph)
    part: dict[tuple[str, str], Part] = {}
    for stratum, scenes in strata.items():
        free = {name for name, some in scenes.items() if not any(one.licence in NOT_FOR_TRAINING for one in some)}
        order = sorted(scenes, key=lambda name: hashlib.sha256(f"{SEED}/{stratum}/{name}".encode()).digest())
        tested = max(1, round(len(order) / TENTH))
        for place, name in enumerate([name for name in order if name in free]):
            part[stratum, name] = "test" if place < tested else "validation" if place < 2 * tested else "training"
        # What cannot be trained on is worth more in the test than in choices.
        for name in order:
            part.setdefault((stratum, name), "test")
    return [replace(photograph, part=part[photograph.stratum, photograph.scene]) for photograph in photographs]
