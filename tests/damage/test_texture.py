import math

import pytest

from ganvas.damage.texture import smooth_noise
from ganvas.draw import Draw


@pytest.mark.parametrize("cell", [2, 3, 8, 16])
def test_every_pixel_is_standard_normal(cell: int) -> None:
    field = smooth_noise(Draw(2, 4000), (20, 26), cell)
    assert field.shape == (4000, 20, 26)
    assert field.mean(0).abs().max() < 5.5 / math.sqrt(4000)
    assert (field.square().mean(0) - 1).abs().max() < 5.5 * math.sqrt(2 / 4000)
    assert abs(float(field.pow(4).mean()) - 3) < 0.2


def test_it_is_as_smooth_as_its_cells_are_large() -> None:
    steps = [smooth_noise(Draw(2, 50), (64, 64), cell).diff(dim=2).square().mean() for cell in (2, 4, 8, 16)]
    assert steps == sorted(steps, reverse=True)
    assert steps[3] < 0.02


def test_it_may_be_one_pixel_wide() -> None:
    assert smooth_noise(Draw(2, 3), (50, 1), 12).shape == (3, 50, 1)
