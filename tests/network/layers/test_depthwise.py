import torch
from torch import Tensor

from ganvas.network.layers.depthwise import ChannelNorm, DepthwiseResidual, SimpleGate


def normed(x: Tensor) -> Tensor:
    mean = x.mean(1, keepdim=True)
    return (x - mean) / (x.var(1, correction=0, keepdim=True) + 1e-6).sqrt()


def test_a_fresh_block_is_the_identity() -> None:
    x = torch.randn(2, 8, 5, 6)
    assert torch.equal(DepthwiseResidual(8)(x), x)


def test_it_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    block, x = DepthwiseResidual(4).double(), torch.randn(2, 4, 6, 5, dtype=torch.float64)
    weights = {name: parameter.detach().normal_() for name, parameter in block.named_parameters()}

    def norm(x: Tensor, name: str) -> Tensor:
        return normed(x) * weights[f"{name}.norm.weight"].view(-1, 1, 1) + weights[f"{name}.norm.bias"].view(-1, 1, 1)

    def point(x: Tensor, name: str) -> Tensor:
        kernel, bias = weights[f"{name}.weight"][:, :, 0, 0], weights[f"{name}.bias"].view(-1, 1, 1)
        return torch.einsum("oi,nihw->nohw", kernel, x) + bias

    def depthwise(x: Tensor, name: str) -> Tensor:
        padded = torch.zeros(2, 8, 8, 7, dtype=x.dtype)
        padded[..., 1:-1, 1:-1] = x
        taps = weights[f"{name}.weight"][:, 0]
        moved = [
            taps[:, dy, dx].view(-1, 1, 1) * padded[..., dy : dy + 6, dx : dx + 5] for dy in range(3) for dx in range(3)
        ]
        return torch.stack(moved).sum(0) + weights[f"{name}.bias"].view(-1, 1, 1)

    hidden = depthwise(point(norm(x, "spatial.0"), "spatial.1"), "spatial.2")
    y = x + point(hidden[:, :4] * hidden[:, 4:], "spatial.4")
    hidden = point(norm(y, "pointwise.0"), "pointwise.1")
    expected = y + point(hidden[:, :4] * hidden[:, 4:], "pointwise.3")
    torch.testing.assert_close(block(x), expected, rtol=1e-11, atol=1e-11)


def test_no_pixel_is_normed_by_another() -> None:
    x = torch.randn(1, 6, 4, 4)
    alone = ChannelNorm(6)(x[..., 2:3, 1:2])
    torch.testing.assert_close(ChannelNorm(6)(x)[..., 2:3, 1:2], alone)


def test_the_gate_multiplies_the_halves() -> None:
    x = torch.arange(4.0).view(1, 4, 1, 1)
    assert SimpleGate()(x).flatten().tolist() == [0.0 * 2.0, 1.0 * 3.0]
