import pytest
import torch

from ganvas.network.layers.projection import ProjectionHead


def test_without_a_condition_it_is_linear() -> None:
    head, features = ProjectionHead(6, 0, std=0.1), torch.randn(4, 6)
    expected = features @ head.linear.weight[0] + head.linear.bias
    torch.testing.assert_close(head(features, None), expected)


def test_a_class_adds_its_own_inner_product() -> None:
    head, features, classes = ProjectionHead(6, 3, std=0.1), torch.randn(4, 6), [2, 0, 1, 2]
    assert head.embed is not None
    expected = [
        (head.linear.weight[0] + head.embed.weight[:, label]) @ feature + head.linear.bias[0]
        for label, feature in zip(classes, features, strict=True)
    ]
    torch.testing.assert_close(head(features, torch.eye(3)[classes]), torch.stack(expected))


def test_both_parts_start_at_the_given_scale() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(4000, 10, std=0.02)
    assert head.embed is not None
    assert head.linear.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert head.embed.weight.std().item() == pytest.approx(0.02, rel=0.05)
