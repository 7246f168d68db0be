"""The verb ``sample``: paint pictures, one a seed."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganvas.draw import seed_of
from ganvas.errors import UsageError
from ganvas.events import Report, Wrote
from ganvas.files import file_hash, make_folder, write_bytes
from ganvas.image.encode import encode
from ganvas.image.grid import grid as contact_sheet
from ganvas.image.provenance import SourceType
from ganvas.model.descriptor import LabelSpec
from ganvas.model.load import load_model
from ganvas.tensors import Levels, to_levels
from ganvas.training.run import slugify

MOST_SEEDS = 1_000_000


@dataclass(frozen=True)
class SampleRequest:
    """What to paint.

    Attributes:
        model: A model file, or a run folder.
        out: The folder to write to.
        seeds: Whole numbers, one a picture.
        grid: Rows and columns of a contact sheet; None writes single pictures.
        label: A class name, or values of attributes.
        format: ``png`` or (lossless) ``webp``.
        batch: Pictures painted at once; another one may round a few values in a hundred thousand to the next of 256
            levels.
        best: Use the run's best model in place of its last.
        mark: Whether pictures say that a network painted them (IPTC digital source type).
        recipe: Whether pictures carry seed, label and the model's hash.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
    """

    model: Path
    out: Path = Path("samples")
    seeds: Sequence[int] = range(16)
    grid: tuple[int, int] | None = None
    label: str | Mapping[str, float] | None = None
    format: Literal["png", "webp"] = "png"
    batch: int = 16
    best: bool = False
    mark: bool = True
    recipe: bool = True
    device: str = "auto"


def sample(request: SampleRequest, *, report: Report = lambda event: None) -> list[Path]:
    """Paint and write; returns the files written.

    Raises:
        FileError: No model there, or the folder cannot be written.
        UsageError: The label or the device does not exist, or there is nothing to paint.
    """
    if not request.seeds:
        raise UsageError("--seeds is empty; give some, such as 0-63.")
    if request.batch < 1:
        raise UsageError(f"--batch is {request.batch}, but it must be 1 or more.")
    path = model_file(request.model, best=request.best)
    model = load_model(path, device=request.device)
    make_folder(request.out, "choose another --out")
    source = SourceType.GENERATED if request.mark else None
    hashed = file_hash(path)[:16]
    suffix = label_suffix(request.label)
    cells = request.grid[0] * request.grid[1] if request.grid else request.batch
    written: list[Path] = []
    for start in range(0, len(request.seeds), cells):
        seeds = list(request.seeds[start : start + cells])
        levels = to_levels(model.sample(seeds, label=request.label, batch=request.batch))
        labels = [request.label or drawn_class(model.descriptor.labels, seed) for seed in seeds]
        pages: list[tuple[str, Levels, dict[str, Any]]]
        if request.grid:
            told = {"labels": labels} if not request.label and labels[0] is not None else {"label": labels[0]}
            recipe = {"seeds": seeds, "model": hashed, **told}
            pages = [(grid_name(seeds), contact_sheet(levels, request.grid[1]), recipe)]
        else:
            pages = [
                (f"seed-{seed:06d}", level, {"seed": seed, "model": hashed, "label": label})
                for seed, level, label in zip(seeds, levels, labels, strict=True)
            ]
        for name, page, recipe in pages:
            target = request.out / f"{name}{suffix}.{request.format}"
            data = encode(page, request.format, source, recipe if request.recipe else None)
            write_bytes(target, data)
            written.append(target)
            report(Wrote("sample", target))
    return written


def drawn_class(labels: LabelSpec, seed: int) -> str | None:
    """The class that a seed draws where none is asked for, as `ganvas.model.model.Model.sample` does."""
    return labels.names[seed_of(seed, "class") % len(labels.names)] if labels.kind == "class" else None


def grid_name(seeds: Sequence[int]) -> str:
    """A sheet's name without its extension: first and last seed, and a hash of all where they are no plain range."""
    name = f"grid-seeds-{seeds[0]}-{seeds[-1]}"
    plain = list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return name if plain else f"{name}-{_short_hash(list(seeds))}"


def label_suffix(label: str | Mapping[str, float] | None) -> str:
    """The part of a file's name that tells the label asked for; with a hash where characters had to be left out."""
    if not label:
        return ""
    text = label if isinstance(label, str) else ",".join(f"{key}={float(label[key])!r}" for key in sorted(label))
    slug = slugify(text, empty="")
    return "".join(f"-{part}" for part in (slug, "" if slug == text else _short_hash(text)) if part)


def _short_hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:6]


def parse_seeds(text: str) -> list[int]:
    """``"0-63,100"`` as a list of seeds.

    Raises:
        UsageError: Not a list of whole numbers and ranges, or absurdly many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise UsageError(f"--seeds is '{text}', but it must be numbers and rising ranges such as 0-63,100.")
        if len(seeds) + last - first >= MOST_SEEDS:
            raise UsageError(f"--seeds is '{text}', which is more than {MOST_SEEDS} pictures; paint them in parts.")
        seeds += range(first, last + 1)
    return seeds


def model_file(path: Path, *, best: bool = False) -> Path:
    """The model file at a path: the file itself, or a run folder's last or best one."""
    if path.is_dir():
        return path / ("best.safetensors" if best else "model.safetensors")
    if best:
        raise UsageError(f"--best picks a model from a run folder, but '{path}' is a file.")
    return path
