import torch
from torch import nn

from ganvas.network.layers.batchnorm import ConditionalBatchNorm


def test_each_class_has_its_own_scale_and_shift() -> None:
    torch.manual_seed(0)
    layer, x, condition = ConditionalBatchNorm(4, 3), torch.randn(6, 4, 5, 5), torch.eye(3)[[0, 1, 2, 0, 1, 2]]
    assert layer.embed is not None
    normed = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(layer(x, condition), normed)
    nn.init.normal_(layer.embed.weight)
    for row, label in enumerate([0, 1, 2, 0, 1, 2]):
        scale, shift = layer.embed.weight[:4, label], layer.embed.weight[4:, label]
        expected = (1 + scale[:, None, None]) * normed[row] + shift[:, None, None]
        torch.testing.assert_close(layer(x, condition)[row], expected)


def test_without_labels_it_is_batch_normalisation() -> None:
    x, plain = torch.randn(6, 4, 5, 5), nn.BatchNorm2d(4)
    layer = ConditionalBatchNorm(4, 0)
    torch.testing.assert_close(layer(x, None), plain(x))
    torch.testing.assert_close(layer.eval()(x, None), plain.eval()(x))


def test_bfloat16_stays() -> None:
    layer, x = ConditionalBatchNorm(4, 3), torch.randn(3, 4, 5, 5).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x, torch.eye(3)).dtype == torch.bfloat16
