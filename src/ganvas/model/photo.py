"""A model of photographs: one network between two ends, faithful and inventive."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ganvas.device import choose_device, place
from ganvas.errors import FileError, UsageError
from ganvas.model.descriptor import Descriptor, GeneratorSpec, PhotoSpec
from ganvas.model.load import read_descriptor, read_weights
from ganvas.model.save import write_tensors
from ganvas.network.image_to_image import ImageToImage, build_image_to_image, described_radius_px, fused

NAME, FAITHFUL = "generator", "faithful"
"""The one generator of such a model, and the snapshot that is its faithful end."""
HALF_MAX = torch.finfo(torch.float16).max

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class PhotoModel:
    """A network for photographs, at any point between its two ends.

    Attributes:
        descriptor: Task, how it is laid over a photograph, card.
        device: Where its networks are put.
        inventive: Weights at fidelity 0, unfused, on the CPU: the end of training.
        faithful: Weights at fidelity 1: the end of the pixel stage; those of ``inventive`` where there was no other.
    """

    descriptor: Descriptor
    device: torch.device
    inventive: Weights
    faithful: Weights

    @property
    def two_ends(self) -> bool:
        """Whether fidelity changes anything."""
        return self.faithful is not self.inventive

    @property
    def photo(self) -> PhotoSpec:
        """How it is laid over a photograph."""
        assert self.descriptor.photo is not None  # `load_photo_model` saw to it
        return self.descriptor.photo

    def at(self, fidelity: float) -> nn.Module:
        """The network with weights interpolated between the ends (Wang et al. 2018, arXiv:1809.00219, eq. 4).

        Args:
            fidelity: From 0 (inventive) to 1 (faithful).

        Returns:
            An `ImageToImage` of its own, fused, in eval mode on the device.

        Raises:
            UsageError: The fidelity is out of range.
        """
        network = _described(self.descriptor.generators[NAME])
        network.load_state_dict(self.weights_at(fidelity), assign=True)
        with torch.random.fork_rng(devices=[]):  # a convolution that is fused draws values first
            return place(fused(network), self.device)

    def weights_at(self, fidelity: float) -> dict[str, Tensor]:
        """A copy of the weights that `at` gives the network, unfused."""
        if not 0 <= fidelity <= 1:
            raise UsageError(f"The fidelity is {fidelity:g}, but it must be from 0 (inventive) to 1 (faithful).")
        return {key: _between(value, self.faithful[key], fidelity) for key, value in self.inventive.items()}


def load_photo_model(path: Path | str, *, device: str = "auto") -> PhotoModel:
    """Load a model of photographs; nothing in the file is executed, or believed before it is checked.

    Args:
        path: A ``model.safetensors`` written by a run, or one made small by `shrink_model`.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        FileError: The file is absent, damaged, hostile, or no model of photographs.
        UsageError: The device does not exist.
    """
    path = Path(path)
    descriptor = read_descriptor(path)
    place_on = choose_device(device)
    if descriptor.photo is None or set(descriptor.generators) != {NAME}:
        raise FileError(f"'{path}' is a model for '{descriptor.task}', which does not paint from photographs.")
    spec = descriptor.generators[NAME]
    try:
        network = _described(spec)  # a lying header must not allocate anything
    except UsageError as error:
        raise FileError(f"'{path}' describes a network that cannot be built: {error}") from error
    _require_agreement(cast(ImageToImage, network), descriptor.photo, path)
    with safe_open(path, framework="pt") as file:
        has_faithful = any(key.startswith(f"snapshot/{FAITHFUL}/{NAME}/") for key in file.keys())
    inventive = _finite(path, f"{NAME}/", network)
    faithful = _finite(path, f"snapshot/{FAITHFUL}/{NAME}/", network) if has_faithful else inventive
    _require_radius(spec, descriptor.photo.radius_px, path)  # last: a network of many layers takes seconds
    return PhotoModel(descriptor, place_on, inventive, faithful)


def shrink_model(
    source: Path | str,
    target: Path | str,
    *,
    faithful_only: bool = False,
    faithful: Path | str | None = None,
    ends: tuple[float, float] = (0.0, 1.0),
    card: Mapping[str, Any] | None = None,
) -> None:
    """Write a model of photographs again with its weights in float16, at half the size.

    Args:
        source: A model file.
        target: Where to write; it may be the source.
        faithful_only: Leave the inventive end out.
        faithful: A model of the same network whose faithful end is taken: the one that the source started from.
        ends: The fidelities that become 0 and 1: a line whose best points lie between its ends is cut at those.
        card: What its card says besides what it said.

    Raises:
        FileError: The source is no model of photographs, the other one is of another network, a weight is more than
            float16 holds, or the target cannot be written.
    """
    model = load_photo_model(source, device="cpu")
    if faithful is not None:
        other = load_photo_model(faithful, device="cpu")
        if other.descriptor.generators != model.descriptor.generators:
            raise FileError(f"'{faithful}' holds another network than '{source}'; choose the model it started from.")
        model = replace(model, faithful=other.faithful)
    if model.two_ends:
        model = replace(model, inventive=model.weights_at(ends[0]), faithful=model.weights_at(ends[1]))
    final = model.faithful if faithful_only else model.inventive
    tensors = {f"{NAME}/{key}": value for key, value in final.items()}
    if model.two_ends and not faithful_only:
        tensors |= {f"snapshot/{FAITHFUL}/{NAME}/{key}": value for key, value in model.faithful.items()}
    for key, value in tensors.items():
        if value.is_floating_point() and value.numel() and float(value.abs().max()) > HALF_MAX:
            raise FileError(f"'{key}' in '{source}' is above {HALF_MAX:g}, more than float16 holds; ship it as it is.")
    halves = {key: value.half() if value.dtype == torch.float32 else value for key, value in tensors.items()}
    described = replace(model.descriptor, card={**model.descriptor.card, **(card or {})})
    write_tensors(Path(target), described, halves)


def _described(spec: GeneratorSpec) -> nn.Module:
    """The network without memory or values: those of a file are put in its place."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return build_image_to_image(spec.architecture, spec.arguments)


