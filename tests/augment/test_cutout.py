import math

import pytest
import torch

from ganvas.augment.cutout import cut, draw_box
from ganvas.draw import Draw


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_box_in_the_middle_takes_half_of_each_side(dtype: torch.dtype) -> None:
    images = torch.ones(1, 4, 8, 12, dtype=dtype)
    holed = cut(images, torch.tensor([[0.25, 0.25, 0.75, 0.75]]))
    expected = images.clone()
    expected[:, :, 2:6, 3:9] = 0
    assert torch.equal(holed, expected)
    assert holed.dtype == dtype


def test_edges_are_half_open_and_may_lie_outside() -> None:
    box = torch.tensor([[-0.25, 0.625, 0.375, 1.125]])  # pixel centres are 0.125, 0.375, 0.625, 0.875
    holed = cut(torch.ones(1, 1, 4, 4), box)
    assert (holed[0, 0] == 0).nonzero().tolist() == [[2, 0], [3, 0]]


def test_holes_are_boxes_of_at_most_half_the_sides_and_at_least_a_quarter() -> None:
    holes = cut(torch.ones(500, 1, 32, 48), draw_box(1.0, Draw(1, 500)))[:, 0] == 0
    heights, widths = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(heights * widths, holes.sum((1, 2)))  # one box, not a scatter
    assert heights.min() >= 8
    assert heights.max() == 16
    assert widths.min() >= 12
    assert widths.max() == 24


def test_centres_are_uniform_over_the_picture() -> None:
    box = draw_box(1.0, Draw(2, 10000))
    centres = (box[:, :2] + box[:, 2:]) / 2
    assert (centres.mean(0) - 0.5).abs().max() < 4.5 / math.sqrt(12 * 10000)
    assert centres.min() < 0.01
    assert centres.max() > 0.99


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.8, 1.0])
def test_it_is_applied_as_often_as_asked(probability: float) -> None:
    images = torch.ones(4000, 1, 8, 8)
    changed = int((cut(images, draw_box(probability, Draw(3, 4000))) != images).flatten(1).any(1).sum())
    assert abs(changed - 4000 * probability) <= 4.5 * math.sqrt(4000 * probability * (1 - probability))
