import math
from itertools import pairwise

import numpy as np
import torch

from ganvas.damage.lines import distance_to_lines, distance_to_straight, wandering
from ganvas.draw import Draw


def by_numpy(points: np.ndarray, y: float, x: float) -> float:
    """Least distance of a place to a line through points, over many places of the line."""
    along = np.linspace(0, 1, 4001)[:, None]
    places = np.concatenate([a + along * (b - a) for a, b in pairwise(points)])
    return float(np.hypot(places[:, 0] - y, places[:, 1] - x).min())


def test_distances_to_lines_are_those_to_their_nearest_places() -> None:
    points = torch.tensor([[[2.0, 3], [9, 15], [1, 20]], [[-4, 5], [5, 5], [5, 5]]])  # the last is a point at the end
    found = distance_to_lines(points, (11, 18))
    assert found.shape == (2, 11, 18)
    for line, field in zip(points.numpy(), found, strict=True):
        for y, x in ((0, 0), (5, 9), (10, 17), (4, 4), (9, 2)):
            assert abs(float(field[y, x]) - by_numpy(line, y + 0.5, x + 0.5)) < 0.01


def test_a_straight_line_has_two_sides() -> None:
    centre, angle = torch.tensor([[6.0, 8.0], [6.0, 8.0]]), torch.tensor([0.0, math.pi / 3])
    flat, steep = distance_to_straight(centre, angle, (12, 16))
    assert torch.allclose(flat, (torch.arange(12.0) + 0.5 - 6)[:, None].expand(12, 16))
    direction = np.array([math.sin(math.pi / 3), math.cos(math.pi / 3)])
    for y, x in ((0, 0), (11, 3), (2, 14)):
        off = np.array([y + 0.5 - 6, x + 0.5 - 8])
        across = direction[1] * off[0] - direction[0] * off[1]  # the cross product of direction and way
        assert abs(float(steep[y, x]) - across) < 1e-4


def test_wandering_lines_have_steps_and_turns_as_asked() -> None:
    points = wandering(Draw(1, 3000), (60, 80), steps=5, step=(0.1, 0.3), turn=0.4)
    assert points.shape == (3000, 6, 2)
    assert points[:, 0].min() >= 0
    assert (points[:, 0] < torch.tensor([60.0, 80.0])).all()
    moves = points.diff(dim=1)
    lengths = moves.norm(dim=2)
    assert torch.allclose(lengths, lengths[:, :1].expand_as(lengths), rtol=1e-3)
    assert 6 <= float(lengths.min()) < 6.2
    assert 17.8 < float(lengths.max()) <= 18.001
    turns = torch.atan2(moves[..., 0], moves[..., 1]).diff(dim=1)
    turns = torch.remainder(turns + math.pi, 2 * math.pi) - math.pi
    assert abs(float(turns.std()) - 0.4) < 0.4 * 4.5 / math.sqrt(2 * turns.numel())
