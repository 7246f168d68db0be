import torch
from torch import nn

from ganvas.network.generator import build_generator
from tests.network.architectures import draws, perturbed

ARGUMENTS = {"size": [32, 32], "channels": 3, "latent_dim": 128}


def test_at_32_pixels_it_is_the_papers_table_4() -> None:
    with torch.device("meta"):
        network = build_generator("resnet", {**ARGUMENTS, "width": 256})
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(128, 4 * 4 * 256)]
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [m.out_channels for m in convolutions] == [256] * 6 + [3]


def test_the_condition_enters_through_the_normalisation_only() -> None:
    network = build_generator("resnet", {**ARGUMENTS, "width": 4, "label_dim": 3})
    conditional = [key for key, value in network.named_parameters() if value.shape[-1] == 3 and value.ndim == 2]
    assert len(conditional) == 6
    assert all(".norm_" in key for key in conditional)


def test_batch_statistics_are_for_training_only() -> None:
    network = perturbed(build_generator("resnet", {**ARGUMENTS, "width": 4}))
    latent = draws(4, 128)
    mixed = network(latent)[:1]
    assert not torch.allclose(mixed, network(torch.cat([latent[:1], 3 * latent[1:]]))[:1], atol=1e-3)
    network.eval()
    torch.testing.assert_close(network(latent)[:1], network(latent[:1]))
