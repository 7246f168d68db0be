import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.layers.ushape import UShape


class Times(nn.Module):
    """Scales a map, and notes its width and size."""

    def __init__(self, factor: float, seen: list[tuple[int, ...]]) -> None:
        super().__init__()
        self.factor, self.seen = factor, seen

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(tuple(x.shape[1:]))
        return self.factor * x


def test_it_goes_down_and_up_again() -> None:
    seen: list[tuple[int, ...]] = []
    body = UShape([2, 4, 6], lambda _: Times(1.0, seen), Times(1.0, seen))
    assert body(torch.randn(1, 2, 16, 24)).shape == (1, 2, 16, 24)
    assert seen == [(2, 16, 24), (4, 8, 12), (6, 4, 6), (4, 8, 12), (2, 16, 24)]


def test_two_scales_are_the_formula() -> None:
    torch.manual_seed(0)
    body, x = UShape([2, 3], lambda _: Times(2.0, []), Times(5.0, [])), torch.randn(2, 2, 6, 4)
    down, up = body.downs[0], body.ups[0]
    assert isinstance(down, nn.Conv2d)
    assert isinstance(up, nn.Conv2d)
    coarse = 5 * F.conv2d(2 * x, down.weight, down.bias, stride=2)
    expected = 2 * (2 * x + F.pixel_shuffle(F.conv2d(coarse, up.weight, up.bias), 2))
    torch.testing.assert_close(body(x), expected)


def test_one_scale_is_the_bottom_alone() -> None:
    x = torch.randn(1, 2, 3, 5)
    assert torch.equal(UShape([2], lambda _: Times(7.0, []), Times(3.0, []))(x), 3 * x)


@pytest.mark.parametrize("widths", [[4, 4], [2, 4, 8]])
def test_the_finest_map_is_carried_across(widths: list[int]) -> None:
    """With nothing coming up, what goes in comes out."""
    body = UShape(widths, lambda _: nn.Identity(), nn.Identity())
    for up in body.ups:
        for parameter in up.parameters():
            nn.init.zeros_(parameter)
    x = torch.randn(1, widths[0], 8, 8)
    assert torch.equal(body(x), x)
