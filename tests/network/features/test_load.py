import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.network.features import FEATURE_NETWORKS, Loaded, load_feature_network
from ganvas.network.features.classifier import Classifier, save_classifier
from ganvas.network.features.efficientnet_lite import EfficientNetLite
from ganvas.network.features.inception_v3 import InceptionV3
from ganvas.network.features.mobilenet_v2 import MobileNetV2
from ganvas.network.features.weights import WEIGHTS
from tests.network.features.networks import noise, shaken

PINNED: dict[str, type[nn.Module]] = {
    "inception-v3": InceptionV3,
    "efficientnet-lite0": EfficientNetLite,
    "mobilenet-v2": MobileNetV2,
}


def written(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """Made-up weights that pass as the public ones, and the network that has them."""
    network = shaken(PINNED[name]())
    torch.save(network.state_dict(), path)
    content = path.read_bytes()
    known = replace(WEIGHTS[name], sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    monkeypatch.setitem(WEIGHTS, name, known)
    return network


def ready(loaded: Loaded) -> None:
    """What is true of every network."""
    assert isinstance(loaded.network, nn.Module)
    assert not loaded.network.training
    assert not any(isinstance(module, nn.BatchNorm2d) for module in loaded.network.modules())
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    assert len(bytes.fromhex(loaded.sha256)) == 32
    assert len(loaded.offset) == len(loaded.scale) == 3
    assert min(loaded.scale) > 0
    images = noise(2, loaded.side_px)
    seen = loaded.network(images)
    assert seen.features.shape == (2, loaded.dim)
    assert seen.logits.shape == (2, loaded.classes)
    maps = loaded.network.stages(images)
    assert len(maps) >= 3
    assert all(one.ndim == 4 and len(one) == 2 for one in maps)
    sides = [one.shape[-1] for one in maps]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("name", PINNED)
def test_public_networks_are_filled_from_their_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = written(name, tmp_path / "w.pth", monkeypatch)
    loaded = load_feature_network(name, weights=tmp_path / "w.pth")
    ready(loaded)
    assert loaded.name == name
    assert loaded.sha256 == WEIGHTS[name].sha256
    images = noise(1, 107)
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(images).features, network(images).features, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", PINNED)
def test_another_file_is_refused_even_if_it_is_given(name: str, tmp_path: Path) -> None:
    torch.save(PINNED[name]().state_dict(), tmp_path / "w.pth")
    with pytest.raises(FileError, match="is not the file"):
        load_feature_network(name, weights=tmp_path / "w.pth")


def test_a_file_of_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written("mobilenet-v2", tmp_path / "w.pth", monkeypatch)
    monkeypatch.setitem(WEIGHTS, "efficientnet-lite0", WEIGHTS["mobilenet-v2"])
    with pytest.raises(FileError, match="weights of another network"):
        load_feature_network("efficientnet-lite0", weights=tmp_path / "w.pth")


def test_the_random_network_is_told_by_its_seed() -> None:
    first, again, other = (load_feature_network("random", seed=seed) for seed in (0, 0, 1))
    ready(first)
    assert first.sha256 == again.sha256 != other.sha256
    assert torch.equal(first.network(noise(2, 64)).features, again.network(noise(2, 64)).features)


def test_a_classifier_is_told_by_its_weights(tmp_path: Path) -> None:
    shas = []
    for seed in (0, 1):
        save_classifier(tmp_path / f"{seed}.safetensors", shaken(Classifier(28, 4, 16), seed))
        shas.append(load_feature_network("classifier", weights=tmp_path / f"{seed}.safetensors").sha256)
    loaded = load_feature_network("classifier", weights=tmp_path / "1.safetensors")
    ready(loaded)
    assert shas[0] != shas[1] == loaded.sha256
    assert (loaded.side_px, loaded.classes, loaded.dim) == (28, 4, 16)


def test_wrong_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="inception-v3"):
        load_feature_network("inception")
    with pytest.raises(UsageError, match="takes no weight file"):
        load_feature_network("random", weights=tmp_path / "w.pth")
    with pytest.raises(UsageError, match="--weights FILE"):
        load_feature_network("classifier")
    with pytest.raises(UsageError, match="--device"):
        load_feature_network("random", device="gpu")


def test_inputs_are_normalised_as_each_was_trained() -> None:
    """Levels 0 and 255 as TensorFlow's TPU code for EfficientNet-Lite, torchvision and TTUR's FID bring them in."""
    ends = np.array([0.0, 255.0])
    imagenet = [(ends / 255 - mean) / std for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]
    for offsets, scales, expected in (
        (EfficientNetLite.offset, EfficientNetLite.scale, [(ends - 127) / 128] * 3),
        (InceptionV3.offset, InceptionV3.scale, [(ends - 128) / 128] * 3),
        (MobileNetV2.offset, MobileNetV2.scale, imagenet),
    ):
        for offset, scale, values in zip(offsets, scales, expected, strict=True):
            np.testing.assert_allclose((ends - offset) / scale, values, rtol=1e-12)


def test_every_network_of_the_list_is_tested() -> None:
    assert set(FEATURE_NETWORKS) == {*PINNED, "random", "classifier"}
