"""What an evaluation leaves behind: a JSON file to compare, and a page to look at."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganvas.data.duplicates import describe_thumbnails, lookalikes
from ganvas.files import make_folder, write_bytes
from ganvas.image.convert import to_channels
from ganvas.image.provenance import SourceType
from ganvas.image.resize import fit
from ganvas.job.subject import Subject
from ganvas.metric.compare import Result
from ganvas.metric.copies import find_copies
from ganvas.metric.extract import Extracted
from ganvas.metric.memorised import NearReals, most_suspicious
from ganvas.metric.page import Group, Page, Pair, render
from ganvas.metric.pictures import Picture, PictureSet
from ganvas.metric.stamp import Stamp, compared, measurement
from ganvas.tensors import Levels
from ganvas.training.run import slugify

SHOWN, PAIRS_SHOWN, GROUPS_SHOWN, GROUP_SHOWN = 48, 24, 12, 8
SHOWN_SIDE_PX = 96
"""The longer side of a picture on the page; smaller ones are shown as they are."""


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
        result: Scores, errors, floors and stamp.
        memorised: How many fakes are copies or look alike, and how many reals do.
        warnings: What a reader should know.
        file: The result as JSON, for `ganvas compare`.
        page: The HTML page.
    """

    result: Result
    memorised: dict[str, int]
    warnings: tuple[str, ...]
    file: Path
    page: Path

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        own = {"memorised": self.memorised, "warnings": list(self.warnings)}
        return {**self.result.to_dict(), **own, "file": str(self.file), "page": str(self.page)}


def write_evaluation(
    folder: Path,
    subject: Subject,
    result: Result,
    fakes: Extracted,
    reals: Extracted,
    near: NearReals,
    warnings: tuple[str, ...],
    *,
    groups: int,
) -> Evaluation:
    """Look for copies and lookalikes, then write both files.

    Args:
        folder: Where to; made if need be. The same measurement again replaces its own files, and no others.
        subject: The two sets.
        result: The scores.
        fakes: What is known of the fakes.
        reals: What is known of the reals.
        near: The reals around each fake and each real.
        warnings: Told along with the scores.
        groups: Of the jackknife that gave the errors.

    Raises:
        FileError: The folder cannot be written.
    """
    copies = find_copies(fakes.thumbnails, reals.thumbnails)
    among = [lookalikes(describe_thumbnails(found.thumbnails)) for found in (fakes, reals)]
    pairs = [
        _pair(subject, fakes, reals, copy.fake, copy.real, kind=copy.kind, suspicion=None)
        for copy in copies[:PAIRS_SHOWN]
    ]
    suspicious = [
        _pair(subject, fakes, reals, fake, real, kind="", suspicion=suspicion)
        for fake, real, suspicion in most_suspicious(near, PAIRS_SHOWN)
    ]
    page = Page(
        title="Evaluation",
        subject=subject.name,
        reals=subject.reals_name,
        scores=result.scores,
        floors=result.floors,
        stamp=result.stamp,
        warnings=warnings,
        fakes=_sheet(subject.fakes, fakes, result.stamp.seed),
        real_pictures=_sheet(subject.reals, reals, result.stamp.seed),
        copies=pairs,
        suspicious=suspicious,
        fake_duplicates=_groups(subject.fakes, fakes, among[0]),
        real_duplicates=_groups(subject.reals, reals, among[1]),
        fake_source=SourceType.GENERATED if "memory" in subject.formats["fake"] else None,
    )
    memorised = {
        "copies": len(copies),
        "fakes_alike": sum(map(len, among[0])),
        "reals_alike": sum(map(len, among[1])),
    }
    stem = _stem(subject, result.stamp, groups)
    make_folder(folder, "choose another --out")
    done = Evaluation(result, memorised, warnings, folder / f"{stem}.json", folder / f"{stem}.html")
    result_text, html = json.dumps(done.to_dict(), indent=2) + "\n", render(page)
    write_bytes(done.file, result_text.encode())
    write_bytes(done.page, html.encode())
    return done


def _stem(subject: Subject, stamp: Stamp, groups: int) -> str:
    """What both files are called: words for a person, and what tells this measurement from every other."""
    told = measurement(compared(stamp), subject.fakes.key, groups)
    called = slugify(_called(Path(subject.name)))
    return f"{called}-{stamp.network}-{stamp.protocol}-{stamp.fake_count}-{told}"


def _called(path: Path) -> str:
    """What a subject's files are named after; the models of all runs have one name, so theirs is the run's as well."""
    path = path.resolve()
    return f"{path.parent.name}-{path.stem}" if path.suffix == ".safetensors" else path.name


def _pair(
    subject: Subject, fakes: Extracted, reals: Extracted, fake: int, real: int, *, kind: str, suspicion: float | None
) -> Pair:
    fake_row, real_row = int(fakes.rows[fake]), int(reals.rows[real])
    return Pair(
        fake=_shown(subject.fakes.read(fake_row)),
        real=_shown(subject.reals.read(real_row)),
        suspicion=suspicion,
        kind=kind,
        fake_name=subject.fakes.names[fake_row],
        real_name=subject.reals.names[real_row],
    )


def _groups(pictures: PictureSet, found: Extracted, groups: Sequence[Sequence[int]]) -> list[Group]:
    chosen = [[int(found.rows[row]) for row in group[:GROUP_SHOWN]] for group in groups[:GROUPS_SHOWN]]
    return [
        Group([_shown(pictures.read(row)) for row in rows], [pictures.names[row] for row in rows]) for rows in chosen
    ]


def _sheet(pictures: PictureSet, found: Extracted, seed: int) -> Levels:
    """Some pictures, drawn by lot, all at the size of the first."""
    order = np.random.default_rng(seed).permutation(len(found))[:SHOWN]
    shown = [_shown(pictures.read(int(found.rows[row]))) for row in sorted(order.tolist())]
    size, channels = shown[0].shape[:2], max(picture.shape[2] for picture in shown)
    alike = [to_channels(fit(picture, (size[0], size[1]), "pad"), channels) for picture in shown]
    levels: NDArray[np.uint8] = np.stack(alike)
    return levels


def _shown(picture: Picture) -> Picture:
    """A picture no larger than the page needs."""
    height, width = picture.shape[:2]
    scale = SHOWN_SIDE_PX / max(height, width)
    if scale >= 1:
        return picture
    return fit(picture, (max(1, round(height * scale)), max(1, round(width * scale))), "stretch")
