"""Feature networks: what scores see pictures with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ganvas.device import choose_device
from ganvas.errors import UnknownName, UsageError
from ganvas.network.features.classifier import Classifier, load_classifier
from ganvas.network.features.efficientnet_lite import EfficientNetLite
from ganvas.network.features.fold import folded
from ganvas.network.features.inception_v3 import InceptionV3
from ganvas.network.features.interface import Channels, FeatureNetwork, Seen
from ganvas.network.features.mobilenet_v2 import MobileNetV2
from ganvas.network.features.random import RandomFeatures
from ganvas.network.features.state import fill_, fingerprint, read_state
from ganvas.network.features.weights import WEIGHTS, find_weights, verify

__all__ = ["FEATURE_NETWORKS", "FeatureNetwork", "Loaded", "Seen", "load_feature_network"]

Pinned = InceptionV3 | EfficientNetLite | MobileNetV2
Built = tuple[Pinned | RandomFeatures | Classifier, str]
"""A network and the SHA-256 of its weights."""


@dataclass(frozen=True)
class Loaded:
    """A feature network ready for use.

    Attributes:
        name: Its key in `FEATURE_NETWORKS`.
        network: In eval mode, batch normalisation folded, filters in channels_last order.
        sha256: Of its weight file; of all parameters for ``random`` and ``classifier``, which have no public file.
        offset: The network's input is ``(levels - offset) / scale``, levels from 0 to 255.
        scale: See ``offset``.
        side_px: Side of the square pictures it takes.
        dim: Length of its features.
        classes: Number of its logits; 0 for ``random``.
    """

    name: str
    network: FeatureNetwork
    sha256: str
    offset: Channels
    scale: Channels
    side_px: int
    dim: int
    classes: int


def load_feature_network(
    name: str,
    *,
    weights: Path | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Loaded:
    """A feature network with its weights, folded for inference. Nothing is downloaded.

    Args:
        name: A key of `FEATURE_NETWORKS`.
        weights: The weight file, if it lies where `find_weights` does not look; a classifier's file.
        seed: Of the random network; trained ones do not depend on it.
        device: Where the network shall be.

    Raises:
        UnknownName: There is no such network.
        UsageError: The network takes no weight file and one is given, or needs one and none is; or no such device.
        FileError: The weight file is absent, damaged, or another than the network is defined by.
    """
    if name not in FEATURE_NETWORKS:
        raise UnknownName("feature network", name, FEATURE_NETWORKS)
    network, sha256 = FEATURE_NETWORKS[name](weights, seed)
    ready = folded(network).to(choose_device(str(device)))
    return Loaded(name, ready, sha256, ready.offset, ready.scale, ready.side_px, ready.dim, ready.classes)


def _inception_v3(weights: Path | None, seed: int) -> Built:
    return _pinned("inception-v3", InceptionV3, weights)


def _efficientnet_lite0(weights: Path | None, seed: int) -> Built:
    return _pinned("efficientnet-lite0", EfficientNetLite, weights)


def _mobilenet_v2(weights: Path | None, seed: int) -> Built:
    return _pinned("mobilenet-v2", MobileNetV2, weights)


def _pinned(name: str, architecture: Callable[[], Pinned], given: Path | None) -> Built:
    path = find_weights(name, given)
    verify(path, WEIGHTS[name])
    with torch.device("meta"):  # no memory and no time for initial values
        network = architecture()
    fill_(network, read_state(path), str(path))
    return network, WEIGHTS[name].sha256


def _random(weights: Path | None, seed: int) -> Built:
    if weights is not None:
        raise UsageError(f"The feature network 'random' is made from its seed and takes no weight file '{weights}'.")
    network = RandomFeatures(seed)
    return network, fingerprint(network)


def _classifier(weights: Path | None, seed: int) -> Built:
    if weights is None:
        raise UsageError("The feature network 'classifier' is one of your own; give its file with --weights FILE.")
    network = load_classifier(weights)
    return network, fingerprint(network)


FEATURE_NETWORKS: dict[str, Callable[[Path | None, int], Built]] = {
    "inception-v3": _inception_v3,
    "efficientnet-lite0": _efficientnet_lite0,
    "mobilenet-v2": _mobilenet_v2,
    "random": _random,
    "classifier": _classifier,
}
"""By name: what builds a network from a given weight file (or None) and a seed."""
