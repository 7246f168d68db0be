import pytest
import torch
from torch import nn

from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator

PAPER = {"size": [64, 64], "channels": 3, "width": 128}


def test_the_generator_is_that_of_the_papers_figure_1() -> None:
    with torch.device("meta"):
        network = build_generator("dcgan", {**PAPER, "latent_dim": 100})
    ups = [module for module in network.modules() if isinstance(module, nn.ConvTranspose2d)]
    assert [(up.in_channels, up.out_channels) for up in ups] == [(1024, 512), (512, 256), (256, 128), (128, 3)]
    assert [up.kernel_size for up in ups] == [(4, 4)] * 4
    norms = [module.num_features for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms == [1024, 512, 256, 128]


def test_the_discriminators_first_layer_has_no_batchnorm() -> None:
    with torch.device("meta"):
        network = build_discriminator("dcgan", PAPER)
    assert [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)] == [1024, 512, 256, 128]
    assert [m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm2d)] == [1024, 512, 256]


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_batchnorm_can_be_left_out(name: str) -> None:
    arguments = {"size": [16, 16], "channels": 1, "width": 8, "normalise": "none"}
    if name == "generator":
        network = build_generator("dcgan", {**arguments, "latent_dim": 8})
    else:
        network = build_discriminator("dcgan", arguments)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_every_weight_starts_at_two_hundredths() -> None:
    torch.manual_seed(0)
    for network in (
        build_generator("dcgan", {"size": [16, 16], "channels": 3, "latent_dim": 64, "width": 64}),
        build_discriminator("dcgan", {"size": [16, 16], "channels": 3, "width": 64}),
    ):
        weights = {key: value for key, value in network.named_parameters() if value.ndim > 1}
        assert len(weights) == 3
        assert all(value.std().item() == pytest.approx(0.02, rel=0.1) for value in weights.values())
