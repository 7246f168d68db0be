"""Checkpoints: exact, whole or absent, and refused in words when they are neither ours nor intact."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from ganvas.errors import FileError
from ganvas.training import checkpoint
from ganvas.training.checkpoint import (
    checkpoint_path,
    checkpoint_steps,
    forget_checkpoints_after,
    prune,
    read_checkpoint,
    write_checkpoint,
)

FACTS: dict[str, Any] = {"counters": {"step": 5, "best_score": None, "lr_scale": 0.1}, "histories": {}}


def tensors() -> dict[str, Tensor]:
    return {
        "a/weight": torch.randn(3, 4, 2, 2).to(memory_format=torch.channels_last),
        "a/shared": torch.randn(6)[::2],
        "a/bits": torch.tensor([float("nan"), -0.0, float("inf"), 1e-45]),
        "a/half": torch.randn(3).bfloat16(),
        "b/step": torch.tensor(7.0),
        "b/count": torch.tensor(2**40),
        "b/empty": torch.zeros(0, 3),
        "random/cpu": torch.get_rng_state(),
    }


def same_bits(ours: Tensor, theirs: Tensor) -> bool:
    as_bytes = [value.contiguous().reshape(-1).view(torch.uint8) for value in (ours, theirs)]
    return ours.dtype == theirs.dtype and ours.shape == theirs.shape and torch.equal(*as_bytes)


def test_what_is_written_reads_back_to_the_bit(tmp_path: Path) -> None:
    path, written = checkpoint_path(tmp_path, 5), tensors()
    write_checkpoint(path, written, FACTS)
    read, facts = read_checkpoint(path)
    assert facts == FACTS
    assert set(read) == set(written)
    assert all(same_bits(read[key], value) for key, value in written.items())


def test_tensors_that_share_memory_are_all_kept(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    write_checkpoint(tmp_path / "1.safetensors", {"a": whole, "b": whole, "c": whole[2:]}, {})
    read, _ = read_checkpoint(tmp_path / "1.safetensors")
    assert [read[key].tolist() for key in "abc"] == [whole.tolist(), whole.tolist(), [2, 3, 4, 5]]


def test_what_is_done_to_read_tensors_does_not_reach_the_file(tmp_path: Path) -> None:
    path = checkpoint_path(tmp_path, 5)
    write_checkpoint(path, {"a": torch.zeros(5000)}, {})
    before = path.read_bytes()
    read, _ = read_checkpoint(path)
    read["a"] += 1
    assert path.read_bytes() == before
    write_checkpoint(path, {"a": torch.full((5000,), 3.0)}, {})
    assert (read["a"] == 1).all()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut in the tensors": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in the header": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"0"),
    "a header of 2^60 bytes": lambda path: path.write_bytes((2**60).to_bytes(8, "little") + b"{}"),
    "a picture": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = checkpoint_path(tmp_path, 5)
    write_checkpoint(path, tensors(), FACTS)
    damage(path)
    with pytest.raises(FileError, match=f"'{path}' is damaged .*; delete it to go on from an older one"):
        read_checkpoint(path)


def test_no_flipped_byte_of_the_header_escapes_as_another_error(tmp_path: Path) -> None:
    path, refused = checkpoint_path(tmp_path, 5), 0
    write_checkpoint(path, {"a": torch.zeros(2), "b": torch.zeros(1)}, {"x": 1})
    intact = path.read_bytes()
    for position in range(len(intact) - 12):
        spoilt = bytearray(intact)
        spoilt[position] ^= 0b10101
        path.write_bytes(spoilt)
        try:
            read_checkpoint(path)
        except FileError:
            refused += 1
    assert refused > 0.5 * len(intact)


@pytest.mark.parametrize("metadata", [None, {"format": "ganvas-model-1"}])
def test_a_foreign_file_is_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = checkpoint_path(tmp_path, 5)
    save_file({"a": torch.zeros(2)}, path, metadata=metadata)
    with pytest.raises(FileError, match="is not a checkpoint of this version"):
        read_checkpoint(path)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_interrupted_half_way_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    path = checkpoint_path(tmp_path, 5)
    write_checkpoint(path, {"a": torch.zeros(3)}, {"old": True})

    def half(flat: dict[str, Tensor], file: Path, metadata: dict[str, str]) -> None:
        Path(file).write_bytes(b"half")
        raise error

    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(FileError if isinstance(error, OSError) else type(error)):
        write_checkpoint(path, {"a": torch.ones(3)}, {"old": False})
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    read, facts = read_checkpoint(path)
    assert facts == {"old": True}
    assert (read["a"] == 0).all()


@pytest.mark.parametrize(("free_bytes", "fits"), [(4_000_000, False), (4_190_000, False), (4_300_000, True)])
def test_a_disk_too_full_is_refused_with_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, fits: bool
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free_bytes))
    path, million = checkpoint_path(tmp_path, 5), {"a": torch.zeros(1_000_000)}
    if fits:
        write_checkpoint(path, million, {})
        assert path.exists()
        return
    with pytest.raises(FileError, match=f"A checkpoint needs 4 MB, but '{tmp_path}' has 4 MB free; free some space"):
        write_checkpoint(path, million, {})
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """Steps 0, 5, … 30, and files that are none."""
    for step in range(0, 35, 5):
        checkpoint_path(tmp_path, step).touch()
    for name in ("model.safetensors", ".0a1b2c3d.000000035.safetensors", "000000040.txt"):
        (tmp_path / name).touch()
    return tmp_path


def test_steps_are_in_order_of_number(seven: Path) -> None:
    checkpoint_path(seven, 1_234_567_890).touch()
    assert checkpoint_steps(seven) == [0, 5, 10, 15, 20, 25, 30, 1_234_567_890]


@pytest.mark.parametrize(
    ("last", "keep", "left"),
    [
        (1, (), [30]),
        (2, (), [25, 30]),
        (2, {10, 20}, [10, 20, 25, 30]),
        (1, {30, 99}, [30]),
        (9, (), list(range(0, 35, 5))),
    ],
)
def test_pruning_keeps_the_last_and_those_named(seven: Path, last: int, keep: Any, left: list[int]) -> None:
    gone = prune(seven, last, keep)
    assert checkpoint_steps(seven) == left
    assert sorted(gone + left) == list(range(0, 35, 5))
    assert (seven / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("step", "left"), [(12, [0, 5, 10]), (15, [0, 5, 10, 15]), (0, [0]), (99, list(range(0, 35, 5)))]
)
def test_a_discarded_future_is_deleted(seven: Path, step: int, left: list[int]) -> None:
    forget_checkpoints_after(seven, step)
    assert checkpoint_steps(seven) == left
    assert (seven / "000000040.txt").exists()
