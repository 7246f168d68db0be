import pytest
import torch

from ganvas.errors import UsageError
from ganvas.network.layers.condition import require_condition
from ganvas.network.layers.latent import LatentInput


def test_without_labels_the_latent_goes_through() -> None:
    latent = torch.randn(3, 5)
    layer = LatentInput(5, 0)
    assert layer.width == 5
    assert layer(latent, None) is latent


def test_with_labels_the_embedded_condition_stands_beside_it() -> None:
    torch.manual_seed(0)
    layer, latent, condition = LatentInput(200, 10), torch.randn(10, 200), torch.eye(10)
    joined = layer(latent, condition)
    assert joined.shape == (10, layer.width) == (10, 400)
    assert layer.embed is not None
    torch.testing.assert_close(joined[:, :200], latent)
    torch.testing.assert_close(joined[:, 200:], layer.embed.weight.T)
    assert joined[:, 200:].std().item() == pytest.approx(1.0, rel=0.05)


def test_attributes_are_embedded_linearly() -> None:
    layer, latent, attributes = LatentInput(4, 2), torch.zeros(1, 4), torch.tensor([[0.5, -2.0]])
    mixed = 0.5 * layer(latent, torch.eye(2)[:1]) - 2.0 * layer(latent, torch.eye(2)[1:])
    torch.testing.assert_close(layer(latent, attributes), mixed)


@pytest.mark.parametrize(
    ("condition", "label_dim", "message"),
    [
        (None, 3, r"needs a condition of shape \(N, 3\), but got none"),
        (torch.zeros(2, 3), 0, "unconditional"),
        (torch.zeros(2, 4), 3, r"needs .*\(N, 3\), but got one of shape \(2, 4\)"),
        (torch.zeros(3), 3, r"got one of shape \(3,\)"),
        (torch.zeros(2, 3, 1, 1), 3, "got one of shape"),
    ],
)
def test_what_cannot_be_used_is_refused(condition: torch.Tensor | None, label_dim: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        require_condition(condition, label_dim)
