import pytest
import torch
import torch.nn.functional as F

from ganvas.network.layers.basis import BasisCollapse, BasisExpand


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_expanding_scales_each_picture() -> None:
    layer, x = BasisExpand(7, 5, (4, 6)), torch.randn(3, 7)
    expected = torch.einsum("nc,chw->nchw", x @ layer.linear.weight.T, layer.basis)
    torch.testing.assert_close(layer(x), expected)


def test_collapsing_is_a_depthwise_convolution_over_the_whole_map() -> None:
    layer, x = BasisCollapse(5, (4, 6)), torch.randn(3, 5, 4, 6)
    torch.testing.assert_close(layer(x), F.conv2d(x, layer.basis[:, None], groups=5)[:, :, 0, 0])


def test_both_keep_the_variance() -> None:
    expanded = BasisExpand(64, 512, (7, 5))(torch.randn(100, 64))
    assert expanded.var().item() == pytest.approx(1.0, rel=0.1)
    collapsed = BasisCollapse(512, (7, 5))(torch.randn(100, 512, 7, 5))
    assert collapsed.var().item() == pytest.approx(1.0, rel=0.1)


def test_expanding_stays_in_bfloat16_under_autocast() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert BasisExpand(7, 5, (4, 6))(torch.randn(3, 7)).dtype == torch.bfloat16
