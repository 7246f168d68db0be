from dataclasses import replace

import pytest
import torch

from ganvas.apply.difference import MAP_GAIN, map_levels, with_map
from tests.apply.filters import IDENTITY, blur, tiles_differ_by


def test_where_the_ends_disagree_and_by_how_much() -> None:
    given = torch.zeros(1, 3, 6, 6)
    patch = torch.zeros(1, 3, 6, 6)
    patch[:, 0, 2, 3] = 0.3
    inventive = replace(IDENTITY, fn=lambda given: given[:, :3] + patch)
    painted = with_map(IDENTITY, IDENTITY, inventive)(given)
    assert torch.equal(painted[:, :3], given)
    assert painted[0, 3].nonzero().tolist() == [[2, 3]]
    assert painted[0, 3, 2, 3].item() == pytest.approx(0.1)


def test_what_both_would_cut_off_is_no_disagreement() -> None:
    low = replace(IDENTITY, fn=lambda given: given[:, :3] + 2)
    high = replace(IDENTITY, fn=lambda given: given[:, :3] + 3)
    assert with_map(low, low, high)(torch.zeros(1, 3, 2, 2))[:, 3].eq(0).all()


def test_each_end_is_painted_once() -> None:
    count = 0

    def fn(given: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        return given[:, :3]

    faithful = replace(IDENTITY, fn=fn)
    with_map(faithful, faithful, IDENTITY)(torch.zeros(1, 3, 2, 2))
    assert count == 1


def test_grey_levels_of_a_map() -> None:
    plane = torch.tensor([[0.0, 1 / 127.5, 10 / 127.5, 2.0]])
    assert map_levels(plane)[0, :, 0].tolist() == [0, MAP_GAIN, 10 * MAP_GAIN, 255]


def test_a_map_in_tiles() -> None:
    picture = torch.rand(3, 30, 31, generator=torch.Generator().manual_seed(0))
    both = with_map(blur(1), blur(1), blur(4))
    assert both.radius_px == 4
    assert tiles_differ_by(both, picture, [7, 16]) < 1e-3
    assert tiles_differ_by(replace(both, radius_px=1), picture, [7]) > 0.5