def _require_agreement(network: ImageToImage, spec: PhotoSpec, path: Path) -> None:
    """Refuse a description whose two halves differ."""
    facts = {"scale": network.scale, "stride_px": network.stride_px, "inputs": network.inputs}
    wrong = [name for name, fact in facts.items() if getattr(spec, name) != fact]
    if wrong:
        raise FileError(f"'{path}' describes itself in two ways ({', '.join(wrong)}); get the file again.")


def _require_radius(spec: GeneratorSpec, stated_px: int, path: Path) -> None:
    """Refuse a radius that would show seams, or have every tile painted with more around it than counts."""
    try:
        radius_px = described_radius_px(spec.architecture, spec.arguments)
    except UsageError as error:
        raise FileError(f"'{path}' describes a network that cannot be laid over a photograph: {error}") from error
    if stated_px != radius_px:
        raise FileError(
            f"'{path}' says that its network looks {stated_px} px far, but it looks {radius_px} px; get the file again."
        )


def _finite(path: Path, prefix: str, network: nn.Module) -> Weights:
    weights = read_weights(path, prefix, network.state_dict(), halves=True)
    odd = [key for key, value in weights.items() if not value.isfinite().all()]
    if odd:
        raise FileError(f"'{path}' has numbers that are not finite in '{prefix}{odd[0]}'; get the file again.")
    return weights


def _between(inventive: Tensor, faithful: Tensor, fidelity: float) -> Tensor:
    """A copy, exact at both ends."""
    if fidelity == 0 or not inventive.is_floating_point():
        return inventive.clone()
    return faithful.clone() if fidelity == 1 else torch.lerp(inventive, faithful, fidelity)
