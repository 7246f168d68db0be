"""Start from the weights of another model, as far as they fit, with networks chosen so that they do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ganvas.errors import FileError, UsageError
from ganvas.job.photo_plan import NETWORKS as PHOTO_NETWORKS
from ganvas.job.sample import model_file
from ganvas.model.load import read_descriptor
from ganvas.network.layers.pyramid import pyramid
from ganvas.training.checkpoint import checkpoint_path, checkpoint_steps, read_checkpoint
from ganvas.training.config import SETTINGS
from ganvas.training.options import parse

LABEL_LAYER = "embed.weight"
"""How the one layer that meets the labels is called in every network of `ganvas.network`."""
ARCHITECTURE = ("generator", "discriminator", "width", "blocks", "latent_dim")
ARCHITECTURE_OF_PHOTOS = ("generator", "width", "blocks")
WIDTH_OF_FINEST = ("fast", "dcgan")
"""Networks whose width is that of the finest stage and doubles towards the coarse end."""


@dataclass(frozen=True)
class Warmth:
    """Weights to start from.

    Attributes:
        networks: Tensors by network name.
        old_labels: What the columns of the old model's label layers mean.
        new_labels: The same for the new one.
        tell: Given one sentence a network: what became of its weights.
    """

    networks: Mapping[str, Mapping[str, Tensor]]
    old_labels: tuple[str, ...]
    new_labels: tuple[str, ...]
    tell: Callable[[str], None]

    @torch.no_grad()
    def warm_(self, network: nn.Module, name: str) -> nn.Module:
        """Copy every tensor of the same name and shape; label layers keep the columns of labels both know."""
        old, new = self.networks.get(name, {}), network.state_dict()
        fresh = [key for key, value in new.items() if key not in old or not self._carry(key, old[key], value)]
        kept = f"{name}: {len(new) - len(fresh)} of {len(new)} tensors carried over"
        more = " …" if len(fresh) > 4 else ""
        self.tell(f"{kept}, new are {', '.join(fresh[:4])}{more}." if fresh else f"{kept}.")
        return network

    def _carry(self, key: str, source: Tensor, target: Tensor) -> bool:
        """Whether anything of the old tensor was of use."""
        if key.endswith(LABEL_LAYER) and self.old_labels != self.new_labels:
            return self._carry_columns(source, target)
        if source.shape != target.shape:
            return False
        target.copy_(source)
        return True

    def _carry_columns(self, source: Tensor, target: Tensor) -> bool:
        shared = [label for label in self.new_labels if label in self.old_labels]
        if source.shape != (len(target), len(self.old_labels)):
            return False
        for label in shared:
            target[:, self.new_labels.index(label)] = source[:, self.old_labels.index(label)]
        return bool(shared)


def inherited(path: Path, given: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The old model's architecture, as far as nobody gave another, in the width that keeps its coarse stages.

    Args:
        path: The model or run to start from.
        given: Options somebody gave.
        size: Height and width of the new pictures.

    Returns:
        Options by name; none when another architecture was asked for or the old one was its author's own.

    Raises:
        FileError: There is no model at the path.
        UsageError: Its card is not one that ganvas wrote, or one of the two is for photographs and the other is not.
    """
    descriptor = read_descriptor(model_file(path))
    photographs = given.get("kind", "generate") != "generate"
    if photographs != (descriptor.photo is not None):
        raise UsageError(
            f"--start-from is '{path}', a model for '{descriptor.task}', which shares no weights with "
            f"--task {given.get('kind', 'generate')}; start from a model for "
            f"{'photographs' if photographs else 'generation'}."
        )
    recorded = descriptor.card.get("config")
    recorded = recorded if isinstance(recorded, Mapping) else {}
    kept = ARCHITECTURE_OF_PHOTOS if photographs else ARCHITECTURE
    old = parse(SETTINGS, {key: recorded[key] for key in kept if key in recorded}, f"the card of '{path}'")
    network = old.get("generator", "custom")
    if photographs and network not in PHOTO_NETWORKS[given["kind"]]:
        return {}
    for name in ("generator",) if photographs else ("generator", "discriminator"):
        asked = given.get(name, given.get("network", old.get(name)))
        if asked == "custom" or asked != old.get(name):
            return {}
    if network in WIDTH_OF_FINEST and "width" in old:
        new_stages = len(pyramid(size)) - len(pyramid(descriptor.size))
        old["width"] = max(4, int(old["width"] * 0.5**new_stages))
    return {key: value for key, value in old.items() if key not in given}


def read_warmth(
    path: Path, new_labels: tuple[str, ...] = (), tell: Callable[[str], None] = lambda sentence: None
) -> Warmth:
    """Weights from a model file or a run folder; the discriminator comes from the run's newest checkpoint.

    Raises:
        FileError: There is no model at the path.
    """
    model = model_file(path)
    descriptor = read_descriptor(model)
    with safe_open(model, framework="pt") as file:
        generator = {
            key.removeprefix("generator/"): file.get_tensor(key) for key in file.keys() if key.startswith("generator/")
        }
    if not generator:
        raise FileError(f"'{model}' has no generator to start from; it was trained for '{descriptor.task}'.")
    networks: dict[str, dict[str, Tensor]] = {"generator": generator}
    checkpoints = model.parent / "checkpoints"
    steps = checkpoint_steps(checkpoints)
    if steps:
        tensors, _ = read_checkpoint(checkpoint_path(checkpoints, steps[-1]))
        prefix = "network.discriminator/"
        networks["discriminator"] = {
            key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)
        }
    return Warmth(networks, descriptor.labels.names, new_labels, tell)
