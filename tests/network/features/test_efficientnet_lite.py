from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from platformdirs import user_cache_path
from torch import Tensor

from ganvas.network.features import load_feature_network
from ganvas.network.features.efficientnet_lite import EfficientNetLite, SameConv, rounded_width
from ganvas.network.features.state import fill_, read_state
from tests.network.features.networks import noise, normalised, shaken, shapes_sha256, waves, weights_at_hand
from tests.training.conftest import Clothes, clothes

__all__ = ["clothes"]

SIZES = {"lite0": (1.0, 1.0, 224), "lite1": (1.0, 1.1, 240), "lite2": (1.1, 1.2, 260)}
SHAPES = {
    "lite0": "e8b5afc66056b920f760076c03fd4a400c3a13c0c0b094f45d3ae97792267bde",
    "lite1": "908d60586ae9959c06f1296a5286ccf118b2a44c2f78d6d507b63844351544ed",
    "lite2": "fe74032d0bfd039ee834aa27041f519263a0a17b601c7ac6816e76eedf3d7bc0",
}
"""Of the names and shapes in efficientnet-lite-pytorch 0.1.0."""

WAVES = [1.10304, 1.6022, -0.86945, -1.45504, -2.05409, -1.6328, -0.41784, -1.86836]
"""Every 125th logit that efficientnet-lite-pytorch 0.1.0 gives `waves` with the public weights, in float64."""

PHOTOGRAPHS = {
    "explore_farm_animals-000": 99,  # goose
    "explore_farm_animals-002": 348,  # ram
    "explore_farm_animals-005": 8,  # hen
    "explore_farm_animals-007": 235,  # German shepherd
    "explore_world_animals-000": 104,  # wallaby
    "explore_world_animals-006": 105,  # koala
    "explore_world_animals-009": 296,  # ice bear
    "explore_world_animals-013": 388,  # giant panda
}
"""What the photographs that `bench/fetch.py photographs` fetches show, as numbers of ImageNet's classes."""


@pytest.mark.parametrize("size", SIZES)
def test_names_and_shapes_are_the_public_file_s(size: str) -> None:
    with torch.device("meta"):
        network = EfficientNetLite(*SIZES[size])
    assert shapes_sha256(network.state_dict()) == SHAPES[size]
    assert network.side_px == SIZES[size][2]


