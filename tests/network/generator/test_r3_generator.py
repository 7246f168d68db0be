import pytest
import torch

from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator

WIDE = [768] * 4
# Huang et al. 2024, tables 2, 4 to 9: size, labels, widths, group width, generator and discriminator in millions.
TABLE = {
    "StackedMNIST": (32, 0, WIDE, 16, "20.73", "20.68"),
    "CIFAR-10": (32, 10, WIDE, 16, "20.78", "21.28"),
    "FFHQ-256": (256, 0, [*WIDE, 384, 192, 96], 16, "23.06", "23.01"),
    "FFHQ-64": (64, 0, [*WIDE, 384], 16, "22.43", "22.38"),
    "ImageNet-32": (32, 1000, [1536] * 4, 32, "82.91", "86.55"),
    "ImageNet-64": (64, 1000, [1536] * 5, 32, "103.57", "107.21"),
}


def millions(network: torch.nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6 + 1e-9:.2f}"


@pytest.mark.parametrize("data_set", TABLE)
def test_weights_are_counted_as_in_the_paper(data_set: str) -> None:
    side, labels, widths, group_width, generator, discriminator = TABLE[data_set]
    arguments = {
        "size": [side, side], "channels": 3, "label_dim": labels, "widths": widths, "group_width": group_width,
    }  # fmt: skip
    with torch.device("meta"):
        assert millions(build_generator("r3", {**arguments, "latent_dim": 64})) == generator
        assert millions(build_discriminator("r3", arguments)) == discriminator


def test_a_fresh_generator_paints_with_the_variance_of_its_latent() -> None:
    torch.manual_seed(0)
    network = build_generator("r3", {"size": [32, 32], "channels": 3, "latent_dim": 64, "widths": [64] * 4})
    # Each doubling's low-pass takes part of the white basis' variance; nothing else changes it.
    assert 0.2 < network(torch.randn(64, 64)).var().item() < 1.0
