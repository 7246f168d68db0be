"""Checkpoints: one safetensors file each, written beside and renamed, pruned by one rule."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganvas.errors import FileError
from ganvas.files import atomic_path

FORMAT = "ganvas-checkpoint-1"


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"{step:09d}.safetensors"


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint; a kill at any moment leaves the old files or the new one, never a part.

    Raises:
        FileError: The disk is full or the folder cannot be written.
    """
    flat = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    needed_bytes = sum(value.nbytes for value in flat.values())
    free_bytes = shutil.disk_usage(path.parent).free
    if free_bytes < needed_bytes * 1.05:
        raise FileError(
            f"A checkpoint needs {needed_bytes / 1e6:.0f} MB, but '{path.parent}' has {free_bytes / 1e6:.0f} MB "
            "free; free some space and run the same command again."
        )
    with atomic_path(path) as temporary:
        save_file(flat, temporary, metadata={"format": FORMAT, "facts": json.dumps(facts)})


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and facts of a checkpoint, on the CPU.

    Raises:
        FileError: The file is damaged or no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise FileError(f"'{path}' is not a checkpoint of this version ({FORMAT}).")
            # Copies: a tensor that stays mapped keeps Windows from deleting the file.
            tensors = {key: file.get_tensor(key).clone() for key in file.keys()}
            return tensors, json.loads(metadata["facts"])
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise FileError(
            f"The checkpoint '{path}' is damaged ({error}); delete it to go on from an older one."
        ) from error


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint, oldest first."""
    return sorted(int(path.stem) for path in folder.glob("*.safetensors") if path.stem.isdigit())


def forget_checkpoints_after(folder: Path, step: int) -> None:
    """Delete the checkpoints of a future that a roll-back has discarded."""
    for later in checkpoint_steps(folder):
        if later > step:
            checkpoint_path(folder, later).unlink()


def prune(folder: Path, keep_last: int, keep: Iterable[int]) -> list[int]:
    """Delete all checkpoints but the last few and those named; returns the deleted steps."""
    steps = checkpoint_steps(folder)
    kept = set(steps[-keep_last:]) | set(keep)
    gone = [step for step in steps if step not in kept]
    for step in gone:
        checkpoint_path(folder, step).unlink()
    return gone
