"""Choose what nobody gave for tasks on photographs: crops, network, steps, schedules.

A crop is what a network is shown at once; the data are tiles of twice its sides. Learning rate and average follow the
recipes of SAFMN and NAFNet: 1e-3, falling on one half of a cosine over the pixel stage. The adversarial part goes on
with a tenth of it, the 1e-4 of SRGAN and its followers; so the faithful end, kept between them, is a finished one.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch

from ganvas.device import choose_precision
from ganvas.errors import UnknownName, UsageError
from ganvas.job.gamma import gamma_rule
from ganvas.network.layers.arguments import LIMITS
from ganvas.training.config import TaskOptions

NETWORKS: dict[str, tuple[str, ...]] = {
    "upscale": ("plain", "compact"),
    "restore": ("unet-depthwise", "unet"),
    "repair": ("gated-unet", "unet"),
    "find-scratches": ("unet-depthwise", "unet"),
}
"""What each task may be done by, the best first."""
WIDTH = {"plain": 48, "compact": 64}
WIDEST = 4
"""Channels of a U at its coarsest scale / those at half of the picture's size."""
CRITIC, NO_CRITIC = "patch", "none"
TILE = 2
"""Sides of a tile / sides of a crop."""
UNIT_PX = 8
"""Crops have sides of a multiple: networks halve them up to three times."""
CPU_SIDE_PX = {"upscale": 96, "restore": 96, "repair": 128, "find-scratches": 128}
GPU_SIDE_PX = {"upscale": 192, "restore": 128, "repair": 256, "find-scratches": 192}
BATCH = {"cpu": 16, "cuda": 64}
KIMG = {"cpu": 40.0, "cuda": 2000.0}


def photo_values(given: Mapping[str, Any], short_px: int, device: torch.device) -> dict[str, Any]:
    """Every option of a run on photographs that has no default, or another one there.

    Args:
        given: Parsed options by name; they win.
        short_px: A shorter side that nine photographs in ten have.
        device: Where the run will be.

    Raises:
        UnknownName: The network does not do this task.
        UsageError: It would be wider or deeper than it can be.
    """
    kind = given["kind"]
    network = given.get("generator", given.get("network", NETWORKS[kind][0]))
    if network not in NETWORKS[kind]:
        raise UnknownName(f"network for --task {kind}", network, NETWORKS[kind])
    values = {
        "size": _crop(kind, given.get("scale", 2), short_px, device),
        "channels": 3,
        "fit": "tiles",
        "labels": "none",
        "network": network,
        "generator": network,
        "width": WIDTH.get(network, 32),
        "blocks": _blocks(network, given.get("scale", 2)),
        "batchnorm": False,
        "batch": BATCH.get(device.type, 16),
        "kimg": KIMG.get(device.type, 40.0),
        "lr": 1e-3,
        "beta1": 0.9,
        "beta2": 0.99,
        "penalty_interval": 4,
        "precision": choose_precision("auto", device),
        "preview_count": 16,
        **given,
    }
    _check_network(network, values["width"], values["blocks"])
    pixel_share = 1.0 if kind == "find-scratches" else values.get("pixel_share", TaskOptions.pixel_share)
    alone = pixel_share == 1
    kimg, (height, width) = max(0.0, values["kimg"]), values["size"]
    gamma = values.get("gamma", gamma_rule(height * width))
    return {
        "discriminator": NO_CRITIC if alone else CRITIC,
        "gamma": gamma,
        "gamma_final": gamma,
        "lr_final": min(1e-6, values["lr"]) if alone else values["lr"] / 10,
        "beta2_final": values["beta2"],
        "burn_in_kimg": kimg * pixel_share,
        "ema_kimg": kimg / 50,
        "micro_batch": values["batch"],
        "tick_kimg": max(0.1, kimg / 100),
        "sample_every_kimg": kimg / 20,
        "checkpoint_every_kimg": kimg / 20,
        "evaluate_every_kimg": values.get("checkpoint_every_kimg", kimg / 20),
        "best_by": best_by(kind, alone, values.get("features", "random")),
        **values,
    }


def best_by(kind: str, alone: bool, features: str) -> str:
    """The score that the best state of a whole run is chosen by.

    Without a critic the mean squared error decides. With one it would always choose the last of the pixel stage: what
    looks sharp costs some of it. So there it is a score that falls in both parts: what a trained network sees where
    there is one, otherwise how detail is distributed.
    """
    if kind == "find-scratches":
        return "f1:higher"
    if alone:
        return "psnr:higher"
    return "detail_distance" if features == "random" else "perceptual"


def _crop(kind: str, scale: int, short_px: int, device: torch.device) -> tuple[int, int]:
    """As large as the device likes and the photographs allow, a multiple of what networks and scale need."""
    unit = math.lcm(UNIT_PX, scale) if kind == "upscale" else UNIT_PX
    wanted = GPU_SIDE_PX[kind] if device.type == "cuda" else CPU_SIDE_PX[kind]
    side = max(unit, min(wanted, short_px // TILE) // unit * unit)
    return side, side


def _check_network(network: str, width: int, blocks: int) -> None:
    """Refuse in the user's words what the network's constructor would refuse in its own."""
    if network in WIDTH:
        most_width, most_blocks = LIMITS["width"][1], LIMITS["depth"][1]
    else:
        dilations = LIMITS["dilations"][1].bit_length()  # each twice the one before
        most_width = LIMITS["max_width"][1] // WIDEST
        most_blocks = dilations if network == "gated-unet" else LIMITS["blocks"][1]
    for flag, value, most in (("--width", width, most_width), ("--blocks", blocks, most_blocks)):
        if value > most:
            raise UsageError(f"{flag} is {value}, but '{network}' takes at most {most}; give a smaller one.")


def _blocks(network: str, scale: int) -> int:
    return {"plain": 6 if scale == 2 else 10, "compact": 16, "gated-unet": 4}.get(network, 1)
