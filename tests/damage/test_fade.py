import torch

from ganvas.damage.fade import faded
from ganvas.draw import Draw
from tests.damage.photographs import scenes


def test_no_strength_changes_nothing() -> None:
    images = scenes(4)
    assert torch.equal(faded(images, torch.zeros(4), Draw(0, 4)), images)


def test_prints_lose_contrast_and_blue() -> None:
    images = scenes(32, 32, 32)
    out = faded(images, torch.ones(32), Draw(1, 32))
    assert (out >= -1).all()
    assert (out <= 1).all()
    assert out.std((1, 2, 3)).mean() < 0.8 * images.std((1, 2, 3)).mean()
    towards_red = (out[:, 0] - out[:, 2]).mean() - (images[:, 0] - images[:, 2]).mean()
    assert towards_red > 0.02


def test_half_the_strength_is_less() -> None:
    images, draw = scenes(16, 32, 32), Draw(2, 16)
    half, whole = ((faded(images, torch.full((16,), s), draw) - images).abs().mean() for s in (0.5, 1.0))
    assert 0 < half < whole


def test_slices_are_parts_of_the_whole() -> None:
    images, draw = scenes(5, 16, 16), Draw(3, 5)
    whole = faded(images, torch.ones(5), draw)
    assert torch.equal(faded(images[1:3], torch.ones(2), draw.rows(1, 3)), whole[1:3])
