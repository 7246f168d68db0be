"""From a configuration to a task on photographs, and how its network is laid over them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import nn

from ganvas.errors import UsageError
from ganvas.events import Report
from ganvas.job.carry import Warmth
from ganvas.job.photo_plan import CRITIC, WIDEST
from ganvas.job.weights import get_network
from ganvas.model.descriptor import PhotoSpec
from ganvas.network.discriminator import build_discriminator
from ganvas.network.image_to_image import ImageToImage, build_image_to_image, described_radius_px
from ganvas.task.find_scratches import FindScratches
from ganvas.task.photo import PhotoTask, Weights
from ganvas.task.repair import Repairing
from ganvas.task.restore import Restoring
from ganvas.task.upscale import Enlarging
from ganvas.training.config import TrainConfig
from ganvas.training.task import Task

Builder = Callable[[], nn.Module]


def upscale_task(config: TrainConfig, warmth: Warmth | None) -> Task:
    """Enlargement by ``--scale``."""
    return _painting("upscale", Enlarging(config.task.scale), config, warmth)


def restore_task(config: TrainConfig, warmth: Warmth | None) -> Task:
    """Restoration at the same size."""
    return _painting("restore", Restoring(), config, warmth)


def repair_task(config: TrainConfig, warmth: Warmth | None) -> Task:
    """Repair of what a mask marks."""
    return _painting("repair", Repairing(), config, warmth, planes=1)


def find_scratches_task(config: TrainConfig, warmth: Warmth | None) -> Task:
    """Finding what is damaged."""
    description, make = _generator(config, warmth)
    return FindScratches(make, description)


def equipped(task: Task, config: TrainConfig, device: torch.device, report: Report) -> Task:
    """A task on photographs with the trained feature network that ``--features`` names, others as they are.

    Raises:
        FileError: Its weights are not installed.
    """
    if config.training.features == "random" or not isinstance(task, PhotoTask):
        return task
    return replace(task, features=get_network(config.training.features, None, False, device, report))


def photo_spec(description: Mapping[str, Any]) -> PhotoSpec:
    """How a described network is laid over a photograph; how far it looks is measured."""
    architecture, arguments = str(description["architecture"]), description["arguments"]
    with torch.random.fork_rng(devices=[]), torch.device("meta"):  # a run's numbers stay, whenever its model is written
        facts = cast(ImageToImage, build_image_to_image(architecture, arguments))
    return PhotoSpec(facts.scale, facts.stride_px, described_radius_px(architecture, arguments), facts.inputs)


def _painting(
    name: str,
    problem: Enlarging | Restoring | Repairing,
    config: TrainConfig,
    warmth: Warmth | None,
    planes: int = 0,
) -> PhotoTask:
    """The task with its players, weights and shares; the critic sees so many planes beside the picture."""
    options = config.task
    description, make_generator = _generator(config, warmth)

    def make_discriminator() -> nn.Module:
        network = build_discriminator(CRITIC, {"channels": 3, "planes": planes})
        return warmth.warm_(network, "discriminator") if warmth else network

    alone = config.network.discriminator != CRITIC
    if not (options.pixel_weight or options.frequency_weight or (alone and options.perceptual_weight)):
        raise UsageError(
            "--pixel-weight and --frequency-weight are both 0, which leaves the pixel stage nothing to learn from; "
            "raise one."
        )
    return PhotoTask(
        name,
        problem.pose,
        problem.plain,
        make_generator=make_generator,
        make_discriminator=None if alone else make_discriminator,
        description=description,
        weights=Weights(
            options.pixel_weight, options.frequency_weight, options.perceptual_weight, options.adversarial_weight
        ),
        pixel_share=options.pixel_share,
        patience=options.patience,
    )


def _generator(config: TrainConfig, warmth: Warmth | None) -> tuple[dict[str, Any], Builder]:
    """The description of the network that paints, and what builds it.

    Raises:
        UsageError: The crop is not a multiple of what the network needs.
    """
    architecture, arguments = _described(config)
    with torch.device("meta"):
        facts = cast(ImageToImage, build_image_to_image(architecture, arguments))
    unit = facts.scale * facts.stride_px
    height, width = config.data.size
    if height % unit or width % unit:
        raise UsageError(f"--size is {height}x{width}, but this network needs sides that are multiples of {unit}.")

    def make() -> nn.Module:
        network = build_image_to_image(architecture, arguments)
        return warmth.warm_(network, "generator") if warmth else network

    return {"architecture": architecture, "arguments": arguments}, make


def _described(config: TrainConfig) -> tuple[str, dict[str, Any]]:
    """Name and plain arguments of the network that paints."""
    options, name, kind = config.network, config.network.generator, config.task.kind
    if name in ("plain", "compact"):
        return name, {"scale": config.task.scale, "width": options.width, "depth": options.blocks}
    widths = {"width": options.width, "max_width": WIDEST * options.width}
    if name == "gated-unet":
        return name, {**widths, "dilations": [2**power for power in range(options.blocks)]}
    inputs = {"restore": ["strength"], "repair": ["mask"]}.get(kind, [])
    return "unet", {
        "inputs": inputs,
        "channels_out": 1 if kind == "find-scratches" else 3,
        **widths,
        "blocks": options.blocks,
        "block": "depthwise" if name == "unet-depthwise" else "dense",
    }
