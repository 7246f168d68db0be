"""Folders of few and tiny pictures, and runs on them that take a moment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ganvas.events import Event
from ganvas.job.prepare import Request
from ganvas.job.train import TrainResult, train
from tests.data.pictures import encoded, noise, write_folder

SMALL: dict[str, Any] = {
    "network": "fast", "width": 4, "kimg": 0.04, "batch": 4, "precision": "float32", "latent_dim": 4,
    "sample_every": 0.04, "checkpoint_every": 0.02, "preview_count": 4,
}  # fmt: skip
FLAGS = [word for key, value in SMALL.items() for word in (f"--{key.replace('_', '-')}", str(value))]
CLASSES = ("coat", "dress", "shoe")


def picture(seed: int, height: int = 8, width: int = 8, channels: int = 3) -> bytes:
    return encoded(noise(seed, height, width, channels))


def plain_folder(path: Path, count: int = 60, height: int = 8, width: int = 8, channels: int = 3) -> Path:
    return write_folder(path, {f"{row:03d}.png": picture(row, height, width, channels) for row in range(count)})


def class_folder(path: Path, classes: Sequence[str] = CLASSES, count: int = 60) -> Path:
    return write_folder(path, {f"{classes[row % len(classes)]}/{row:03d}.png": picture(row) for row in range(count)})


def table_folder(path: Path, count: int = 60) -> Path:
    plain_folder(path, count)
    rows = "".join(f"{row:03d}.png,{row % 7 + 20},{row * 0.5}\n" for row in range(count))
    return write_folder(path, {"labels.csv": f"file,age,height\n{rows}".encode()})


def try_train(
    pictures: Path,
    runs: Path,
    *,
    request: dict[str, Any] | None = None,
    events: list[Event] | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    **options: Any,
) -> TrainResult:
    """The verb with tiny settings; ``None`` leaves an option to the planner."""
    given = {key: value for key, value in {**SMALL, **options}.items() if value is not None}
    whole = Request(pictures, runs, **(request or {}))
    return train(whole, given, report=(events if events is not None else []).append, interrupted=interrupted)


def small_train(pictures: Path, runs: Path, **options: Any) -> Path:
    """The run folder of a whole run."""
    return try_train(pictures, runs, **options).run


def after(steps: int) -> Callable[[], bool]:
    """Someone who asks to stop before the step with this number."""
    left = iter([False] * steps)
    return lambda: next(left, True)


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file and its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
