"""From a configuration to a generation task and its model file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from ganvas.data.labels import Labels
from ganvas.job.carry import Warmth
from ganvas.model.descriptor import Descriptor, GeneratorSpec, LabelSpec
from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator
from ganvas.network.layers.widths import r3_widths
from ganvas.objective.penalty import refuse_batchnorm
from ganvas.task.generate import Generation
from ganvas.training.config import TrainConfig


@dataclass(frozen=True)
class OwnNetworks:
    """Networks somebody passes as objects; their architecture is called ``custom``."""

    generator: nn.Module | None = None
    discriminator: nn.Module | None = None


def generation_task(
    config: TrainConfig,
    labels: Labels,
    own: OwnNetworks = OwnNetworks(),
    warmth: Warmth | None = None,
) -> Generation:
    """The task the configuration describes.

    Args:
        config: Resolution, architectures, widths, penalty.
        labels: What is known of the pictures.
        own: Networks to use in place of built ones.
        warmth: Weights to start from.

    Raises:
        UsageError: The architectures do not fit the size or the penalty.
    """
    label_dim = len(labels.names)
    generator_arguments = _arguments(config, config.network.generator, label_dim, latent=True)
    discriminator_arguments = _arguments(config, config.network.discriminator, label_dim, latent=False)

    def make_generator() -> nn.Module:
        network = own.generator or build_generator(config.network.generator, generator_arguments)
        return warmth.warm_(network, "generator") if warmth else network

    def make_discriminator() -> nn.Module:
        network = own.discriminator or build_discriminator(config.network.discriminator, discriminator_arguments)
        refuse_batchnorm(network, config.network.discriminator, config.training.penalty)
        return warmth.warm_(network, "discriminator") if warmth else network

    return Generation(
        make_generator=make_generator,
        make_discriminator=make_discriminator,
        latent_dim=config.network.latent_dim,
        classes=label_dim if labels.kind == "class" else 0,
        description={"architecture": config.network.generator, "arguments": generator_arguments},
    )


def describe(task: Generation, config: TrainConfig, labels: Labels, card: Mapping[str, Any]) -> Descriptor:
    """What the model file will say."""
    attributes = labels.kind == "attributes"
    return Descriptor(
        task=task.name,
        size=config.data.size,
        channels=config.data.channels,
        latent_dim=config.network.latent_dim,
        generators={"generator": GeneratorSpec(**task.description)},
        labels=LabelSpec(
            kind=labels.kind,
            names=labels.names,
            mean=tuple(labels.mean.tolist()) if attributes else (),
            std=tuple(labels.std.tolist()) if attributes else (),
        ),
        card=card,
    )


def _arguments(config: TrainConfig, architecture: str, label_dim: int, *, latent: bool) -> dict[str, Any]:
    """The plain arguments of one network."""
    options, size = config.network, config.data.size
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
