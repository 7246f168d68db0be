import pytest
import torch

from ganvas.apply.filter import LocalFilter
from tests.apply.filters import blur, strided, tiles_differ_by


def plain(scale: int, stride: int, radius: int, channels: int = 1) -> LocalFilter:
    return LocalFilter(lambda given: given, scale, stride, radius, channels)


@pytest.mark.parametrize(
    ("first", "after", "wanted"),
    [
        (plain(1, 1, 3), plain(1, 1, 4), (1, 1, 7)),
        (plain(2, 1, 3), plain(1, 1, 5), (2, 1, 6)),  # 5 output pixels reach into a third input pixel
        (plain(2, 1, 3), plain(2, 4, 4), (4, 2, 5)),
        (plain(4, 2, 1), plain(1, 2, 1), (4, 2, 2)),
        (plain(2, 3, 0), plain(1, 4, 0), (2, 6, 0)),
        (plain(3, 1, 0), plain(1, 2, 0), (3, 2, 0)),
    ],
)
def test_what_two_see_together(first: LocalFilter, after: LocalFilter, wanted: tuple[int, int, int]) -> None:
    both = first.then(after)
    assert (both.scale, both.stride_px, both.radius_px) == wanted
    assert both.stride_px * first.scale % after.stride_px == 0


def test_the_wider_one_decides_over_memory() -> None:
    assert plain(2, 1, 0, channels=64).then(plain(1, 1, 0, channels=3)).channels == 64
    assert plain(2, 1, 0, channels=3).then(plain(1, 1, 0, channels=8)).channels == 32


def test_two_in_tiles_are_two_over_the_whole() -> None:
    picture = torch.rand(3, 23, 29, generator=torch.Generator().manual_seed(0)) * 2 - 1
    both = strided(2).then(blur(1, scale=2)).then(blur(3))
    given = both(torch.nn.functional.pad(picture[None], (0, 1, 0, 1), mode="replicate"))
    assert given.shape == (1, 3, 48, 60)
    assert tiles_differ_by(both, picture, [2, 5, 8]) < 1e-3
