import hashlib
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from safetensors.torch import save_file
from torch import Tensor

from ganvas.errors import FileError, UsageError
from ganvas.metric.pairs.perceptual import (
    LPIPS_TRUNKS,
    LayerWeights,
    distance_name,
    perceptual_distance,
    read_layer_weights,
)
from ganvas.metric.protocol import PROTOCOLS, prepare
from ganvas.network.features import load_feature_network
from tests.metric.pairs.test_psnr import drawing, noisy

VECTORS = Path(__file__).parents[1] / "data" / "protocol_vectors.safetensors"


def maps(seed: int, count: int = 3) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((count, 4, 6, 5), (count, 7, 3, 2), (count, 2, 1, 1))
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def showing(a: Sequence[Tensor], b: Sequence[Tensor]) -> Callable[[Tensor], Sequence[Tensor]]:
    """A network that sees given maps: the first in pictures of zeros, the second in those of ones."""
    return lambda images: b if images.any() else a


def distance(a: Sequence[Tensor], b: Sequence[Tensor], weights: LayerWeights | None = None) -> Tensor:
    size = (len(a[0]), 3, 2, 2)
    return perceptual_distance(torch.zeros(size), torch.ones(size), showing(a, b), weights)


def by_numpy(a: Sequence[Tensor], b: Sequence[Tensor], weights: Sequence[Tensor]) -> NDArray[np.float64]:
    total = np.zeros(len(a[0]))
    for first, second, weight in zip(a, b, weights, strict=True):
        for row in range(len(total)):
            here = 0.0
            for place in np.ndindex(*first.shape[2:]):
                x, y = (each[(row, slice(None), *place)].double().numpy() for each in (first, second))
                off = x / max(np.linalg.norm(x), 1e-300) - y / max(np.linalg.norm(y), 1e-300)
                here += float(weight.double().numpy() @ off**2)
            total[row] += here / np.prod(first.shape[2:])
    return total


def some_weights(seed: int = 5) -> LayerWeights:
    generator = torch.Generator().manual_seed(seed)
    return LayerWeights(tuple(torch.rand(channels, generator=generator) for channels in (4, 7, 2)))


@pytest.mark.parametrize("weighted", [False, True])
def test_distance_equals_its_definition(weighted: bool) -> None:
    a, b = maps(1), maps(2)
    b[1][:, :, 0, 0] = 0  # a place where nothing is seen
    weights = some_weights() if weighted else None
    expected = by_numpy(a, b, weights.layers if weights else [torch.ones(each.shape[1]) for each in a])
    found = distance(a, b, weights)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["weighted", "plain"])
def test_distance_equals_that_of_lpips_itself(name: str) -> None:
    stored = {key: torch.from_numpy(value) for key, value in load_file(VECTORS).items()}
    a, b = ([stored[f"lpips.{side}.{layer}"] for layer in (0, 1)] for side in "ab")
    weights = LayerWeights(tuple(stored[f"lpips.weights.{layer}"].flatten() for layer in (0, 1)))
    found = distance(a, b, weights if name == "weighted" else None)
    np.testing.assert_allclose(found, stored[f"lpips.{name}"].flatten(), rtol=1e-6)


def test_equal_is_zero_order_is_free_and_brightness_of_maps_does_not_count() -> None:
    a, b = maps(1), maps(2)
    assert torch.equal(distance(a, a), torch.zeros(3, dtype=torch.float64))
    assert torch.equal(distance(a, b), distance(b, a))
    brighter = [each * 100 for each in b]
    torch.testing.assert_close(distance(a, brighter), distance(a, b), rtol=1e-5, atol=0)
    opposite = [-each for each in a]
    torch.testing.assert_close(distance(a, opposite), torch.full((3,), 12.0).double(), rtol=1e-5, atol=0)


def test_more_noise_is_farther_in_the_eyes_of_a_network() -> None:
    network = load_feature_network("random", seed=0)

    def seen(picture: NDArray[np.uint8]) -> Tensor:
        return prepare(picture, network.side_px, PROTOCOLS["ganvas"], network.offset, network.scale)

    picture = drawing()
    others = [seen(noisy(picture, spread)) for spread in (0, 4, 12, 36, 108)]
    with torch.inference_mode():
        series = perceptual_distance(seen(picture).expand(5, -1, -1, -1), torch.cat(others), network.network.stages)
    assert series[0] == pytest.approx(0, abs=1e-9)
    assert (series.diff() > 0).all()


