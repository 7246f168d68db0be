"""Large holes: what is plain stays plain, what repeats goes on, and texture is as it is around."""

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from torch import Tensor

from ganvas.apply.completed import completed
from ganvas.apply.guess import guessed
from ganvas.task.photo import detail_distance
from ganvas.tensors import Images
from tests.task.scenes import scenes


def disc(height: int, width: int, row: int, column: int, radius: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def filled(picture: Images, hole: Tensor) -> Images:
    """With nothing of the truth in the hole."""
    found = completed(torch.where(hole, torch.tensor(0.9), picture), hole)
    assert found is not None
    assert torch.equal(found[:, ~hole], picture[:, ~hole])
    return found


@pytest.mark.parametrize("channels", [1, 3])
def test_plain_stays_plain(channels: int) -> None:
    plain = torch.full((channels, 150, 131), 0.3)
    torch.testing.assert_close(filled(plain, disc(150, 131, 70, 60, 45)), plain)


def test_a_soft_shade_stays_one() -> None:
    y, x = torch.meshgrid(torch.linspace(-0.8, -0.3, 220), torch.linspace(0, 0.2, 200), indexing="ij")
    sky = torch.stack([y + x, y, y - x])
    assert (filled(sky, disc(220, 200, 110, 95, 55)) - sky).abs().max() < 1 / 127.5


def test_an_edge_goes_on_straight() -> None:
    y, x = torch.meshgrid(torch.arange(180), torch.arange(200), indexing="ij")
    two = torch.where(y + 0.5 * x < 130, 0.7, -0.6)[None].repeat(3, 1, 1)
    hole = disc(180, 200, 80, 100, 40)
    wrong = (filled(two, hole) - two).abs().amax(0)[hole] > 0.3
    assert wrong.float().mean() < 0.03


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_texture_is_like_that_around_the_hole(name: str) -> None:
    """A photograph's own texture, against a membrane that has none."""
    folder = Path(skimage.__file__).parent / "data"
    levels = np.array(Image.open(folder / f"{name}.png").convert("RGB"))[:320, :320]
    picture = torch.from_numpy(levels).permute(2, 0, 1).float() / 127.5 - 1
    hole = disc(320, 320, 150, 160, 60)
    found = filled(picture, hole)
    skin = guessed(torch.where(hole, torch.zeros(()), picture)[None], hole[None, None].float())[0]
    ours, smooth = (detail_distance(result[None], picture[None], hole[None, None].float()) for result in (found, skin))
    assert ours < 0.1 * smooth


def test_a_picture_too_large_is_filled_at_half_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as at full size where nothing is fine."""
    y, x = torch.meshgrid(torch.linspace(-0.5, 0.5, 161), torch.linspace(-0.3, 0.3, 150), indexing="ij")
    soft = torch.stack([0.3 * torch.sin(9 * y), 0.3 * torch.cos(8 * x), x])
    hole = disc(161, 150, 80, 70, 30)
    monkeypatch.setattr("ganvas.apply.completed.MOST_PX", 161 * 150)
    at_full = filled(soft, hole)
    monkeypatch.setattr("ganvas.apply.completed.MOST_PX", 161 * 150 - 1)
    at_half = filled(soft, hole)
    assert not torch.equal(at_half, at_full)
    assert (at_half - at_full).abs().mean() < 0.02
    assert (at_half - soft).abs()[:, hole].mean() < 0.1


def test_it_is_the_same_every_time() -> None:
    picture, hole = scenes(1, 140, 150)[0], disc(140, 150, 60, 70, 40)
    assert torch.equal(filled(picture, hole), filled(picture, hole))


def test_the_hole_itself_says_nothing() -> None:
    picture, hole = scenes(1, 140, 150)[0], disc(140, 150, 60, 70, 40)
    assert torch.equal(filled(picture, hole), filled(torch.where(hole, torch.tensor(-0.2), picture), hole))


def test_scratches_around_a_hole_are_filled_too() -> None:
    picture, hole = scenes(1, 160, 160)[0], disc(160, 160, 80, 80, 30)
    hole[:, 10::16] = True
    found = filled(picture, hole)
    assert found.isfinite().all()
    assert (found - picture).abs()[:, hole].mean() < 0.25


@pytest.mark.parametrize("known", [0, 3])
def test_nothing_to_take_patches_from(known: int) -> None:
    hole = torch.ones((60, 60), dtype=torch.bool)
    hole[:known] = False
    assert completed(torch.zeros(3, 60, 60), hole) is None


def test_a_picture_whose_patches_are_whole_at_the_finest_scale_alone() -> None:
    hole = torch.ones((80, 90), dtype=torch.bool)
    hole[:8] = False
    assert torch.allclose(filled(torch.full((3, 80, 90), -0.5), hole), torch.tensor(-0.5))


def test_progress_rises_to_one_and_is_mostly_that_of_the_finest_scale() -> None:
    told: list[float] = []
    hole = disc(150, 131, 70, 60, 45)
    assert completed(torch.full((1, 150, 131), 0.3), hole, told.append) is not None
    assert told == sorted(told)
    assert told[-1] == 1
    assert told[0] < 0.02
    assert completed(torch.full((1, 8, 8), 0.3), torch.ones(8, 8, dtype=torch.bool), told.append) is None
