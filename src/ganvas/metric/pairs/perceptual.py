"""Perceptual distance of pairs of pictures: how far the maps of a feature network lie apart.

The form of LPIPS (Zhang et al. 2018, arXiv:1801.03924, equation 1): channels of each place have unit length, squared
differences are weighted by channel, averaged over places and summed over layers. LPIPS itself is three networks with
weights fitted to human judgements; with any other network or weights this is another distance and has another name.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ganvas.errors import FileError, UsageError
from ganvas.network.features.state import read_state

NORM_EPS = 1e-10
"""Keeps the unit length of places where all channels are zero at zero."""
LAYER_KEY = re.compile(r"lin(\d{1,3})\.model\.1\.weight")

LPIPS_TRUNKS = {
    "718a8b40b0d22f96192d34ab93c0db5c7943558ff6c2407f44812dce2f29b5f4": "alex",
    "9153a2043dccf3b525d4f13db916e93ef040548ea923b6f2100de5ebac141a78": "vgg",
    "68f1b1752260e0335c6394983132e210e3ed5c2540e78d239be07671a77130e4": "squeeze",
}
"""SHA-256 of the weights of LPIPS 0.1 (float32, layer after layer), and the network each belongs to."""

Stages = Callable[[Tensor], Sequence[Tensor]]
"""Gives maps ``(N, C, h, w)`` of pictures, shallow to deep; see `ganvas.network.features.interface`."""


@dataclass(frozen=True)
class LayerWeights:
    """How much each channel counts.

    Attributes:
        layers: Float32 ``(C,)`` for each layer, not negative.
        trunk: The network that LPIPS uses them with: ``alex``, ``vgg`` or ``squeeze``; empty if they are not LPIPS's.
    """

    layers: tuple[Tensor, ...]
    trunk: str = ""


def perceptual_distance(a: Tensor, b: Tensor, stages: Stages, weights: LayerWeights | None = None) -> Tensor:
    """Distance of each pair of pictures in the eyes of a network.

    Args:
        a: Pictures as the network wants them, normalised, ``(N, 3, H, W)``. LPIPS resizes none.
        b: As many of the same shape.
        stages: The network; gradients go through it.
        weights: How much each channel counts; None counts all once.

    Returns:
        Float64 ``(N,)`` on the CPU, 0 where pictures are equal; without weights at most 4 a layer.

    Raises:
        UsageError: The shapes differ, or the weights are for other maps than the network has.
    """
    if a.shape != b.shape:
        raise UsageError(
            f"Pictures of shapes {tuple(a.shape)} and {tuple(b.shape)} cannot be compared; give pairs of one shape."
        )
    seen_a, seen_b = stages(a), stages(b)
    if weights is not None:
        _refuse_other_maps(weights, [seen.shape[1] for seen in seen_a])
    distance = torch.zeros(len(a), dtype=torch.float64)
    for layer, (map_a, map_b) in enumerate(zip(seen_a, seen_b, strict=True)):
        squares = (_unit(map_a.float()) - _unit(map_b.float())).square()
        if weights is not None:
            squares = squares * weights.layers[layer].to(squares.device)[:, None, None]
        distance = distance + squares.sum(1).cpu().double().mean((1, 2))
    return distance


def distance_name(network: str, weights: LayerWeights | None = None) -> str:
    """What a distance is called: after its network, and ``lpips`` only with LPIPS's own weights for that network.

    Args:
        network: Its name; LPIPS's are ``alex``, ``vgg`` and ``squeeze``.
        weights: As for `perceptual_distance`.
    """
    if weights is None:
        return f"{network}-perceptual"
    return f"lpips-{network}" if weights.trunk == network else f"{network}-perceptual-weighted"


def read_layer_weights(path: Path) -> LayerWeights:
    """Channel weights from a file of LPIPS's form: ``lin0.model.1.weight``, ``lin1...``, each ``(1, C, 1, 1)``.

    Args:
        path: A ``.safetensors`` file, or one of PyTorch, of which nothing is executed.

    Raises:
        FileError: It cannot be read, or holds anything else than layers 0, 1, ... of finite weights of at least 0.
    """
    state = _read_safetensors(path) if path.suffix == ".safetensors" else read_state(path)
    places = {key: LAYER_KEY.fullmatch(key) for key in state}
    odd = [key for key, place in places.items() if place is None]
    order = sorted(int(place[1]) for place in places.values() if place)
    if odd or not order or order != list(range(len(order))):
        found = ", ".join(map(repr, sorted(odd or state)[:3])) or "nothing"
        raise FileError(
            f"'{path}' holds {found} where 'lin0.model.1.weight', 'lin1.model.1.weight' and so on are meant; "
            "give a file of LPIPS weights."
        )
    layers = tuple(_layer(state[f"lin{index}.model.1.weight"], index, path) for index in order)
    digest = hashlib.sha256(b"".join(layer.numpy().astype("<f4").tobytes() for layer in layers)).hexdigest()
    return LayerWeights(layers, LPIPS_TRUNKS.get(digest, ""))


def _unit(maps: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    return maps / (length + NORM_EPS)


def _layer(weight: Tensor, index: int, path: Path) -> Tensor:
    if weight.ndim != 4 or weight.shape != (1, weight.numel(), 1, 1) or not weight.is_floating_point():
        raise FileError(
            f"'{path}' has layer {index} as {tuple(weight.shape)} {weight.dtype} where floats (1, channels, 1, 1) are "
            "meant; give a file of LPIPS weights."
        )
    if not weight.isfinite().all() or (weight < 0).any():
        raise FileError(f"'{path}' has weights in layer {index} that are negative or not finite; get the file again.")
    return weight.detach().float().flatten()


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise FileError(f"'{path}' is not a readable safetensors file ({error}); get it again.") from error


def _refuse_other_maps(weights: LayerWeights, channels: list[int]) -> None:
    expected = [len(layer) for layer in weights.layers]
    if expected != channels:
        raise UsageError(
            f"Weights for maps of {expected} channels do not fit a network with maps of {channels}; "
            "give the weights that were fitted to it, or none."
        )
