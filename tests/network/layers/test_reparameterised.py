import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.layers.reparameterised import ReparameterisedConv

WIDTHS = [(4, 4), (3, 5)]


def drawn(before: int, after: int, dtype: torch.dtype = torch.float64) -> tuple[ReparameterisedConv, Tensor]:
    torch.manual_seed(0)
    conv = ReparameterisedConv(before, after).to(dtype)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.normal_()
    return conv, torch.randn(2, before, 7, 6, dtype=dtype)


def branch_by_branch(conv: ReparameterisedConv, x: Tensor) -> Tensor:
    """The four branches as pictures, in the order in which a network would run them."""
    full = F.conv2d(x, conv.full.weight, conv.full.bias, padding=1)
    point = F.conv2d(x, conv.point.weight)
    squeezed = F.conv2d(F.conv2d(x, conv.expand.weight), conv.squeeze.weight, padding=1)
    return full + point + squeezed + (x if x.shape[1] == full.shape[1] else 0.0)


@pytest.mark.parametrize(("before", "after"), WIDTHS)
def test_it_is_the_sum_of_its_branches_up_to_the_border(before: int, after: int) -> None:
    conv, x = drawn(before, after)
    torch.testing.assert_close(conv(x), branch_by_branch(conv, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("before", "after"), WIDTHS)
def test_every_branch_gets_the_gradient_of_its_picture(before: int, after: int) -> None:
    conv, x = drawn(before, after)
    parameters = list(conv.parameters())
    ours = torch.autograd.grad(conv(x).sin().sum(), parameters)
    theirs = torch.autograd.grad(branch_by_branch(conv, x).sin().sum(), parameters)
    assert len(parameters) == 5
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("before", "after"), WIDTHS)
def test_fused_it_is_one_convolution_of_the_same_result(before: int, after: int) -> None:
    conv, x = drawn(before, after)
    fused = conv.fused()
    assert [*fused.state_dict()] == ["weight", "bias"]
    assert fused.weight.shape == (after, before, 3, 3)
    assert torch.equal(fused(x), conv(x))


def test_a_fresh_one_is_the_3x3_and_the_identity() -> None:
    torch.manual_seed(0)
    conv, x = ReparameterisedConv(4, 4, gain=0.5), torch.randn(2, 4, 7, 6)
    torch.testing.assert_close(conv(x), x + conv.full(x))
    assert conv.full.weight.std().item() == pytest.approx(0.5 / 6, rel=0.2)


def test_autocast_rounds_the_kernel_once_and_not_its_parts() -> None:
    conv, x = drawn(4, 4, torch.float32)
    exact = conv.kernel()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(conv.kernel(), exact)
        assert conv(x).dtype == torch.bfloat16
