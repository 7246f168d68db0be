from itertools import pairwise

import numpy as np
import torch

from ganvas.damage.strokes import distance_px, draw_paths
from ganvas.draw import Draw


def test_the_distance_is_that_to_the_nearest_point_of_the_line() -> None:
    points = torch.rand(2, 3, 4, 2, generator=torch.Generator().manual_seed(0)) * 1.4 - 0.2
    found = distance_px(points, (9, 14))
    t = torch.linspace(0, 1, 2001).view(-1, 1)
    for n, s in np.ndindex(2, 3):
        corners = points[n, s] * torch.tensor([9.0, 14.0])
        samples = torch.cat([a + t * (b - a) for a, b in pairwise(corners)])
        for y, x in [(0, 0), (4, 7), (8, 13)]:
            nearest = (samples - torch.tensor([y + 0.5, x + 0.5])).norm(dim=1).min()
            torch.testing.assert_close(found[n, s, y, x], nearest, atol=0.01, rtol=0)


def test_lines_have_the_length_asked_for_and_turn_no_more_than_they_may() -> None:
    length, curl = torch.tensor([[0.2, 1.0]]).repeat(50, 1), torch.tensor([[0.0, 0.5]]).repeat(50, 1)
    points = draw_paths(Draw(0, 50), 2, 5, length, curl)
    steps = points.diff(dim=2)
    torch.testing.assert_close(steps.norm(dim=3).sum(2), length, atol=1e-5, rtol=0)
    angle = torch.atan2(steps[..., 0], steps[..., 1])
    turns = torch.remainder(angle.diff(dim=2) + torch.pi, 2 * torch.pi) - torch.pi
    assert turns[:, 0].abs().max() < 1e-3
    assert 0.3 < turns[:, 1].abs().max() <= 0.5 + 1e-3
