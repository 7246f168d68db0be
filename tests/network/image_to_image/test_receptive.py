"""The radius against hand-computed ones, against gradients, and against pixels that are changed."""

import pytest
import torch
from torch import Tensor, nn

from ganvas.errors import UsageError
from ganvas.network.image_to_image import build_image_to_image, described_radius_px, receptive_radius_px
from ganvas.network.layers.detail import WIDTHS_CELLS
from ganvas.network.layers.fill import STEPS
from tests.network.architectures import perturbed
from tests.network.image_to_image.small import VARIANTS, built, facts, given_for, trained


class Stack(nn.Module):
    """Layers one after the other, as an `ImageToImage`."""

    def __init__(self, *layers: nn.Module, scale: int = 1, stride_px: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.scale, self.stride_px = scale, stride_px
        self.inputs: tuple[str, ...] = ()

    def forward(self, given: Tensor) -> Tensor:
        painted: Tensor = self.layers(given)
        return painted


def conv(before: int, after: int, side: int | tuple[int, int], dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, side, padding="same", dilation=dilation)


BY_HAND = {
    "1x1": (Stack(conv(3, 3, 1)), 0),
    "3x3": (Stack(conv(3, 3, 3)), 1),
    "two 3x3": (Stack(conv(3, 4, 3), nn.ReLU(), conv(4, 3, 3)), 2),
    "dilated 5x5": (Stack(conv(3, 3, 5, dilation=3)), 6),
    "wide": (Stack(conv(3, 3, (1, 7))), 3),
    "tall": (Stack(conv(3, 3, (9, 1))), 4),
    "one-sided": (Stack(nn.ZeroPad2d((2, 0, 2, 0)), nn.Conv2d(3, 3, 3)), 2),
    "even": (Stack(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(3, 3, 4)), 2),
    "pooled": (Stack(nn.AvgPool2d(5, 1, 2)), 2),
    "normed by pixel": (Stack(nn.PixelUnshuffle(1), nn.Softmax2d()), 0),
    "repeated": (Stack(nn.Upsample(scale_factor=2), scale=2), 0),
    "interpolated": (Stack(nn.Upsample(scale_factor=2, mode="bilinear"), scale=2), 1),
    "shuffled": (Stack(conv(3, 12, 3), nn.PixelShuffle(2), scale=2), 1),
    # Output row 2 i sees rows 2 i - 3 to 2 i + 3, which lie in input rows i - 2 to i + 1.
    "7x7 after shuffling": (Stack(conv(3, 12, 1), nn.PixelShuffle(2), conv(3, 3, 7), scale=2), 2),
    # Both rows of a pair see the pairs before and after it: three rows up from the lower, three down from the upper.
    "3x3 at half size": (Stack(nn.PixelUnshuffle(2), conv(12, 12, 3), nn.PixelShuffle(2), stride_px=2), 3),
    "1x1 at a quarter": (Stack(nn.PixelUnshuffle(4), conv(48, 48, 1), nn.PixelShuffle(4), stride_px=4), 3),
    "strided and repeated": (Stack(nn.Conv2d(3, 3, 4, 2, 1), nn.Upsample(scale_factor=2), stride_px=2), 2),
    "long": (Stack(conv(3, 3, 3, dilation=16), conv(3, 3, 5, dilation=16)), 48),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_simple_stacks_are_as_worked_out_by_hand(name: str) -> None:
    stack, radius = BY_HAND[name]
    assert receptive_radius_px(stack) == radius


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_weights_cannot_hide_what_is_seen(value: float) -> None:
    stack = Stack(conv(3, 4, 3), nn.ReLU(), conv(4, 3, 3))
    for parameter in stack.parameters():
        nn.init.constant_(parameter, value)
    assert receptive_radius_px(stack) == 2


def test_the_network_stays_as_it_is() -> None:
    network = built("unet").train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    receptive_radius_px(network)
    assert network.training
    assert all(
        value.dtype == torch.float32 and torch.equal(value, before[key]) for key, value in network.state_dict().items()
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_description_tells_as_much_as_the_network(variant: str) -> None:
    before = torch.get_rng_state()
    radius = described_radius_px(*VARIANTS[variant])
    assert torch.equal(torch.get_rng_state(), before)
    assert radius == receptive_radius_px(built(variant))


def test_what_takes_a_huge_picture_to_see_is_refused() -> None:
    with pytest.raises(UsageError, match=r"may reach 4672 pixels far, too far to see .* multiples of 64 pixels"):
        described_radius_px("unet", {"scales": 6})


def test_a_network_that_pools_the_whole_picture_is_refused() -> None:
    class Pooled(Stack):
        def forward(self, given: Tensor) -> Tensor:
            return given - given.mean((2, 3), keepdim=True)

    with pytest.raises(
        UsageError, match="depends on pixels 128 away and more, so large pictures cannot be painted in tiles"
    ):
        receptive_radius_px(Pooled())


def gradient_radius_px(network: nn.Module, radius: int) -> int:
    """The reach of the gradient at every output row of one stride, under positive weights.

    Leaky units stay alive whatever their input, and random numbers do not cancel to zero in float64.
    """
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            drawn = torch.rand(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_((0.5 + drawn) / max(1, parameter[0].numel()))
    stride, scale = facts(network).stride_px, facts(network).scale
    margin = radius // stride + 2
    given = given_for(network, (2 * margin + 1, 1), count=1)
    given[:, 3:] = 1 - given[:, 3:] / 50  # hardly anything is known, so a hole is filled from as far as may be
    given.requires_grad_()
    painted, found = network(given), 0
    for row in range(stride * scale):
        (gradient,) = torch.autograd.grad(painted[:, :, margin * stride * scale + row].sum(), given, retain_graph=True)
        reached = gradient[0].any(dim=2).any(dim=0).nonzero()
        found = max(found, int((reached - (margin * stride + row // scale)).abs().max()))
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_the_reach_of_the_gradient(variant: str) -> None:
    network = built(variant).double()
    radius = receptive_radius_px(network)
    assert radius > 0
    assert gradient_radius_px(network, radius) == radius


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("vertical", [True, False])
def test_pixels_within_it_count_and_those_outside_change_no_bit(variant: str, vertical: bool) -> None:
    network = trained(variant)
    radius, stride, scale = receptive_radius_px(network), facts(network).stride_px, facts(network).scale
    strides = 2 * (radius // stride) + 5
    given = given_for(network, (strides, 2) if vertical else (2, strides), count=1)
    start = stride * (strides // 2)
    whole = network(given)
    reached = 0
    for line in range(start, start + stride):
        changed = given.clone()
        (changed if vertical else changed.mT)[:, :3, line] += 0.5
        differs = (network(changed) != whole).any(dim=1)[0]
        rows = differs.any(dim=1 if vertical else 0).nonzero() // scale
        reached = max(reached, int((rows - line).abs().max()))
    assert reached <= radius
    # The outermost paths are the weakest: what they carry may be lost among the digits of the rest. The widest means of
    # a gated U are of use in holes alone, where nothing nearer is known.
    assert reached >= radius - 2 * stride - (round(3 * WIDTHS_CELLS[-1]) * stride if variant == "gated-unet" else 0)


@pytest.mark.parametrize(
    ("name", "arguments", "radius"),
    [
        ("compact", {"width": 2, "depth": 16}, 18),
        ("plain", {"width": 2, "depth": 6}, 8),
        # At half size the first and the last convolution and two blocks at each of three scales: 2 (2 + 4), 4 · 4,
        # and 8 · 4 at an eighth; and 7 from the far end of an 8x8 block to the near end of another.
        ("unet", {"width": 2}, 2 * (2 + 4) + 4 * 4 + 8 * 4 + 7),
        ("unet", {"width": 2, "block": "depthwise"}, 2 * (2 + 2) + 4 * 2 + 8 * 2 + 7),
        # The filling looks three times 5.6 px far before them, and two in each of its steps.
        ("gated-unet", {"width": 2}, 17 + 2 * STEPS + 2 * (2 + 2) + 4 * 2 + 8 * (1 + 2 + 4 + 8) + 7),
    ],
)
def test_the_defaults_are_as_their_plans_say(name: str, arguments: dict[str, object], radius: int) -> None:
    network = perturbed(build_image_to_image(name, arguments))
    assert receptive_radius_px(network) == radius
