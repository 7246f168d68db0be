import pytest
import torch
import torch.nn.functional as F

from ganvas.network.features.interface import FeatureNetwork
from ganvas.network.features.random import RandomFeatures, random_features


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (28, 28), (24, 40), (200, 70)])
def test_features_of_any_picture_depend_on_it_alone(channels: int, size: tuple[int, int]) -> None:
    images = torch.rand(6, channels, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    features = random_features(images)
    assert features.shape == (6, 16 * channels + 192)
    assert torch.equal(features, random_features(images))
    torch.testing.assert_close(random_features(images[2:3]), features[2:3], atol=1e-5, rtol=1e-5)
    assert torch.pdist(features).min() > 1e-3
    assert not torch.allclose(features, random_features(images, seed=1))


def test_detail_beyond_64_px_is_averaged_away() -> None:
    images = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    enlarged = images.repeat_interleave(4, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(random_features(enlarged), random_features(images.repeat_interleave(2, 3)))


def test_network_sees_what_the_function_sees() -> None:
    images = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for seed in (0, 7):
        network: FeatureNetwork = RandomFeatures(seed)
        seen = network(images)
        assert torch.equal(seen.features, random_features(images, seed))
        assert seen.features.shape == (5, network.dim)
        assert seen.logits.shape == (5, network.classes)
    assert network.dim == 240


def test_input_is_brought_to_plus_minus_one() -> None:
    levels = torch.tensor([0.0, 127.5, 255.0])
    network = RandomFeatures()
    assert [((levels - o) / s).tolist() for o, s in zip(network.offset, network.scale, strict=True)] == [[-1, 0, 1]] * 3


def test_stages_are_the_levels_of_the_filters() -> None:
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network = RandomFeatures()
    stages = network.stages(images)
    assert [tuple(stage.shape) for stage in stages] == [(2, 4, 64, 64), (2, 4, 32, 32), (2, 4, 16, 16)]
    pooled = [F.avg_pool2d(stage, stage.shape[-1] // 4).flatten(1) for stage in (images, *stages)]
    torch.testing.assert_close(network(images).features, torch.cat(pooled, dim=1))


def test_weights_are_the_seeds_and_do_not_learn() -> None:
    same, other = RandomFeatures(3), RandomFeatures(4)
    same.load_state_dict(RandomFeatures(3).state_dict())
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert not torch.equal(same(images).features, other(images).features)
    other.load_state_dict(same.state_dict())
    assert torch.equal(same(images).features, other(images).features)
    assert len(same.state_dict()) == 6
    assert not any(weight.requires_grad for weight in same.parameters())
    same(images).features.sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_the_filters_are_the_same_forever() -> None:
    """Scores of old runs compare with those of new ones: other filters, or means left in them, would change these."""
    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    means = random_features(ramp)[0, 48:].view(12, 16).mean(1)
    expected = [1.0532, 1.5333, -0.0088, 0.0104, -0.1558, 0.7649, 0.6094, 0.3653, 0.3555, 1.0479, 0.2849, -0.1779]
    torch.testing.assert_close(means, torch.tensor(expected), atol=2e-4, rtol=0)
