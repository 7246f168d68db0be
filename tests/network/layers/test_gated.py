import pytest
import torch
import torch.nn.functional as F

from ganvas.network.layers.gated import GatedConv, GatedResidual


@pytest.mark.parametrize("dilation", [1, 3])
def test_it_is_features_times_the_logistic_of_the_gates(dilation: int) -> None:
    torch.manual_seed(0)
    conv, x = GatedConv(3, 5, dilation).double(), torch.randn(2, 3, 9, 8, dtype=torch.float64)
    weight, bias = (parameter.detach().normal_() for parameter in conv.features_and_gates.parameters())
    both = F.conv2d(x, weight, bias, padding=dilation, dilation=dilation)
    features, gates = both[:, :5], both[:, 5:]
    expected = torch.where(features > 0, features, 0.2 * features) / (1 + (-gates).exp())
    torch.testing.assert_close(conv(x), expected, rtol=1e-12, atol=1e-12)


def test_a_fresh_one_is_half_open_and_keeps_the_second_moment() -> None:
    torch.manual_seed(0)
    conv, x = GatedConv(64, 64), torch.randn(1, 64, 32, 32)
    weight = conv.features_and_gates.weight
    assert weight[:64].all()
    assert not weight[64:].any()
    inside = conv(x)[..., 1:-1, 1:-1]
    assert inside.square().mean().item() == pytest.approx(1.0, rel=0.1)


def test_a_closed_gate_hears_nothing_and_an_open_one_everything() -> None:
    torch.manual_seed(0)
    conv, x = GatedConv(3, 4), torch.randn(1, 3, 6, 6)
    bias = conv.features_and_gates.bias
    assert bias is not None
    with torch.no_grad():
        bias[4:6], bias[6:] = -200.0, 200.0
    heard = conv(x)
    assert not heard[:, :2].any()
    expected = F.leaky_relu(conv.features_and_gates(x)[:, 2:4], 0.2)
    torch.testing.assert_close(heard[:, 2:], expected)


def test_a_fresh_residual_block_is_the_identity() -> None:
    x = torch.randn(2, 8, 5, 6)
    assert torch.equal(GatedResidual(8, 2)(x), x)
