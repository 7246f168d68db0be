"""Photographs that cannot be done, for want of memory or for another reason: said in a sentence, listed, and passed."""

import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganvas.apply.deep import with_patches
from ganvas.errors import FileError, GanvasError, OutOfMemory
from ganvas.events import Applied, Event
from ganvas.image import png_writer
from ganvas.image.samples import stored_8
from ganvas.job.ledger import FAILED_FILE
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.photos import read_whole
from ganvas.job.repair import RepairRequest, repair
from ganvas.job.upscale import upscale
from tests.job.conftest import Models
from tests.job.test_photos import ask, files_in, folder
from tests.photo_models import noise, write_picture

NO_ROOM = "'{}' does not fit in the memory; close other programs, or scale it down."
ALLOCATOR = "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried 9 bytes."


def listed(out: Path) -> dict[str, str]:
    lines = (out / FAILED_FILE).read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def pressing_ctrl_c(done: int) -> Callable[[Event], None]:
    """When so many photographs are behind."""

    def stop(event: Event) -> None:
        if isinstance(event, Applied) and event.done == done:
            raise KeyboardInterrupt

    return stop


def test_a_single_photograph_s_failure_is_raised(tmp_path: Path, models: Models) -> None:
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(FileError, match=r"'.*a\.png' is not a picture"):
        upscale(ask(tmp_path / "a.png", tmp_path / "out", models))
    assert files_in(tmp_path / "out") == {"ganvas-done.jsonl"}


