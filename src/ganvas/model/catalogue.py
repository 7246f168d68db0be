"""Models that came with ganvas, by task and scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ganvas.errors import FileError
from ganvas.files import file_hash
from ganvas.model.descriptor import Descriptor
from ganvas.model.load import read_descriptor

FOLDER = Path(__file__).parents[1] / "weights"
_HOW_TO_TRAIN = {
    "upscale": "ganvas train PHOTOS --task upscale --scale {scale}",
    "restore": "ganvas train PHOTOS --task restore",
    "repair": "ganvas train PHOTOS --task repair",
    "find-scratches": "ganvas train PHOTOS --task find-scratches",
}


@dataclass(frozen=True)
class Installed:
    """A model file of the package.

    Attributes:
        path: The file.
        descriptor: What it says of itself.
        parameters: Numbers in its final networks, snapshots not counted.
        size_bytes: Of the file.
        sha256: Of the file.
    """

    path: Path
    descriptor: Descriptor
    parameters: int
    size_bytes: int
    sha256: str

    @property
    def scale(self) -> int:
        """Output side / input side."""
        photo = self.descriptor.photo
        return photo.scale if photo is not None else 1

    def facts(self) -> dict[str, Any]:
        """As plain values: what a user chooses by, and what they must know before using it."""
        card: Mapping[str, Any] = self.descriptor.card
        return {
            "name": self.path.stem,
            "task": self.descriptor.task,
            "scale": self.scale,
            "parameters": self.parameters,
            "size_bytes": self.size_bytes,
            "licence": card.get("licence"),
            "data": card.get("data"),
            "scores": card.get("scores"),
            "sha256": self.sha256,
            "path": str(self.path),
        }


def installed_models(folder: Path = FOLDER) -> list[Installed]:
    """All models in the package's folder, by name.

    Raises:
        FileError: One of them is damaged.
    """
    return [_read(path) for path in sorted(folder.glob("*.safetensors"))] if folder.is_dir() else []


def installed_for(task: str, scale: int, folder: Path = FOLDER, *, flag: str = "--model") -> Path:
    """The file of the model for a task at a scale; of several the last by name.

    Raises:
        FileError: There is none; the message says how to train one.
    """
    found = [path for path in sorted(folder.glob("*.safetensors")) if _fits(path, task, scale)]
    if not found:
        what = f"{task} ×{scale}" if scale > 1 else task
        command = _HOW_TO_TRAIN[task].format(scale=scale)
        raise FileError(f"No model for {what} is installed; train one ({command}) or give one with {flag} FILE.")
    return found[-1]


def _fits(path: Path, task: str, scale: int) -> bool:
    descriptor = read_descriptor(path)
    return descriptor.task == task and (descriptor.photo.scale if descriptor.photo else 1) == scale


def _read(path: Path) -> Installed:
    descriptor = read_descriptor(path)
    with safe_open(path, framework="pt") as file:
        final = [key for key in file.keys() if not key.startswith("snapshot/")]
        parameters = sum(prod(file.get_slice(key).get_shape()) for key in final)
    return Installed(path, descriptor, parameters, path.stat().st_size, file_hash(path))
