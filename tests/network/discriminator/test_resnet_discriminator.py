import pytest
import torch
from torch import Tensor, nn

from ganvas.network.discriminator import build_discriminator
from ganvas.network.discriminator.resnet import DownResidual
from ganvas.network.layers.precision import FullPrecision
from tests.network.architectures import draws


def blocks(size: list[int], width: int = 128) -> list[tuple[int, int, bool]]:
    """Channels in, channels out and halving, fine to coarse as they are played."""
    with torch.device("meta"):
        network = build_discriminator("resnet", {"size": size, "channels": 3, "width": width})
    found = []
    for block in network.modules():
        if isinstance(block, DownResidual):
            assert isinstance(block.first, nn.Conv2d)
            found.append((block.first.in_channels, block.first.out_channels, block.halve))
    return found[::-1]


def test_at_32_pixels_it_is_the_papers_table_4() -> None:
    expected = [(3, 128, True), (128, 128, True), (128, 128, False), (128, 128, False)]
    assert blocks([32, 32]) == expected


def test_finer_stages_are_narrower() -> None:
    assert blocks([128, 128])[:3] == [(3, 32, True), (32, 64, True), (64, 128, True)]


@pytest.mark.parametrize("size", [[5, 5], [9, 9]])
def test_small_pictures_keep_two_blocks(size: list[int]) -> None:
    assert [halve for _, _, halve in blocks(size)] == [False, False]


def test_training_passes_bring_every_weight_to_spectral_norm_one() -> None:
    torch.manual_seed(0)
    network = build_discriminator("resnet", {"size": [16, 16], "channels": 3, "width": 8, "label_dim": 3})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(7.0)
        for _ in range(30):
            network(draws(3, 3, 16, 16), torch.eye(3))
    network.eval()
    weights = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weights) == 9
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1.0, rel=0.02)


def test_pooling_is_a_sum_over_all_pixels() -> None:
    torch.manual_seed(0)
    network = build_discriminator("resnet", {"size": [9, 9], "channels": 1, "width": 8}).eval()
    assert isinstance(network.head, FullPrecision)
    judgement = network(draws(2, 1, 9, 9))
    last: Tensor = judgement.features[-1]
    pooled = last.clamp_min(0).flatten(2).sum(2)
    torch.testing.assert_close(judgement.logits[0], network.head.inner(pooled, None))
