"""``evaluate --modes``: how many of the known modes does a generator find?"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.data import cache
from ganvas.data.array import read_npy
from ganvas.data.dataset import Dataset
from ganvas.data.item import Unreadable
from ganvas.data.labels import no_labels, read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.source import open_source
from ganvas.device import choose_device
from ganvas.errors import DataError, FileError, UsageError
from ganvas.events import Looked, Notice, Packing, Report, Warned
from ganvas.files import file_hash, make_folder
from ganvas.job.painted import painted_like
from ganvas.job.sample import model_file
from ganvas.job.subject import as_files, is_model, refuse_model_of_photographs, refuse_what_only_models_know
from ganvas.metric.modes import DIGITS, ModeCount, count_modes, gaussian_modes, ring, square_grid, stacked_modes
from ganvas.metric.pictures import PictureSet
from ganvas.model.load import load_model
from ganvas.network.features.classifier import (
    Classifier,
    load_classifier,
    read_levels,
    save_classifier,
    train_classifier,
)
from ganvas.tensors import Levels

STACKED_SAMPLES, STACKED_MODES = 26_000, 1000
AT_ONCE = 500
NPY_START = b"\x93NUMPY"
HELD_OUT = 10
"""Of so many labelled digits, one checks the classifier."""

POINTS: dict[str, tuple[Tensor, float]] = {"ring": (ring(8, 1.0), 0.01), "grid": (square_grid(5, 4.0), 0.05)}
"""Centres and standard deviation of the 2D-ring and 2D-grid of PacGAN (Lin et al. 2018, arXiv:1712.04086)."""


@dataclass(frozen=True)
class ModeReport:
    """What was counted.

    Attributes:
        count: Modes found, divergence, and its floor.
        modes: How many there are.
        samples: How many were counted.
        within: Share of points within three standard deviations of a mode; None for pictures.
        reader_accuracy: Share of held-out digits that the classifier reads right; None for points.
    """

    count: ModeCount
    modes: int
    samples: int
    within: float | None = None
    reader_accuracy: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """Plain values."""
        return {
            "modes": self.count.modes_found,
            "of": self.modes,
            "kl": self.count.kl_nats,
            "floor": self.count.floor_nats,
            "samples": self.samples,
            "within": self.within,
            "reader_accuracy": self.reader_accuracy,
        }


def count_points(path: Path, kind: str) -> ModeReport:
    """Points of a ``.npy``, ``(N, 2)``, on the ring or the grid.

    Raises:
        FileError: The file cannot be read.
        DataError: It holds no points, or some that are not finite.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(NPY_START))
    except OSError as error:
        raise FileError(f"'{path}' cannot be read ({error.strerror or error}); give a .npy file of points.") from error
    if start != NPY_START:
        raise DataError(f"'{path}' is no .npy file of points; save them with numpy.save.")
    array = read_npy(path)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "fiu":
        raise DataError(f"'{path}' holds no points; it must be numbers of shape (N, 2).")
    centres, deviation = POINTS[kind]
    labels, within = gaussian_modes(torch.from_numpy(array.astype(np.float64)), centres, deviation)
    return ModeReport(count_modes(labels, len(centres), least_share=0.01), len(centres), len(array), within)


