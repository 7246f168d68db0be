import math

import torch

from ganvas.damage.noise import noisy
from ganvas.draw import Draw

SIDE = 128


def noise(light: float, sigma: float, shot: float, grey: bool = False) -> torch.Tensor:
    """What noise of one kind adds to a flat picture, in levels ``(3, SIDE, SIDE)``."""
    flat = torch.full((1, 3, SIDE, SIDE), light * 2 - 1)
    painted = noisy(flat, torch.tensor([sigma]), torch.tensor([shot]), torch.tensor([grey]), Draw(4, 1))
    return (painted - flat)[0] * 127.5


def test_its_deviation_is_as_stated_at_every_light() -> None:
    for light, shot in ((0.5, 0.0), (0.5, 1.0), (0.1, 0.0), (0.1, 1.0), (0.9, 1.0), (0.9, 0.4), (0.0, 0.6)):
        drawn = noise(light, 20.0, shot)
        expected = 20.0 * math.sqrt(1 - shot + 2 * shot * light)
        assert abs(float(drawn.std()) / expected - 1) < 4.5 / math.sqrt(2 * drawn.numel())
        assert abs(float(drawn.mean())) < 4.5 * expected / math.sqrt(drawn.numel())


def test_grey_noise_is_one_in_all_channels_and_colour_is_three() -> None:
    grey, colour = noise(0.5, 20.0, 0.0, grey=True), noise(0.5, 20.0, 0.0)
    assert torch.allclose(grey, grey[:1], atol=1e-4)
    between = torch.corrcoef(colour.flatten(1)) - torch.eye(3)
    assert between.abs().max() < 4.5 / SIDE


def test_each_sample_has_its_own_deviation_and_none_is_none() -> None:
    flat, false = torch.zeros(3, 3, 64, 64), torch.zeros(3, dtype=torch.bool)
    added = noisy(flat, torch.tensor([0.0, 5.0, 50.0]), torch.zeros(3), false, Draw(1, 3)) * 127.5
    assert torch.equal(added[0], flat[0])
    deviations = added.flatten(1).std(1)
    assert torch.allclose(deviations[1:], torch.tensor([5.0, 50.0]), rtol=0.05)