def test_failures_mended_are_no_longer_listed(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png")
    (source / "b.png").write_bytes(b"broken")
    assert upscale(ask(source, tmp_path / "out", models)).failed_file == tmp_path / "out" / FAILED_FILE
    folder(source, "b.png")
    assert upscale(ask(source, tmp_path / "out", models)).failed_file is None
    assert FAILED_FILE not in files_in(tmp_path / "out")


def test_a_single_photograph_leaves_the_list_of_a_folder(tmp_path: Path, models: Models) -> None:
    source, out = folder(tmp_path / "in", "a.png"), tmp_path / "out"
    (source / "b.png").write_bytes(b"broken")
    upscale(ask(source, out, models))
    before = listed(out)
    other = folder(tmp_path / "other", "c.png")
    assert upscale(ask(other / "c.png", out, models)).failed_file is None
    assert listed(out) == before


def test_what_failed_is_listed_when_someone_stops_it(tmp_path: Path, models: Models) -> None:
    source, out = folder(tmp_path / "in", "b.png", "c.png"), tmp_path / "out"
    (source / "a.png").write_bytes(b"broken")
    with pytest.raises(KeyboardInterrupt, match="Stopped, with 1 of 3 photographs done"):
        upscale(ask(source, out, models), report=pressing_ctrl_c(2))
    assert list(listed(out)) == ["a.png"]


def test_a_list_stays_while_what_is_on_it_was_not_tried_again(tmp_path: Path, models: Models) -> None:
    source, out = folder(tmp_path / "in", "a.png"), tmp_path / "out"
    (source / "b.png").write_bytes(b"broken")
    upscale(ask(source, out, models))
    write_picture(source / "a.png", noise(5, 5, seed=9))
    with pytest.raises(KeyboardInterrupt):
        upscale(ask(source, out, models), report=pressing_ctrl_c(0))
    assert list(listed(out)) == ["b.png"]


def test_a_full_disk_leaves_nothing_half_done(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png")
    sound, calls = png_writer.writing_png, 0

    def full(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(28, "No space left on device")
        return sound(*arguments)

    monkeypatch.setattr("ganvas.image.write_photo.writing_png", full)
    result = upscale(ask(source, tmp_path / "out", models))
    assert "No space left on device" in result.failed["a.png"]
    assert files_in(tmp_path / "out") == {"b.png", "ganvas-done.jsonl", FAILED_FILE}


def test_memory_that_runs_out_while_painting(tmp_path: Path, models: Models) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png")
    calls = 0

    def out_of_memory(event: Event) -> None:
        nonlocal calls
        if isinstance(event, Applied):
            calls += 1
            if calls == 1:
                raise MemoryError

    result = upscale(ask(source, tmp_path / "out", models), report=out_of_memory)
    assert result.failed["a.png"] == NO_ROOM.format("a.png")
    assert len(result.receipts) == 1


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
@pytest.mark.parametrize("ahead", [True, False])
def test_a_file_that_cannot_be_read_is_passed(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch, error: Exception, ahead: bool
) -> None:
    """Before its turn comes, or in it."""
    source, calls = folder(tmp_path / "in", "a.png", "b.png", "c.png"), 0

    def failing(path: Path) -> bytes:
        nonlocal calls
        calls += path.name == "b.png"
        if path.name == "b.png" and (ahead or calls == 2):
            raise error
        return read_whole(path)

    monkeypatch.setattr("ganvas.job.photos.read_whole", failing)
    if not ahead:
        monkeypatch.setattr("ganvas.job.photos.MAX_AHEAD_PIXELS", 1)
    result = upscale(ask(source, tmp_path / "out", models))
    assert len(result.receipts) == 2
    assert listed(tmp_path / "out") == result.failed
    assert list(result.failed) == ["b.png"]
    calls = 0
    with pytest.raises(GanvasError, match=r"'b\.png'.*(memory|Input/output error)") as caught:
        upscale(ask(source / "b.png", tmp_path / "alone", models))
    assert str(caught.value) == result.failed["b.png"]


def test_a_sound_photograph_is_not_called_damaged_for_want_of_memory(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder(tmp_path / "in", "a.png", "b.png", "c.png")

    def failing(image: Any) -> np.ndarray:
        if image.size == (7, 7):  # of b.png
            raise MemoryError("Unable to allocate 68.7 MiB for an array with shape (4000, 6000, 3)")
        return stored_8(image)

    monkeypatch.setattr("ganvas.image.read_photo.stored_8", failing)
    result = upscale(ask(source, tmp_path / "out", models))
    assert result.failed == {"b.png": NO_ROOM.format("b.png")}
    assert len(result.receipts) == 2
    with pytest.raises(OutOfMemory, match=r"'b\.png' does not fit in the memory"):
        upscale(ask(source / "b.png", tmp_path / "alone", models))


def deep_repair(root: Path, models: Models) -> RepairRequest:
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        write_picture(root / "in" / name, noise(9 + number, 9))
        mask = np.zeros((9 + number, 9, 1), np.uint8)
        mask[4, 4] = 255
        write_picture(root / "masks" / name, mask)
    options = PhotoOptions(model=models.repair, device="cpu")
    return RepairRequest(root / "in", root / "out", root / "masks", options=options)


@pytest.mark.parametrize("kind", [RuntimeError, torch.OutOfMemoryError])
def test_a_deep_hole_that_memory_has_no_room_for(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch, kind: type[RuntimeError]
) -> None:
    def failing(pixels: np.ndarray, *arguments: Any) -> tuple[np.ndarray, np.ndarray]:
        if len(pixels) == 10:  # b.png
            raise kind(ALLOCATOR)
        return with_patches(pixels, *arguments)

    monkeypatch.setattr("ganvas.apply.paint.with_patches", failing)
    request = deep_repair(tmp_path, models)
    result = repair(request)
    assert len(result.receipts) == 2
    assert result.failed == listed(tmp_path / "out") == {"b.png": NO_ROOM.format("b.png")}
    with pytest.raises(OutOfMemory, match=r"'b\.png' does not fit in the memory"):
        repair(replace(request, photos=tmp_path / "in" / "b.png", out=tmp_path / "alone.png"))
    assert not (tmp_path / "alone.png").exists()


def test_an_error_that_nobody_expected_is_raised_and_what_failed_before_is_listed(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*arguments: Any) -> tuple[np.ndarray, np.ndarray]:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("ganvas.apply.paint.with_patches", failing)
    request = deep_repair(tmp_path, models)
    (tmp_path / "in" / "a.png").write_bytes(b"broken")
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        repair(request)
    assert list(listed(tmp_path / "out")) == ["a.png"]


def test_an_error_does_not_keep_what_did_not_fit(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who keeps the error of one photograph has room for the next."""
    kept: list[Any] = []

    class Pixels:
        """What can be seen to be gone."""

    def failing(image: Any) -> np.ndarray:
        large = Pixels()
        kept.append(weakref.ref(large))
        raise MemoryError

    monkeypatch.setattr("ganvas.image.read_photo.stored_8", failing)
    source = folder(tmp_path / "in", "a.png")
    with pytest.raises(OutOfMemory) as caught:
        upscale(ask(source / "a.png", tmp_path / "out", models))
    assert caught.value.__cause__ is not None
    assert kept[0]() is None
