import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.image_to_image.plain import PlainUpscaler
from tests.network.architectures import perturbed


def branches(conv: dict[str, Tensor], x: Tensor) -> Tensor:
    """A block as RepVGG and ECBSR draw it: four pictures, added up."""
    squeezed = F.conv2d(F.conv2d(x, conv["expand.weight"]), conv["squeeze.weight"], padding=1)
    full = F.conv2d(x, conv["full.weight"], conv["full.bias"], padding=1)
    return full + F.conv2d(x, conv["point.weight"]) + squeezed + x


def test_it_is_its_drawing() -> None:
    torch.manual_seed(0)
    network = perturbed(PlainUpscaler(scale=2, width=5, depth=3).double())
    state = network.state_dict()
    given = torch.rand(2, 3, 6, 7, dtype=torch.float64)

    def conv(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    first = x = F.leaky_relu(conv(given, "from_image"), 0.2)
    for index in range(3):
        prefix = f"body.{index}."
        block = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        x = F.leaky_relu(branches(block, x), 0.2)
    residual = F.pixel_shuffle(conv(first + x, "to_image"), 2)
    expected = F.interpolate(given, scale_factor=2, mode="nearest") + residual
    torch.testing.assert_close(network(given), expected, rtol=1e-12, atol=1e-12)


def test_thirty_steps_learn_to_interpolate() -> None:
    """Enlarging a smooth picture: the fresh network repeats pixels, a trained one must come nearer."""
    torch.manual_seed(0)
    network = PlainUpscaler(scale=2, width=16, depth=2)
    rows = torch.linspace(0, 9, 32)
    large = (torch.sin(rows)[:, None] * torch.cos(rows)[None]).expand(1, 3, -1, -1)
    small = F.avg_pool2d(large, 2)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = (network(small) - large).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
