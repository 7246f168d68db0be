import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.augment.colour import compose_colour, draw_colour, linear_part, recolour
from ganvas.draw import Draw


def colour(channels: int, brightness: float = 0, contrast: float = 1, saturation: float = 1) -> Tensor:
    parts = torch.tensor([[brightness], [contrast], [saturation]])
    return compose_colour(parts[0], parts[1], parts[2], channels)


def pictures(channels: int) -> Tensor:
    return torch.randn(1, channels, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_each_follows_its_formula_and_alpha_stays(channels: int) -> None:
    images = pictures(channels)
    x = images.numpy().copy()
    rgb = x[:, :3]
    grey = rgb.mean(1, keepdims=True)
    results = {
        "brightness": (colour(channels, brightness=0.25), rgb + 0.25),
        "contrast": (colour(channels, contrast=1.5), rgb * 1.5),
        "saturation": (colour(channels, saturation=0.5), grey + 0.5 * (rgb - grey)),
        "all": (colour(channels, 0.25, 1.5, 0.5), 1.5 * (grey + 0.5 * (rgb - grey)) + 0.25),
    }
    for name, (parameters, expected) in results.items():
        recoloured = recolour(images, parameters).numpy()
        np.testing.assert_allclose(recoloured[:, :3], expected, rtol=1e-6, atol=1e-12, err_msg=name)
        assert np.array_equal(recoloured[:, 3:], x[:, 3:])


def test_no_saturation_leaves_grey() -> None:
    recoloured = recolour(pictures(3), colour(3, saturation=0))
    torch.testing.assert_close(recoloured, pictures(3).mean(1, keepdim=True).expand(-1, 3, -1, -1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_probability_zero_is_the_exact_identity(channels: int, dtype: torch.dtype) -> None:
    images = pictures(channels).to(dtype).expand(9, -1, -1, -1)
    recoloured = recolour(images, draw_colour(0.0, Draw(3, 9), channels))
    assert torch.equal(recoloured, images)
    assert recoloured.dtype == dtype


@pytest.mark.parametrize("probability", [0.2, 0.8, 1.0])
def test_each_of_the_three_has_half_the_probability(probability: float) -> None:
    count = 10000
    own, grey, added = draw_colour(probability, Draw(4, count), 3)[:, :, 0].unbind(1)
    touched = {
        "brightness": added != 0,
        "contrast": ((own + grey) - 1).abs() > 1e-6,  # what a grey picture is multiplied by
        "saturation": grey != 0,
    }
    half = probability / 2
    for name, hits in touched.items():
        assert abs(int(hits.sum()) - count * half) < 4.5 * math.sqrt(count * half * (1 - half)), name
    for one, other in itertools.combinations(touched.values(), 2):
        both = (one & other).float().mean().item()
        assert both == pytest.approx(half**2, abs=0.02)  # independent of one another


def test_strengths_are_those_of_the_paper() -> None:
    own, grey, added = draw_colour(1.0, Draw(4, 40000), 3)[:, :, 0].double().unbind(1)
    contrast = (own + grey).log2()
    saturation = (own / (own + grey)).log2()
    assert added[added != 0].std().item() == pytest.approx(0.2, rel=0.03)
    assert contrast[contrast.abs() > 1e-6].std().item() == pytest.approx(0.5, rel=0.03)
    assert saturation[grey != 0].std().item() == pytest.approx(1.0, rel=0.03)


def test_the_linear_part_adds_nothing() -> None:
    parameters = draw_colour(1.0, Draw(4, 20), 4)
    zero = torch.zeros(20, 4, 2, 2)
    assert recolour(zero, parameters).abs().max() > 0
    assert torch.equal(recolour(zero, linear_part(parameters)), zero)
