import pytest

from ganvas.errors import UsageError
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.widths import doubling_widths, r3_widths, require_widths, tapering_widths


@pytest.mark.parametrize(
    ("count", "width", "max_width", "expected"),
    [
        (3, 32, 256, [128, 64, 32]),
        (6, 16, 128, [128, 128, 128, 64, 32, 16]),
        (2, 512, 256, [512, 512]),
        (0, 32, 256, []),
    ],
)
def test_doubling(count: int, width: int, max_width: int, expected: list[int]) -> None:
    assert doubling_widths(count, width, max_width) == expected


def test_tapering_rounds_up_to_the_multiple() -> None:
    assert tapering_widths(7, 100, multiple=8) == [104, 104, 104, 104, 56, 32, 16]


@pytest.mark.parametrize(
    ("side", "width", "expected"),
    [
        (32, 768, (768,) * 4),
        (64, 768, (768,) * 4 + (384,)),
        (256, 768, (768,) * 4 + (384, 192, 96)),
        (28, 100, (104,) * 3),
    ],
)
def test_r3_pattern_is_that_of_the_paper(side: int, width: int, expected: tuple[int, ...]) -> None:
    assert r3_widths((side, side), width) == expected


@pytest.mark.parametrize("group_width", [1, 2, 3, 16, 30])
def test_r3_widths_divide_into_groups(group_width: int) -> None:
    assert all(2 * width % group_width == 0 for width in r3_widths((300, 200), 77, group_width))


def test_a_list_of_the_wrong_length_is_refused_with_the_stages() -> None:
    with pytest.raises(UsageError, match=r"2 widths, but .*28x28.* need 3.*7x7, 14x14, 28x28"):
        require_widths((8, 8), pyramid((28, 28)))
