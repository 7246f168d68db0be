from pathlib import Path

import numpy as np
import pytest

from ganvas.apply.tiles import spans
from ganvas.events import Event, Planned
from ganvas.job.open_model import open_model
from ganvas.job.painter import Painter
from ganvas.job.photo_files import find_photos
from ganvas.job.preview import preview
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
