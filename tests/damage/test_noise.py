import torch

from ganvas.damage.noise import LEVEL, draw_grain, noisy
from ganvas.draw import Draw


def test_the_variance_grows_with_the_light() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1).expand(3, 3, 60, 60)
    grain = draw_grain(Draw(0, 3), (3, 60, 60), 0.0)
    out = noisy(images, grain, torch.full((3,), 6.0), torch.full((3,), 8.0))
    levels = (out - images).std((1, 2, 3)) / LEVEL
    torch.testing.assert_close(levels, torch.tensor([6.0, (36 + 32) ** 0.5, 10.0]), rtol=0.05, atol=0)


def test_none_is_none() -> None:
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    grain = draw_grain(Draw(0, 4), (3, 8, 8), 0.5)
    assert torch.equal(noisy(images, grain, torch.zeros(4), torch.zeros(4)), images)


def test_grey_grain_is_the_same_in_every_channel_and_as_often_as_asked() -> None:
    grain = draw_grain(Draw(3, 400), (3, 4, 4), 0.3)
    grey = (grain[:, 0] == grain[:, 1]).all(2).all(1)
    assert 0.2 < float(grey.float().mean()) < 0.4
    assert float(grain.std()) > 0.95
