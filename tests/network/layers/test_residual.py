import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganvas.errors import UsageError
from ganvas.network.layers.bottleneck import GroupedBottleneck
from ganvas.network.layers.resample import downsample
from ganvas.network.layers.residual import DenseResidual
from ganvas.network.layers.stage import DownStage, UpStage, width_change


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("block", [DenseResidual(8, 3), GroupedBottleneck(8, 4, 3)])
def test_a_fresh_block_is_the_identity(block: nn.Module) -> None:
    x = torch.randn(2, 8, 5, 6)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize(("total", "shrink"), [(1, 1.0), (16, 0.25)])
def test_dense_branch_scale(total: int, shrink: float) -> None:
    gain = (2 / 1.04) ** 0.5 * shrink
    std = DenseResidual(64, total).first.weight.std().item()
    assert std == pytest.approx(gain / (64 * 9) ** 0.5, rel=0.02)


@pytest.mark.parametrize(("total", "shrink"), [(1, 1.0), (16, 0.5)])
def test_bottleneck_branch_scale(total: int, shrink: float) -> None:
    block, gain = GroupedBottleneck(64, 16, total), (2 / 1.04) ** 0.5 * shrink
    assert block.expand.weight.std().item() == pytest.approx(gain / 64**0.5, rel=0.05)
    assert block.grouped.weight.std().item() == pytest.approx(gain / (16 * 9) ** 0.5, rel=0.05)


def test_bottleneck_is_the_papers_formula() -> None:
    block, x = GroupedBottleneck(6, 4, 1), torch.randn(2, 6, 5, 5)
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    assert block.expand.bias is not None
    assert block.grouped.bias is not None
    hidden = F.leaky_relu(torch.einsum("oc,nchw->nohw", block.expand.weight[:, :, 0, 0], x)
                          + block.expand.bias[:, None, None], 0.2)  # fmt: skip
    groups = [
        F.conv2d(part, weight, bias, padding=1)
        for part, weight, bias in zip(
            hidden.split(4, dim=1), block.grouped.weight.split(4), block.grouped.bias.split(4), strict=True
        )
    ]
    hidden = F.leaky_relu(torch.cat(groups, dim=1), 0.2)
    expected = x + torch.einsum("oc,nchw->nohw", block.project.weight[:, :, 0, 0], hidden)
    torch.testing.assert_close(block(x), expected, atol=1e-4, rtol=1e-4)


def test_groups_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UsageError, match=r"width of 12 gives 24 hidden .* groups of 16"):
        GroupedBottleneck(12, 16, 1)


def test_width_change_keeps_the_variance_or_does_nothing() -> None:
    x = torch.randn(4, 64, 16, 16)
    assert width_change(64, 64)(x) is x
    assert width_change(64, 32)(x).var().item() == pytest.approx(1.0, rel=0.2)


def test_stages_mirror_each_other() -> None:
    up = UpStage(8, 4, (9, 13), [nn.LeakyReLU(), nn.LeakyReLU()])
    down = DownStage(4, 8, downsample, [nn.LeakyReLU()])
    x = torch.randn(2, 8, 5, 7)
    assert up(x).shape == (2, 4, 9, 13)
    assert down(up(x)).shape == x.shape
