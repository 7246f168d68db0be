import pytest
import torch
import torch.nn.functional as F

from ganvas.network.image_to_image.unet import Unet
from ganvas.network.layers.depthwise import DepthwiseResidual
from ganvas.network.layers.residual import DenseResidual
from tests.network.architectures import perturbed


def test_one_scale_is_the_formula() -> None:
    torch.manual_seed(0)
    network = perturbed(Unet(width=4, scales=1, blocks=1).double())
    state = network.state_dict()
    given = torch.rand(2, 4, 6, 8, dtype=torch.float64)
    x = F.conv2d(F.pixel_unshuffle(given, 2), state["from_image.weight"], state["from_image.bias"], padding=1)
    for block in ("body.bottom.0", "body.bottom.1"):
        hidden = F.conv2d(F.leaky_relu(x, 0.2), state[f"{block}.first.weight"], state[f"{block}.first.bias"], padding=1)
        x = x + F.conv2d(F.leaky_relu(hidden, 0.2), state[f"{block}.second.weight"], padding=1)
    painted = F.conv2d(x, state["to_image.inner.weight"], state["to_image.inner.bias"], padding=1)
    expected = given[:, :3] + F.pixel_shuffle(painted, 2)
    torch.testing.assert_close(network(given), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("block", "kind"), [("dense", DenseResidual), ("depthwise", DepthwiseResidual)])
def test_blocks_are_counted_on_both_ways_and_at_the_bottom(block: str, kind: type) -> None:
    network = Unet(width=4, scales=3, blocks=2, block="dense" if block == "dense" else "depthwise")
    assert sum(isinstance(module, kind) for module in network.modules()) == 2 * 2 * 2 + 2 * 2


def test_the_strength_matters_everywhere() -> None:
    torch.manual_seed(0)
    network = perturbed(Unet(width=4, scales=2))
    given = torch.rand(1, 3, 16, 16)
    weak, strong = (network(torch.cat([given, torch.full((1, 1, 16, 16), s)], dim=1)) for s in (0.0, 1.0))
    assert (weak != strong).float().mean() > 0.99


def test_logits_have_no_picture_under_them() -> None:
    network = Unet(inputs=(), channels_out=1, width=4, scales=2)
    assert not network(torch.rand(1, 3, 8, 8)).any()
