from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.features.inception_v3 import InceptionV3
from tests.network.features.networks import noise, shaken, shapes_sha256

State = dict[str, Tensor]
Pool = Callable[[Tensor], Tensor]

SHAPES = "d84f693f2abd7fea61cb31c87d3b2f268bf707c1bae1db219afdad3363959cb0"
"""Of the names and shapes that pytorch-fid 0.3.0 loads its file into."""


@pytest.fixture(scope="module")
def network() -> InceptionV3:
    return shaken(InceptionV3()).double()


def average(x: Tensor) -> Tensor:
    """The mean of each pixel's neighbours inside of the picture."""
    inside = F.pad(torch.ones_like(x[:, :1]), (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1).sum((-2, -1))
    return F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1).sum((-2, -1)) / inside


def average_with_border(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1).mean((-2, -1))


def maximum(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), value=-torch.inf).unfold(2, 3, 1).unfold(3, 3, 1).amax((-2, -1))


def halved(x: Tensor) -> Tensor:
    return x.unfold(2, 3, 2).unfold(3, 3, 2).amax((-2, -1))


def conv(state: State, key: str, x: Tensor, stride: int = 1, same: bool = True) -> Tensor:
    """Convolution, normalisation, rectifier, by hand from the file's names."""
    weight, gamma, beta, mean, var = (
        state[f"{key}.{name}"] for name in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    )
    padding = (weight.shape[2] // 2, weight.shape[3] // 2) if same else (0, 0)
    x = F.conv2d(x, weight, None, stride, padding)
    gain = gamma / (var + 1e-3).sqrt()
    return ((x - mean[:, None, None]) * gain[:, None, None] + beta[:, None, None]).clamp_min(0)


def chain(state: State, block: str, names: str, x: Tensor) -> Tensor:
    """Convolutions one after the other; a name that ends in ! has stride 2 and no padding."""
    for name in names.split():
        last = name.endswith("!")
        x = conv(state, f"{block}.{name.rstrip('!')}", x, 2 if last else 1, not last)
    return x


def mixed(state: State, block: str, x: Tensor, pool: Pool | None, *branches: str) -> Tensor:
    parts = [chain(state, block, names, x) for names in branches]
    parts.append(halved(x) if pool is None else conv(state, f"{block}.branch_pool", pool(x)))
    return torch.cat(parts, 1)


SEVEN = (
    "branch1x1",
    "branch7x7_1 branch7x7_2 branch7x7_3",
    "branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3 branch7x7dbl_4 branch7x7dbl_5",
)
EIGHT = (
    "branch1x1",
    "branch3x3_1 branch3x3_2a",
    "branch3x3_1 branch3x3_2b",
    "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a",
    "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3b",
)


def reference(state: State, x: Tensor, mean: Pool = average, last: Pool = maximum) -> tuple[list[Tensor], Tensor]:
    """The maps of the five stages, and the logits without bias."""
    x = conv(state, "Conv2d_1a_3x3", x, 2, False)
    x = conv(state, "Conv2d_2b_3x3", conv(state, "Conv2d_2a_3x3", x, 1, False))
    maps = [x]
    maps.append(conv(state, "Conv2d_4a_3x3", conv(state, "Conv2d_3b_1x1", halved(x)), 1, False))
    x = halved(maps[-1])
    three = "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3"
    for block in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        x = mixed(state, block, x, mean, "branch1x1", "branch5x5_1 branch5x5_2", three)
    maps.append(x)
    x = mixed(state, "Mixed_6a", x, None, "branch3x3!", three + "!")
    for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        x = mixed(state, block, x, mean, *SEVEN)
    maps.append(x)
    seven = "branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4!"
    x = mixed(state, "Mixed_7a", x, None, "branch3x3_1 branch3x3_2!", seven)
    x = mixed(state, "Mixed_7b", x, mean, *EIGHT)
    maps.append(mixed(state, "Mixed_7c", x, last, *EIGHT))
    return maps, maps[-1].flatten(2).mean(2) @ state["fc.weight"].T


def test_names_and_shapes_are_the_public_file_s(network: InceptionV3) -> None:
    state = network.state_dict()
    assert shapes_sha256(state) == SHAPES
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_850_960
    assert sum(key.endswith("conv.weight") for key in state) == 94
    assert state["Conv2d_1a_3x3.conv.weight"].shape == (32, 3, 3, 3)
    assert state["fc.weight"].shape == (1008, 2048)


def test_stages_have_the_paper_s_sizes() -> None:
    with torch.no_grad():
        network = shaken(InceptionV3())
        maps = network.stages(noise(1, 299))
        seen = network(noise(1, 299))
    sizes = [(64, 147), (192, 71), (288, 35), (768, 17), (2048, 8)]
    assert [tuple(one.shape) for one in maps] == [(1, width, side, side) for width, side in sizes]
    assert seen.features.shape == (1, network.dim) == (1, 2048)
    assert seen.logits.shape == (1, network.classes) == (1, 1008)


@torch.no_grad()
def test_values_are_those_of_another_statement(network: InceptionV3) -> None:
    images = noise(2, 107, 139).double()
    maps, logits = reference(network.state_dict(), images)
    ours = network.stages(images)
    for one, other in zip(ours, maps, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10 * float(other.abs().max()))
    seen = network(images)
    torch.testing.assert_close(seen.features, maps[-1].mean((2, 3)), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(seen.logits, logits, rtol=1e-10, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize(("mean", "last"), [(average_with_border, maximum), (average, average), (maximum, maximum)])
def test_the_pools_are_told_apart(network: InceptionV3, mean: Pool, last: Pool) -> None:
    images = noise(1, 107).double()
    _, logits = reference(network.state_dict(), images, mean, last)
    assert (network(images).logits - logits).norm() > 0.01 * logits.norm()


@torch.no_grad()
def test_logits_have_no_bias(network: InceptionV3) -> None:
    images = noise(1, 75).double()
    seen = network(images)
    network.fc.bias.add_(1)
    assert torch.equal(network(images).logits, seen.logits)
    torch.testing.assert_close(seen.logits, seen.features @ network.fc.weight.T)