def test_widths_are_rounded_but_lose_no_more_than_a_tenth() -> None:
    assert [rounded_width(width) for width in (1, 8, 17.6, 26.4, 44, 88, 123.2, 211.2, 352)] == [
        8, 8, 16, 24, 48, 88, 120, 208, 352,
    ]  # fmt: skip
    assert rounded_width(11.9) == 16  # 8 would be a third less


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(12, 12), (13, 12), (7, 11)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_padding_is_tensorflow_s(height: int, width: int, kernel: int, stride: int) -> None:
    """TensorFlow's guide: of what lacks for ceil(side / stride) outputs, the smaller half lies before the picture."""
    conv = shaken(SameConv(1, 1, kernel, stride=stride, bias=False)).double()
    picture = noise(1, height, width)[:, :1].double()
    before = []
    for side in (height, width):
        lacking = max(((side + stride - 1) // stride - 1) * stride + kernel - side, 0)
        before.append((lacking // 2, lacking - lacking // 2))
    padded = np.pad(picture[0, 0].numpy(), before)
    expected = scipy.signal.correlate2d(padded, conv.weight[0, 0].numpy(), "valid")[::stride, ::stride]
    np.testing.assert_allclose(conv(picture)[0, 0].numpy(), expected, atol=1e-12)
    assert expected.shape == (-(-height // stride), -(-width // stride))


def layer(state: dict[str, Tensor], conv: str, norm: str, x: Tensor, stride: int = 1) -> Tensor:
    """A convolution padded at the right and the bottom where it has a stride, and its normalisation."""
    weight = state[conv + ".weight"]
    kernel, groups = weight.shape[2], x.shape[1] // weight.shape[1]
    before, after = (kernel // 2, kernel // 2) if stride == 1 else ((kernel - 2) // 2, (kernel - 1) // 2)
    x = F.conv2d(F.pad(x, (before, after, before, after)), weight, None, stride, 0, 1, groups)
    gamma, beta, mean, var = (state[f"{norm}.{key}"] for key in ("weight", "bias", "running_mean", "running_var"))
    return F.batch_norm(x, mean, var, gamma, beta, eps=1e-3)


def reference(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Logits of even-sided pictures, from the file's names."""
    x = layer(state, "_conv_stem", "_bn0", x, 2).clamp(0, 6)
    for number in range(16):
        block = f"_blocks.{number}."
        y = x
        if number:
            y = layer(state, block + "_expand_conv", block + "_bn0", y).clamp(0, 6)
        y = layer(state, block + "_depthwise_conv", block + "_bn1", y, 2 if number in (1, 3, 5, 11) else 1).clamp(0, 6)
        y = layer(state, block + "_project_conv", block + "_bn2", y)
        x = x + y if number in (2, 4, 6, 7, 9, 10, 12, 13, 14) else y
    x = layer(state, "_conv_head", "_bn1", x).clamp(0, 6).mean((2, 3))
    return x @ state["_fc.weight"].T + state["_fc.bias"]


@torch.no_grad()
def test_values_are_those_of_another_statement() -> None:
    network = shaken(EfficientNetLite()).double()
    images = noise(2, 64, 96).double()
    torch.testing.assert_close(network(images).logits, reference(network.state_dict(), images), rtol=1e-9, atol=1e-9)


@torch.no_grad()
@pytest.mark.parametrize("size", SIZES)
def test_values_are_those_of_the_peer_package(size: str) -> None:
    peer = pytest.importorskip("efficientnet_lite_pytorch")
    ours = shaken(EfficientNetLite(*SIZES[size]))
    theirs = peer.EfficientNet.from_name(f"efficientnet-{size}").eval()
    theirs.load_state_dict(ours.state_dict())
    images = noise(1, ours.side_px)
    torch.testing.assert_close(ours(images).logits, theirs(images))


@torch.no_grad()
def test_stages_are_the_last_maps_of_each_resolution() -> None:
    network = shaken(EfficientNetLite())
    widths = [(16, 48), (24, 24), (40, 12), (112, 6), (320, 3)]
    assert [tuple(x.shape) for x in network.stages(noise(1, 96))] == [(1, width, side, side) for width, side in widths]


@torch.no_grad()
def test_public_weights_give_the_peer_package_s_logits() -> None:
    path = weights_at_hand("efficientnet-lite0")
    network = EfficientNetLite()
    fill_(network, read_state(path), str(path))
    images = waves(224, network.offset, network.scale)
    logits = network.eval().double()(images).logits[0]
    np.testing.assert_allclose(logits[::125].numpy(), WAVES, atol=2e-5)
    assert int(logits.argmax()) == 418
    folded = load_feature_network("efficientnet-lite0").network(images.float()).logits[0]
    np.testing.assert_allclose(folded[::125].numpy(), WAVES, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("name", ["efficientnet-lite0", "mobilenet-v2"])
def test_clothes_of_a_kind_lie_together(name: str, clothes: Clothes) -> None:
    """The nearest other picture is of the same kind, more than 5 times out of 10; by chance it would be once."""
    weights_at_hand(name)
    loaded = load_feature_network(name)
    rows = torch.cat([(clothes.labels == kind).nonzero()[:8, 0] for kind in range(10)])
    images, labels = clothes.images[rows].expand(-1, 3, -1, -1), clothes.labels[rows]
    levels = F.interpolate((images + 1) * 127.5, (128, 128), mode="bicubic", antialias=True).clamp(0, 255)
    features = loaded.network(normalised(levels, loaded.offset, loaded.scale)).features
    distance = torch.cdist(features, features).fill_diagonal_(torch.inf)
    assert (labels[distance.argmin(1)] == labels).float().mean() > 0.5


@torch.no_grad()
@pytest.mark.parametrize("name", ["efficientnet-lite0", "mobilenet-v2"])
def test_animals_are_recognised(name: str) -> None:
    weights_at_hand(name)
    photographs = pytest.importorskip("PIL.Image")
    folder = Path(user_cache_path("ganvas", appauthor=False)) / "bench" / "photographs"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is not there; run bench/fetch.py photographs")
    loaded = load_feature_network(name)
    levels = []
    for file in PHOTOGRAPHS:
        picture = photographs.open(folder / f"{file}.webp").convert("RGB")
        (width, height), side = picture.size, min(picture.size)
        left, top = (width - side) // 2, (height - side) // 2
        square = picture.resize((224, 224), 3, (left, top, left + side, top + side))
        levels.append(torch.from_numpy(np.array(square)).permute(2, 0, 1).float())
    logits = loaded.network(normalised(torch.stack(levels), loaded.offset, loaded.scale)).logits
    assert logits.argmax(1).tolist() == list(PHOTOGRAPHS.values())
