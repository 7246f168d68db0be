"""From a configuration to a task and the description of its model."""

import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ganvas.data.labels import Labels
from ganvas.errors import UsageError
from ganvas.job.carry import Warmth
from ganvas.job.photo_networks import (
    find_scratches_task,
    photo_spec,
    repair_task,
    restore_task,
    upscale_task,
)
from ganvas.model.descriptor import Descriptor, GeneratorSpec, LabelSpec
from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator
from ganvas.network.layers.widths import r3_widths
from ganvas.objective.penalty import PER_SAMPLE_PENALTIES, refuse_batchnorm
from ganvas.task.find_scratches import FindScratches
from ganvas.task.generate import Generation
from ganvas.task.photo import PhotoTask
from ganvas.training.config import TaskName, TrainConfig
from ganvas.training.task import Task


@dataclass(frozen=True)
class Own:
    """What somebody passes as objects in place of what ganvas would build."""

    generator: nn.Module | None = None
    discriminator: nn.Module | None = None
    task: Task | None = None

    def names(self) -> dict[str, str | None]:
        """What tells these objects from others of their kind, None where ganvas builds its own."""
        task = self.task
        return {
            "own_generator": fingerprint(self.generator) if self.generator is not None else None,
            "own_discriminator": fingerprint(self.discriminator) if self.discriminator is not None else None,
            "own_task": f"{task.name} ({type(task).__qualname__})" if task is not None else None,
        }


def fingerprint(network: nn.Module) -> str:
    """A network's class, and a hash of the names and shapes of its tensors: what its checkpoints fit."""
    shapes = {key: [*value.shape] if isinstance(value, Tensor) else [] for key, value in network.state_dict().items()}
    digest = hashlib.sha256(json.dumps(shapes).encode()).hexdigest()
    return f"{type(network).__qualname__} {digest[:12]}"


def build_task(config: TrainConfig, labels: Labels, own: Own = Own(), warmth: Warmth | None = None) -> Task:
    """The task the configuration describes.

    Args:
        config: Resolution, architectures, widths, penalty.
        labels: What is known of the pictures.
        own: A task or networks to use in place of built ones; networks are copied, never changed.
        warmth: Weights to start from.

    Raises:
        UsageError: The architectures do not fit the size or the penalty, or a network of somebody's own is missing.
    """
    if own.task is not None:
        return own.task
    return BUILDERS[config.task.kind](config, labels, own, warmth)


def generation_task(config: TrainConfig, labels: Labels, own: Own, warmth: Warmth | None) -> Task:
    """Pictures from latents, of the labels that are known.

    Raises:
        UsageError: As for `build_task`.
    """
    label_dim = len(labels.names)
    architecture = {"generator": config.network.generator, "discriminator": config.network.discriminator}
    for name, network in (("generator", own.generator), ("discriminator", own.discriminator)):
        if architecture[name] == "custom" and network is None:
            raise UsageError(
                f"This run has a {name} of its author's own; pass it from Python: ganvas.train({name}=...)."
            )
    arguments = {name: _arguments(config, architecture[name], label_dim, name) for name in architecture}

    def make_generator() -> nn.Module:
        if own.generator is not None:
            network = copy.deepcopy(own.generator)
        else:
            network = build_generator(architecture["generator"], arguments["generator"])
        return warmth.warm_(network, "generator") if warmth else network

    def make_discriminator() -> nn.Module:
        name = architecture["discriminator"]
        if name == "dcgan" and config.network.batchnorm and config.training.penalty in PER_SAMPLE_PENALTIES:
            raise UsageError(
                f"--penalty is '{config.training.penalty}', which needs each picture judged by itself, but the "
                "discriminator has --batchnorm (BatchNorm mixes the pictures of a batch); pass --no-batchnorm, or "
                "--penalty none or clip."
            )
        if own.discriminator is not None:
            network = copy.deepcopy(own.discriminator)
        else:
            network = build_discriminator(name, arguments["discriminator"])
        refuse_batchnorm(network, name, config.training.penalty)
        return warmth.warm_(network, "discriminator") if warmth else network

    return Generation(
        make_generator=make_generator,
        make_discriminator=make_discriminator,
        latent_dim=config.network.latent_dim,
        classes=label_dim if labels.kind == "class" else 0,
        description={}
        if own.generator
        else {"architecture": architecture["generator"], "arguments": arguments["generator"]},
    )


BUILDERS: dict[TaskName, Callable[[TrainConfig, Labels, Own, Warmth | None], Task]] = {
    "generate": generation_task,
    "repair": lambda config, labels, own, warmth: repair_task(config, warmth),
    "restore": lambda config, labels, own, warmth: restore_task(config, warmth),
    "upscale": lambda config, labels, own, warmth: upscale_task(config, warmth),
    "find-scratches": lambda config, labels, own, warmth: find_scratches_task(config, warmth),
}


def describe(
    task: Task, generators: Iterable[str], config: TrainConfig, labels: Labels, card: Mapping[str, Any]
) -> Descriptor:
    """What the model file will say; a generator the task does not describe is its author's own."""
    known = task.descriptor()
    attributes = labels.kind == "attributes"
    photo = photo_spec(known["generator"]) if isinstance(task, (PhotoTask, FindScratches)) else None
    return Descriptor(
        task=task.name,
        size=config.data.size,
        channels=config.data.channels,
        latent_dim=0 if photo else config.network.latent_dim,
        generators={
            name: GeneratorSpec(**known[name]) if name in known else GeneratorSpec("custom", {}) for name in generators
        },
        labels=LabelSpec(
            kind=labels.kind,
            names=labels.names,
            mean=tuple(labels.mean.tolist()) if attributes else (),
            std=tuple(labels.std.tolist()) if attributes else (),
        ),
        photo=photo,
        card=card,
    )


def _arguments(config: TrainConfig, architecture: str, label_dim: int, name: str) -> dict[str, Any]:
    """The plain arguments of one network."""
    options, size, latent = config.network, config.data.size, name == "generator"
    common: dict[str, Any] = {"size": list(size), "channels": config.data.channels, "label_dim": label_dim}
    if latent:
        common["latent_dim"] = options.latent_dim
    own: dict[str, Callable[[], dict[str, Any]]] = {
        "mlp": lambda: {"width": options.width, "depth": options.blocks},
        "dcgan": lambda: {
            "width": options.width,
            "normalise": "batch" if latent or options.batchnorm else "none",
        },
        "resnet": lambda: {"width": options.width},
        "r3": lambda: {"widths": list(r3_widths(size, options.width)), "blocks": options.blocks},
        "fast": lambda: {"width": options.width, "blocks": options.blocks},
        "custom": dict,
    }
    return {**common, **own[architecture]()}
