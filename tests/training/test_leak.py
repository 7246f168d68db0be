import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import ganvas
from ganvas.metric.diversity import random_features
from ganvas.training.leak import augmentation_leak
from tests.training.conftest import COUNT


def augment(images: Tensor, p: float, seed: int) -> Tensor:
    """With chance p each: turned upside down; a quarter painted grey; darker or brighter."""
    generator = torch.Generator().manual_seed(seed)
    flip, cut, colour = (torch.rand(3, len(images), 1, 1, 1, generator=generator) < p).unbind()
    images = torch.where(flip, images.flip(2), images)
    hole = torch.zeros(1, 1, 28, 28)
    hole[..., 7:21, 7:21] = 1
    images = torch.where(cut, images * (1 - hole), images)
    return torch.where(colour, images + torch.randn(len(images), 1, 1, 1, generator=generator) / 2, images)


@pytest.mark.parametrize("p", [0.3, 0.8])
def test_leak_is_found_and_half_a_leak_is_less(draw: Callable[..., Tensor], p: float) -> None:
    pictures = draw()
    reals, augmented = random_features(pictures), random_features(augment(pictures, p, 0))
    all_of_it, half_of_it, none = (random_features(augment(draw(), part * p, 1)) for part in (1, 0.5, 0))
    found = [augmentation_leak(reals, augmented, fakes) for fakes in (all_of_it, half_of_it, none)]
    assert found[0] > 0.5
    assert 0.1 < found[1] < 0.7
    assert found[1] < found[0]
    assert found[2] < 0.1


def test_leak_of_symmetrical_colour_changes_is_found(draw: Callable[..., Tensor]) -> None:
    def recolour(images: Tensor) -> Tensor:
        return images + 0.5 * torch.randn(len(images), 1, 1, 1, generator=torch.Generator().manual_seed(len(images)))

    pictures = draw()
    reals, augmented, fakes = (random_features(x) for x in (pictures, recolour(pictures), recolour(draw(255))))
    assert augmentation_leak(reals, augmented, fakes) > 0.4


def test_fakes_beyond_the_augmented_pictures_are_no_leak() -> None:
    reals, step = torch.randn(2, COUNT, 40, generator=torch.Generator().manual_seed(0))
    augmented = reals + 0.1 * step + torch.eye(40)[0]
    assert augmentation_leak(reals, augmented, reals.flip(0) + torch.eye(40)[0]) > 0.7
    assert augmentation_leak(reals, augmented, reals.flip(0) + 3 * torch.eye(40)[0]) == 0


def test_poor_pictures_are_no_leak(draw: Callable[..., Tensor]) -> None:
    noise = torch.randn(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    pictures = draw()
    reals, augmented = random_features(pictures), random_features(augment(pictures, 0.3, 0))
    for poor in (noise, F.avg_pool2d(draw(), 3, 1, 1), draw() + 0.2 * noise, draw(1).repeat(COUNT, 1, 1, 1)):
        assert augmentation_leak(reals, augmented, random_features(poor)) < 0.3


@pytest.mark.parametrize("count", [2, 16, 64])
def test_few_pictures_raise_no_leak(draw: Callable[..., Tensor], count: int) -> None:
    large = 0
    for seed in range(40):
        pictures = draw(count)
        augmented = random_features(augment(pictures, 0.3, seed))
        large += augmentation_leak(random_features(pictures), augmented, random_features(draw(count))) > 0.3
    assert large <= 2  # single ticks; an alarm needs five in a row


def test_leak_of_pictures_that_do_not_differ_is_none() -> None:
    same = torch.ones(32, 208)
    assert augmentation_leak(same, same, same) == 0
    assert augmentation_leak(same, 2 * same, 2 * same) == 0
    reals = torch.randn(32, 208, generator=torch.Generator().manual_seed(0))
    assert augmentation_leak(reals, reals, reals + 1) == 0


ON_THE_DEVICE = re.compile(r"(\.double\(\)|float64\)?)\.cpu\(\)")
"""A number becomes float64 where it is and only then comes to the CPU; a Mac's GPU has no float64."""


def test_no_device_is_asked_for_float64() -> None:
    assert ON_THE_DEVICE.search("torch.cat([a, b]).double().cpu()")
    assert ON_THE_DEVICE.search("a.to(torch.float64).cpu()")
    assert not ON_THE_DEVICE.search("a.cpu().double()")
    sources = sorted(Path(ganvas.__file__).parent.rglob("*.py"))
    assert len(sources) > 50
    found = [str(path) for path in sources if ON_THE_DEVICE.search(path.read_text(encoding="utf-8"))]
    assert found == []