def count_stacked(
    subject: Path, digits: Path, *, count: int | None, first_seed: int, best: bool, device: str, report: Report
) -> ModeReport:
    """Three digits in the channels of each picture.

    Args:
        subject: A run, a model, or pictures, in RGB.
        digits: Labelled pictures of ten digits, from which a classifier learns to read.
        count: Pictures a model paints, 26,000 if None.
        first_seed: Seeds are this one and those after it.
        best: Take the run's best model.
        device: Where to paint and read.
        report: Told of long work.

    Raises:
        DataError: The pictures are not RGB, or the digits not of ten classes.
        FileError: The model cannot be read.
        UsageError: The count is below 1, or an option for models is given for pictures.
    """
    if count is not None and count < 1:
        raise UsageError(f"--count is {count}, but it must be 1 or more.")
    where = choose_device(device)
    pictures: PictureSet
    if is_model(subject):
        file = model_file(subject, best=best)
        refuse_model_of_photographs(file)
        painted, model = count or STACKED_SAMPLES, load_model(file, device=device)
        if model.descriptor.labels.kind != "none":
            raise DataError(f"'{file}' paints under labels, but stacked digits have none; give a model without labels.")
        labels = no_labels(0, "stacked digits have none")
        pictures = painted_like(model, file_hash(file), labels, painted, first_seed)
    else:
        refuse_what_only_models_know(subject, {"--best": best or None, "--count": count, "--seed": first_seed or None})
        pictures = as_files(open_source(subject))
    size = pictures.read(0).shape[:2]
    reader, accuracy = _reader(digits, size, where, report)
    report(
        Notice(f"The classifier reads {accuracy:.1%} of {HELD_OUT:g} % of the digits, held out, as they are labelled.")
    )

    def classify(planes: Levels) -> Tensor:
        return read_levels(reader, planes).argmax(1).cpu()

    total, found = len(pictures.names), list[Tensor]()
    chunk: list[NDArray[np.uint8]] = []
    for number, picture in enumerate(pictures.each(lambda picture: picture), start=1):
        if isinstance(picture, Unreadable):
            raise DataError(f"'{picture.name}' cannot be read ({picture.reason}); remove it.")
        if picture.shape != (*size, 3):
            raise DataError(
                f"A picture of '{subject}' has the shape {picture.shape}, not {(*size, 3)}; stacked digits are RGB."
            )
        chunk.append(picture)
        if len(chunk) == AT_ONCE or number == total:
            found.append(stacked_modes(np.stack(chunk), classify))
            chunk = []
            report(Looked("stacked digits", number, total))
    return ModeReport(count_modes(torch.cat(found), STACKED_MODES), STACKED_MODES, total, reader_accuracy=accuracy)


def _reader(path: Path, size: tuple[int, int], device: torch.device, report: Report) -> tuple[Classifier, float]:
    """A classifier of single digits, and how many held-out ones it reads right; kept in the cache."""
    source = open_source(path)
    dataset = pack(
        source, Form(size, 1, "stretch"), read_labels(source), progress=lambda done, total: report(Packing(done, total))
    )
    if dataset.labels.kind != "class" or len(dataset.labels.names) != DIGITS:
        found = {"none": "no labels", "attributes": "attributes"}.get(
            dataset.labels.kind, f"{len(dataset.labels.names)} classes"
        )
        raise DataError(f"'{path}' has {found}, not ten classes of digits; give labelled digits as --data.")
    held = np.random.default_rng(0).permutation(len(dataset)) % HELD_OUT == 0  # digits may come in turns
    told = json.dumps([dataset.labels.names, dataset.labels.values.tolist()])
    label_key = hashlib.sha256(told.encode()).hexdigest()[:16]
    file = cache.default_root() / "readers" / f"{dataset.key}-{label_key}.safetensors"
    reader = _kept(file, report)
    if reader is None:
        report(Notice(f"Training a classifier on {int((~held).sum())} digits."))
        reader = train_classifier(
            np.array(dataset.images[~held]), dataset.labels.values[~held], epochs=_epochs(dataset), device=device
        )
        make_folder(file.parent, "set GANVAS_CACHE to another folder")
        save_classifier(file, reader)
    reader.to(device)
    right = [
        (read_levels(reader, np.array(dataset.images[rows])).argmax(1).cpu().numpy() == dataset.labels.values[rows])
        for rows in np.array_split(np.flatnonzero(held), max(1, held.sum() // AT_ONCE))
    ]
    return reader, float(np.concatenate(right).mean())


def _kept(file: Path, report: Report) -> Classifier | None:
    """The classifier of an earlier call, if it is whole."""
    if not file.is_file():
        return None
    try:
        return load_classifier(file)
    except FileError:
        report(Warned(f"The classifier in '{file}' is damaged; it is trained again."))
        return None


def _epochs(dataset: Dataset) -> int:
    """Few over many digits, more over few."""
    return max(2, min(12, 60_000 // len(dataset)))
