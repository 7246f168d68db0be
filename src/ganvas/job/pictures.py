"""The pictures of a run: packed, told from others, split."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganvas.data.batches import Batches
from ganvas.data.crops import Crops
from ganvas.data.dataset import Dataset
from ganvas.data.labels import Labels, read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.sampler import split_heldout, split_photographs
from ganvas.data.source import open_source
from ganvas.errors import DataError
from ganvas.events import Packing, Report, Warned
from ganvas.job.photo_plan import TILE
from ganvas.job.prepare import Request
from ganvas.training.config import TrainConfig
from ganvas.training.loop import Data
from ganvas.training.run import RunFolder


def packed_pictures(request: Request, config: TrainConfig, report: Report) -> Dataset:
    """All pictures in the run's form, from the cache where they are in it."""
    source = open_source(request.pictures)
    return pack(
        source,
        form_of(config),
        read_labels(source, config.data.labels),
        progress=lambda done, total: report(Packing(done, total)),
        notice=lambda text: report(Warned(text)),
    )


def form_of(config: TrainConfig) -> Form:
    """What a run's pictures are packed to: its size, or tiles that are larger than what is cut from them."""
    data = config.data
    times = TILE if data.fit == "tiles" else 1
    return Form((times * data.size[0], times * data.size[1]), data.channels, data.fit)


def data_record(dataset: Dataset) -> dict[str, Any]:
    """What tells these pictures from others, for the run's record."""
    return {
        "key": dataset.key,
        "pictures": dataset.picture_count,
        "labels": list(dataset.labels.names),
        "label_values": values_hash(dataset.labels),
    }


def values_hash(labels: Labels) -> str:
    """SHA-256 over the kind and the value of every picture's label, in hexadecimal.

    What follows from the values (of attributes the mean and standard deviation they are scaled by) needs no hash.
    """
    digest = hashlib.sha256(f"{labels.kind} {labels.values.shape}".encode())
    digest.update(np.ascontiguousarray(labels.values, labels.values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def changed_data(run: RunFolder, before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """A sentence about pictures or labels that are not those of the first start; None where all are.

    Raises:
        DataError: There are other labels, not only other values of them.
    """
    refuse_other_labels(run, before, now)
    if now["key"] != before["key"]:
        what = f"The {now['pictures']} pictures are not the {before['pictures']}"
    elif now["label_values"] != before.get("label_values"):
        what = f"The labels of the {now['pictures']} pictures are not those"
    else:
        return None
    return f"{what} that '{run.path}' was started with; it goes on with what is there now."


def refuse_other_labels(run: RunFolder, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Networks are built for the labels of the first start.

    Raises:
        DataError: There are other ones now.
    """
    if now["labels"] != before["labels"]:
        shown = [", ".join(labels[:8]) or "none" for labels in (now["labels"], before["labels"])]
        raise DataError(
            f"The labels are now {shown[0]}, but '{run.path}' was started with {shown[1]}; pass --resume never "
            f"--start-from {run.path} for a new run that keeps what fits."
        )


def list_unreadable(run: RunFolder, dataset: Dataset, report: Report, *, cut: bool = False) -> None:
    """Write down which pictures are missing, and say how many; those that were cut may just be too small."""
    if dataset.unreadable:
        lines = "".join(f"{name}\t{reason}\n" for name, reason in dataset.unreadable)
        path = run.path / "unreadable.txt"
        path.write_text(lines, encoding="utf-8", errors="backslashreplace")
        verb = "used" if cut else "read"
        report(Warned(f"{len(dataset.unreadable)} pictures cannot be {verb}; '{path}' lists them."))


def split(dataset: Dataset, config: TrainConfig, device: torch.device) -> Data:
    """Most pictures to train on, a few held out to see whether the discriminator learns them by heart.

    Of photographs, whole ones are held out: their tiles are what a task is scored by.
    """
    if config.data.fit == "tiles":
        shown, aside = split_photographs(dataset.names, config.training.seed)
        size, seed = config.data.size, config.training.seed
        return Data(
            Crops(dataset, shown, size, seed, device), Crops(dataset, aside, size, seed, device) if len(aside) else None
        )
    training, heldout = split_heldout(len(dataset), config.training.seed)
    mirror, seed = config.data.mirror, config.training.seed
    return Data(
        Batches(dataset, training, seed, device, mirror),
        Batches(dataset, heldout, seed, device, mirror=False) if len(heldout) else None,
    )


def training_rows(dataset: Dataset, config: TrainConfig) -> NDArray[np.int64]:
    """The rows of a data set that are trained on; the others are held out."""
    training, _ = split_heldout(len(dataset), config.training.seed)
    return training
