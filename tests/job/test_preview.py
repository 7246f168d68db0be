from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.apply.bands import filtered_window
from ganvas.apply.completed import MOST_PX
from ganvas.apply.deep import most_bytes
from ganvas.apply.filter import LocalFilter
from ganvas.apply.tiles import spans
from ganvas.errors import OutOfMemory
from ganvas.events import Event, Planned
from ganvas.job.open_model import open_model
from ganvas.job.painter import Painter
from ganvas.job.photo_files import Entry, find_photos
from ganvas.job.photo_options import PhotoOptions
from ganvas.job.preview import preview
from ganvas.job.upscale import UpscaleRequest, upscale
from tests.job.conftest import Models
from tests.photo_models import noise, write_picture


@pytest.fixture
def painter(models: Models) -> Painter:
    return Painter("upscale", open_model(models.upscale, "upscale", 2, "cpu"), tile=8)


def test_nothing_is_written_and_everything_is_told(tmp_path: Path, painter: Painter) -> None:
    write_picture(tmp_path / "in" / "a.png", noise(30, 40))
    (tmp_path / "in" / "b.png").write_bytes(b"broken")
    events: list[Event] = []
    plan = preview(find_photos(tmp_path / "in", tmp_path / "out"), (painter,), events.append)
    assert not (tmp_path / "out").exists()
    assert plan["files"] == {"a.png": {"size_px": [40, 30]}}
    assert list(plan["broken"]) == ["b.png"]
    assert plan["seconds"] > 0
    assert plan["peak_memory_bytes"] > 50 << 20  # Python and torch alone are more
    (planned,) = events
    assert isinstance(planned, Planned)
    assert planned.plan == plan
    assert ("a.png", "40x30") in planned.lines
    assert "deep holes" not in dict(planned.lines)


def test_seconds_are_those_of_all_tiles(tmp_path: Path, painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 100.0, 2.0))
    monkeypatch.setattr("ganvas.job.preview.time.perf_counter", lambda: float(next(clock)))
    write_picture(tmp_path / "in" / "a.png", noise(30, 40))
    write_picture(tmp_path / "in" / "b.png", noise(7, 5))
    plan = preview(find_photos(tmp_path / "in", tmp_path / "out"), (painter,), lambda event: None)
    filter = painter.assembly(alpha=False).filter
    side = min(8 + 2 * filter.radius_px, 40)  # of the tile that takes two seconds

    def read(length: int) -> int:
        return sum(span.read_to - span.read_from for span in spans(length, 8, filter.radius_px, 1))

    wanted = 2.0 * (read(30) * read(40) + read(7) * read(5)) / side**2
    assert plan["seconds"] == pytest.approx(wanted, abs=1e-3)


def with_room_for(side: int) -> Callable[..., Tensor]:
    """Painting, where memory ends at windows of this side."""

    def window(given: Tensor, filter: LocalFilter, device: torch.device) -> Tensor:
        if max(given.shape[2:]) > side:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return filtered_window(given, filter, device)

    return window


def test_a_tile_that_memory_has_no_room_for_is_halved_as_it_will_be(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_picture(tmp_path / "a.png", noise(90, 90))
    options = PhotoOptions(model=models.upscale, device="cpu", tile="100000")
    for module in ("apply.bands", "job.preview"):
        monkeypatch.setattr(f"ganvas.{module}.filtered_window", with_room_for(80))
    predicted = upscale(UpscaleRequest(source, tmp_path / "b.png", options=replace(options, dry_run=True))).plan
    (receipt,) = upscale(UpscaleRequest(source, tmp_path / "b.png", options=options)).receipts
    assert predicted is not None
    assert predicted["tile_px"] == [receipt.tile_px]
    assert receipt.tile_px is not None
    assert receipt.tile_px < 80


def test_a_device_that_has_no_room_for_any_tile(
    tmp_path: Path, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = find_photos(write_picture(tmp_path / "a.png", noise(30, 40)), tmp_path / "b.png")
    monkeypatch.setattr("ganvas.job.preview.filtered_window", with_room_for(0))
    with pytest.raises(OutOfMemory, match="cpu has too little memory even for tiles of 1 px"):
        preview(files, (painter,), lambda event: None)

    def wrong(*arguments: object) -> Tensor:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("ganvas.job.preview.filtered_window", wrong)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        preview(files, (painter,), lambda event: None)


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
def test_what_cannot_be_looked_at_is_told(tmp_path: Path, painter: Painter, error: Exception) -> None:
    def check(entry: Entry, size: tuple[int, int]) -> None:
        raise error

    files = find_photos(write_picture(tmp_path / "a.png", noise(30, 40)), tmp_path / "b.png")
    plan = preview(files, (painter,), lambda event: None, check)
    assert plan["files"] == {}
    assert "'a.png'" in plan["broken"]["a.png"]


def test_deep_holes_need_more_in_larger_photographs(tmp_path: Path, models: Models) -> None:
    """Also above the size at which they are filled: copies and masks are as large as the photograph."""
    painter = Painter("repair", open_model(models.repair, "repair", 1, "cpu"), tile=8)
    told = []
    for side in (600, 1200):
        source = write_picture(tmp_path / f"{side}.png", np.zeros((side, side, 1), np.uint8))
        events: list[Event] = []
        preview(find_photos(source, tmp_path / "out.png"), (painter,), events.append)
        (planned,) = events
        assert isinstance(planned, Planned)
        told.append(dict(planned.lines)["deep holes"])
    assert told == [f"take longer, and up to {most_bytes(side**2, 1) / 2**20:,.0f} MiB more" for side in (600, 1200)]
    assert most_bytes(10 * MOST_PX, 3) - most_bytes(9 * MOST_PX, 3) >= 3 * MOST_PX


def test_a_step_behind_an_enlargement_has_more_to_do(
    tmp_path: Path, models: Models, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(np.arange(0.0, 100.0, 2.0))
    monkeypatch.setattr("ganvas.job.preview.time.perf_counter", lambda: float(next(ticks)))
    write_picture(tmp_path / "a.png", noise(32, 48))
    write_picture(tmp_path / "large.png", noise(64, 96))
    after = Painter("restore", open_model(models.restore, "restore", 1, "cpu"), tile=16)

    def seconds(name: str, *painters: Painter) -> float:
        plan = preview(find_photos(tmp_path / name, tmp_path / "b.png"), painters, lambda event: None)
        assert plan["tile_px"] == [painter.tile for painter in painters]
        return float(plan["seconds"])

    both = seconds("a.png", painter, after)
    assert both == pytest.approx(seconds("a.png", painter) + seconds("large.png", after), abs=1e-3)