def test_gradients_are_right_and_finite_where_nothing_is_seen() -> None:
    a, weight = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0.5, -1.0, 2.0])
    b = (a * 0.7 + 0.1).requires_grad_()

    def stages(images: Tensor) -> tuple[Tensor, Tensor]:
        return images, (images.roll(1, 1) * weight[:, None, None]).relu() * (images > 0.4)

    perceptual_distance(a, b, stages).sum().backward()
    gradient = b.grad
    assert gradient is not None
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0
    step = gradient / gradient.norm() * 1e-2
    with torch.no_grad():
        nearer = perceptual_distance(a, b - step, stages).sum()
        assert nearer < perceptual_distance(a, b, stages).sum()


def test_names_tell_networks_and_weights() -> None:
    fitted = LayerWeights((torch.ones(1),), trunk="alex")
    assert distance_name("mobilenet-v2") == "mobilenet-v2-perceptual"
    assert distance_name("mobilenet-v2", some_weights()) == "mobilenet-v2-perceptual-weighted"
    assert distance_name("mobilenet-v2", fitted) == "mobilenet-v2-perceptual-weighted"
    assert distance_name("vgg", fitted) == "vgg-perceptual-weighted"
    assert distance_name("alex") == "alex-perceptual"
    assert distance_name("alex", fitted) == "lpips-alex"


def state(**changes: Tensor) -> dict[str, Tensor]:
    layers = {f"lin{i}.model.1.weight": layer[None, :, None, None] for i, layer in enumerate(some_weights().layers)}
    return layers | {key.replace("_", "."): value for key, value in changes.items()}


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_weights_come_back_from_both_kinds_of_file(name: str, tmp_path: Path) -> None:
    backwards = dict(reversed(state().items()))
    write: Callable[[Any, Path], None] = save_file if name.endswith("safetensors") else torch.save
    write(backwards, tmp_path / name)
    found = read_layer_weights(tmp_path / name)
    assert found.trunk == ""
    assert len(found.layers) == 3
    for mine, expected in zip(found.layers, some_weights().layers, strict=True):
        assert torch.equal(mine, expected)
    assert torch.equal(distance(maps(1), maps(2), found), distance(maps(1), maps(2), some_weights()))


def test_weights_of_lpips_are_known_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"lin0.model.1.weight": torch.full((1, 2, 1, 1), 0.5)}, tmp_path / "w.safetensors")
    digest = hashlib.sha256(struct.pack("<2f", 0.5, 0.5)).hexdigest()
    assert read_layer_weights(tmp_path / "w.safetensors").trunk == ""
    monkeypatch.setitem(LPIPS_TRUNKS, digest, "alex")
    assert read_layer_weights(tmp_path / "w.safetensors").trunk == "alex"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lin4_model_1_weight": torch.ones(1, 2, 1, 1)}, "are meant; give a file of LPIPS weights"),
        ({"net_slice1_weight": torch.ones(1)}, "holds 'net.slice1.weight' where 'lin0.model.1.weight'"),
        ({"lin1_model_1_weight": torch.ones(7)}, r"layer 1 as \(7,\) torch.float32 where floats"),
        ({"lin1_model_1_weight": torch.ones(1, 7, 1, 1).long()}, r"layer 1 as \(1, 7, 1, 1\) torch.int64 where floats"),
        ({"lin2_model_1_weight": torch.tensor([0.1, -0.1]).view(1, 2, 1, 1)}, "weights in layer 2 that are negative"),
        ({"lin0_model_1_weight": torch.full((1, 4, 1, 1), torch.nan)}, "weights in layer 0 that are negative or not"),
    ],
)
def test_other_files_are_refused(changes: dict[str, Tensor], message: str, tmp_path: Path) -> None:
    save_file(state(**changes), tmp_path / "w.safetensors")
    with pytest.raises(FileError, match=message):
        read_layer_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_damaged_and_absent_files_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is not a readable"):
        read_layer_weights(tmp_path / name)
    (tmp_path / name).write_bytes(b"no weights at all")
    with pytest.raises(FileError, match="is not a readable"):
        read_layer_weights(tmp_path / name)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    save_file({}, tmp_path / "w.safetensors")
    with pytest.raises(FileError, match="holds nothing where"):
        read_layer_weights(tmp_path / "w.safetensors")


def test_weights_for_another_network_are_refused() -> None:
    with pytest.raises(UsageError, match=r"maps of \[4, 7, 2\] channels do not fit a network with maps of \[4, 7\]"):
        distance(maps(1)[:2], maps(2)[:2], some_weights())


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot be compared; give pairs of one shape"):
        perceptual_distance(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5), lambda images: (images,))
