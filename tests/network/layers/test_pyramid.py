from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganvas.errors import UsageError
from ganvas.network.layers.pyramid import pyramid

sides = st.integers(4, 3000)


@pytest.mark.parametrize(
    ("size", "stages"),
    [
        ((28, 28), [(7, 7), (14, 14), (28, 28)]),
        ((64, 64), [(4, 4), (8, 8), (16, 16), (32, 32), (64, 64)]),
        ((75, 75), [(5, 5), (10, 10), (19, 19), (38, 38), (75, 75)]),
        ((17, 33), [(5, 9), (9, 17), (17, 33)]),
        ((4, 4), [(4, 4)]),
        ((7, 900), [(7, 900)]),
    ],
)
def test_known_ladders(size: tuple[int, int], stages: list[tuple[int, int]]) -> None:
    assert pyramid(size) == stages


@given(sides, sides)
def test_base_has_its_short_side_in_4_to_7_and_each_stage_covers_the_next(height: int, width: int) -> None:
    stages = pyramid((height, width))
    assert stages[-1] == (height, width)
    assert 4 <= min(stages[0]) <= 7
    for coarse, fine in pairwise(stages):
        assert all(0 <= 2 * small - large <= 1 for small, large in zip(coarse, fine, strict=True))


@pytest.mark.parametrize("size", [(3, 64), (64, 3), (1, 2)])
def test_too_small_is_refused_with_its_size(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"{size[0]}x{size[1]}.*mlp"):
        pyramid(size)
