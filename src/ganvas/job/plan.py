"""Choose what nobody gave: resolution, networks, batch, penalty weight, schedules, duration.

The rules are plain arithmetic on facts of the pictures and the device; `bench/planner.py` shows how well they
predict, and what a sweep of the penalty weight around the rule gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch

from ganvas.device import choose_precision
from ganvas.errors import UnknownName
from ganvas.job.gamma import gamma_rule
from ganvas.job.photo_plan import photo_values
from ganvas.metric.scores import named
from ganvas.network.generator import GENERATORS
from ganvas.training.config import SETTINGS, UNPENALISED, TrainConfig

LONGEST_SIDE_PX = {"cpu": 64, "mps": 128, "cuda": 256}
"""The largest side worth training at on a device, when nobody asks for another."""
GAMMA_OF_WGAN_GP = 10.0
"""Gulrajani et al. 2017, arXiv:1704.00028, section 4."""
SHORT_KIMG = 1000.0
"""Up to here the learning rate stays as it is: falling early cost more than it gained in a trial."""
FEWEST_STEPS = 2500
"""A short run takes smaller batches until it has so many: at 40 kimg, batches of 16 beat those of 64 by far."""
SMALLEST_BATCH = 16
NETWORKS = tuple(GENERATORS)


@dataclass(frozen=True)
class Pictures:
    """The facts of a data set that the rules look at.

    Attributes:
        count: Readable pictures.
        size: Height and width in pixels that suit the pictures and the device.
        channels: What most of them have: 1, 3 or 4.
        label_dim: Classes or attributes; 0 without labels.
        classes: Classes; 0 without labels or with attributes.
        short_px: A shorter side that nine pictures in ten have; tasks on photographs look at it.
    """

    count: int
    size: tuple[int, int]
    channels: int
    label_dim: int = 0
    classes: int = 0
    short_px: int = 0


def complete(given: Mapping[str, Any], pictures: Pictures, device: torch.device) -> TrainConfig:
    """Fill in every option that was not given.

    Args:
        given: Parsed options by name (`ganvas.training.options.parse`).
        pictures: What is known of the pictures.
        device: Where the run will be.

    Raises:
        UsageError: An option given is out of its range.
    """
    if given.get("kind", "generate") != "generate":
        return assemble(photo_values(given, pictures.short_px, device))
    values: dict[str, Any] = {"size": pictures.size, "channels": pictures.channels, **given}
    network = values.get("network", "fast")
    for name in ("network", "generator", "discriminator"):
        if values.get(name, network) not in (*NETWORKS, "custom"):
            raise UnknownName("network", values[name], NETWORKS)
    area = values["size"][0] * values["size"][1]
    values = {
        "generator": network,
        "discriminator": network,
        "width": _width(network, area),
        "blocks": {"r3": 2, "mlp": 3}.get(network, 1),
        "batchnorm": values.get("penalty", "r1+r2") in UNPENALISED,
        **values,
    }
    values = {**_recipe(network, area, pictures, device), **values}
    values = {**_penalty(values.get("penalty", "r1+r2"), area, values), **values}
    values = {"batch": _batch(values["kimg"], device), **values}
    values = {**_schedules(values), **_intervals(values), **values}
    return assemble(values)


def assemble(values: Mapping[str, Any]) -> TrainConfig:
    """A configuration from all options by name."""
    sections = [
        cls(**{item.name: values[item.name] for item in fields(cls) if item.name in values}) for cls in SETTINGS
    ]
    return TrainConfig(*sections)  # type: ignore[arg-type]


def _width(network: str, area: int) -> int:
    if network == "fast":
        return 32 if area <= 64 * 64 else 16
    return {"r3": 768 if area <= 32 * 32 else 96, "resnet": 128, "dcgan": 64, "mlp": 256}.get(network, 32)


def _recipe(network: str, area: int, pictures: Pictures, device: torch.device) -> dict[str, Any]:
    kimg = 500 * max(1.0, area / 32**2) ** 0.5 * (10 if device.type == "cuda" else 1)
    return {
        "lr": 2e-4 if network == "r3" else 5e-4,
        "kimg": float(f"{kimg:.2g}"),
        "precision": choose_precision("auto", device),
        "preview_count": 8 * min(pictures.classes, 16) if pictures.classes else 64,
    }


def _penalty(name: str, area: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """WGAN-GP has the 10 of its paper throughout; R1 and R2 fall to a tenth."""
    gamma = values.get("gamma", GAMMA_OF_WGAN_GP if name == "wgan-gp" else gamma_rule(area))
    return {"gamma": gamma, "gamma_final": gamma if name == "wgan-gp" else gamma / 10}


def _batch(kimg: float, device: torch.device) -> int:
    batch = 128 if device.type == "cuda" else 64
    while batch > SMALLEST_BATCH and kimg * 1000 / batch < FEWEST_STEPS:
        batch //= 2
    return batch


def _schedules(values: Mapping[str, Any]) -> dict[str, Any]:
    kimg = max(0.0, values["kimg"])  # a budget below is refused for itself, not for what follows from it
    short = kimg <= SHORT_KIMG
    return {
        "micro_batch": values["batch"],
        "lr_final": values["lr"] / 4,
        "burn_in_kimg": kimg if short else kimg * 0.2,
        "ema_kimg": min(500.0, kimg * 0.1),
    }


def _intervals(values: Mapping[str, Any]) -> dict[str, Any]:
    kimg, features = values["kimg"], values.get("features", "random")
    return {
        "tick_kimg": max(1.0, kimg / 100),
        "sample_every_kimg": kimg / 20,
        "checkpoint_every_kimg": kimg / 20,
        "evaluate_every_kimg": values.get("checkpoint_every_kimg", kimg / 20),
        "best_by": "random_feature_distance" if features == "random" else named(features, "fd"),
    }
