import torch

from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator

POINTS = {"size": [1, 2], "channels": 1, "width": 16, "depth": 3}


def test_points_in_the_plane_are_pictures_of_two_pixels() -> None:
    torch.manual_seed(0)
    generator = build_generator("mlp", {**POINTS, "latent_dim": 4, "bounded": False})
    points = generator(10 * torch.randn(512, 4))
    assert points.shape == (512, 1, 1, 2)
    assert points.abs().max() > 1
    judgement = build_discriminator("mlp", POINTS)(points)
    assert judgement.logits[0].shape == (512,)
    assert [feature.shape for feature in judgement.features] == [(512, 16)] * 3


def test_depth_counts_hidden_layers() -> None:
    generator = build_generator("mlp", {**POINTS, "latent_dim": 4, "depth": 1})
    assert [tuple(p.shape) for p in generator.parameters()] == [(16, 4), (16,), (2, 16), (2,)]


def test_tanh_keeps_pictures_bounded() -> None:
    generator = build_generator("mlp", {**POINTS, "latent_dim": 4})
    assert generator(100 * torch.randn(64, 4)).abs().max() <= 1
