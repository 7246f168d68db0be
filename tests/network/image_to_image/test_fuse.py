import pytest
import torch
from torch import nn

from ganvas.network.image_to_image import fused, receptive_radius_px
from ganvas.network.image_to_image.plain import PlainUpscaler
from ganvas.network.layers.reparameterised import ReparameterisedConv
from tests.network.image_to_image.small import VARIANTS, built, facts, given_for, trained

every = pytest.mark.parametrize("variant", VARIANTS)


@every
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_fused_paints_what_the_branches_paint(variant: str, dtype: torch.dtype, tolerance: float) -> None:
    network = trained(variant, dtype)
    given = given_for(network, dtype=dtype)
    expected = network(given)
    difference = (fused(network)(given) - expected).abs().max()
    assert difference <= tolerance * expected.abs().max()


@every
def test_it_is_a_copy_for_use(variant: str) -> None:
    network = built(variant).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    copy = fused(network)
    assert not any(module.training for module in copy.modules())
    assert not any(parameter.requires_grad for parameter in copy.parameters())
    assert not any(isinstance(module, ReparameterisedConv) for module in copy.modules())
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.add_(1.0)
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert (facts(copy).scale, facts(copy).stride_px) == (facts(network).scale, facts(network).stride_px)
    assert facts(copy).inputs == facts(network).inputs
    assert receptive_radius_px(copy) == receptive_radius_px(network)


def test_nothing_changes_where_nothing_fuses() -> None:
    network = trained("unet", torch.float32)
    copy = fused(network).state_dict()
    assert copy.keys() == network.state_dict().keys()
    assert all(torch.equal(value, copy[key]) for key, value in network.state_dict().items())


def test_a_network_of_many_branches_is_left_with_one_convolution_each() -> None:
    network = PlainUpscaler(width=16, depth=4)
    copy = fused(network)
    convs = [module for module in copy.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.kernel_size for conv in convs] == [(3, 3)] * 6
    assert sum(parameter.numel() for parameter in copy.parameters()) == sum(
        9 * conv.in_channels * conv.out_channels + conv.out_channels for conv in convs
    )


def test_averages_are_made_before_fusing() -> None:
    """The average of fused weights is another network: their kernels are products of the trained weights."""
    first, second, between = (trained("plain x2") for _ in range(3))
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.mul_(-0.5)
        for one, other, mean in zip(first.parameters(), second.parameters(), between.parameters(), strict=True):
            mean.copy_(0.5 * (one + other))
    fused_first, fused_second, fused_between = (fused(network) for network in (first, second, between))
    kernels = [network.state_dict()["body.0.weight"] for network in (fused_first, fused_second, fused_between)]
    assert (0.5 * (kernels[0] + kernels[1]) - kernels[2]).abs().max() > 1e-3
