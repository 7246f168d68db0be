"""Start from the weights of another model, as far as they fit."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ganvas.errors import FileError
from ganvas.model.load import read_descriptor
from ganvas.training.checkpoint import checkpoint_path, checkpoint_steps, read_checkpoint


@dataclass
class Warmth:
    """Weights to start from, and what became of them.

    Attributes:
        networks: Tensors by network name.
        old_labels: What the columns of the old model's label layers mean.
        new_labels: The same for the new one.
        said: One sentence a network warmed, for the user.
    """

    networks: dict[str, dict[str, Tensor]]
    old_labels: tuple[str, ...]
    new_labels: tuple[str, ...]
    said: dict[str, str] = field(default_factory=dict)

    @torch.no_grad()
    def warm_(self, network: nn.Module, name: str) -> nn.Module:
        """Copy every tensor of the same name and shape; label layers keep the columns of labels both know."""
        old, new = self.networks.get(name, {}), network.state_dict()
        carried, fresh = 0, []
        for key, value in new.items():
            source = old.get(key)
            if source is not None and source.shape == value.shape:
                value.copy_(source)
                carried += 1
            elif source is not None and self._copy_columns(source, value):
                carried += 1
            else:
                fresh.append(key)
        kept = f"{name}: {carried} of {len(new)} tensors carried over"
        self.said[name] = (
            f"{kept}, new are {', '.join(fresh[:4])}{' …' if len(fresh) > 4 else ''}." if fresh else kept + "."
        )
        return network

    def _copy_columns(self, source: Tensor, target: Tensor) -> bool:
        """Whether the only difference is the number of labels, in the last axis; then shared labels are copied."""
        if source.ndim != 2 or source.shape[0] != target.shape[0]:
            return False
        if (source.shape[1], target.shape[1]) != (len(self.old_labels), len(self.new_labels)):
            return False
        for column, label in enumerate(self.new_labels):
            if label in self.old_labels:
                target[:, column] = source[:, self.old_labels.index(label)]
        return True


def read_warmth(path: Path, new_labels: tuple[str, ...]) -> Warmth:
    """Weights from a model file or a run folder; the discriminator comes from the run's newest checkpoint.

    Raises:
        FileError: There is no model at the path.
    """
    model = path / "model.safetensors" if path.is_dir() else path
    descriptor = read_descriptor(model)
    with safe_open(model, framework="pt") as file:
        generator = {
            key.removeprefix("generator/"): file.get_tensor(key) for key in file.keys() if key.startswith("generator/")
        }
    if not generator:
        raise FileError(f"'{model}' has no generator to start from; it was trained for '{descriptor.task}'.")
    networks = {"generator": generator}
    checkpoints = model.parent / "checkpoints"
    steps = checkpoint_steps(checkpoints)
    if steps:
        tensors, _ = read_checkpoint(checkpoint_path(checkpoints, steps[-1]))
        prefix = "network.discriminator/"
        networks["discriminator"] = {
            key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)
        }
    return Warmth(networks, descriptor.labels.names, new_labels)
