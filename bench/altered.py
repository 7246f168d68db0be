"""`ganvas train` with one part of the recipe exchanged that is no option, for `ablate.py`.

    python bench/altered.py l1 train PHOTOS --task upscale --pixel-share 1
    python bench/altered.py distilled train PHOTOS --task upscale --pixel-share 1

`l1` takes the plain absolute difference in the place of Charbonnier's. `distilled` lets the network of `--task upscale
--scale 2` paint what lies halfway between the photograph and what the installed, much longer trained upscale-2 makes of
it (Hinton et al. 2015, arXiv:1503.02531, as a regression). `narrow` and `wide` give the critic half and twice its
width. `bicubic` shrinks photographs by the bicubic kernel and in no other way, without noise, blur or JPEG.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from ganvas.cli.app import main
from ganvas.damage.chain import ShrinkRanges
from ganvas.device import autocast, choose_precision, place
from ganvas.draw import Draw
from ganvas.job import photo_networks
from ganvas.model.catalogue import installed_for
from ganvas.model.photo import load_photo_model
from ganvas.task import photo
from ganvas.task.upscale import Enlarging
from ganvas.tensors import Images, PerSample
from ganvas.training.task import Problem


def l1() -> None:
    """The pixel term without its smooth bottom."""

    def absolute(painted: Images, target: Images) -> PerSample:
        return (painted - target).abs().flatten(1).mean(1)

    photo.charbonnier = absolute


def distilled() -> None:
    """Half of the target from a teacher."""
    teacher = load_photo_model(installed_for("upscale", 2), device="cpu").at(1.0)
    pose = Enlarging.pose

    def taught(self: Enlarging, clean: Images, draw: Draw) -> Problem:
        problem = pose(self, clean, draw)
        given = problem["picture"]
        with torch.no_grad(), autocast(given.device, choose_precision("auto", given.device)):
            painted = place(teacher, given.device)(given).float().clamp(-1, 1)
        return {**problem, "target": torch.lerp(clean, painted, 0.5)}

    Enlarging.pose = taught  # type: ignore[method-assign]


def critic(width: int) -> None:
    """A patch critic of another width than 32."""
    build = photo_networks.build_discriminator

    def other(name: str, arguments: Mapping[str, Any]) -> nn.Module:
        return build(name, {**arguments, "width": width, "max_width": 4 * width})

    photo_networks.build_discriminator = other


def bicubic() -> None:
    """The small pictures of the benchmark, and no others."""
    pose, pure = Enlarging.pose, ShrinkRanges(bicubic=1.0, blur=0.0, noise=0.0, jpeg=0.0)

    def purely(self: Enlarging, clean: Images, draw: Draw) -> Problem:
        return pose(replace(self, ranges=pure), clean, draw)

    Enlarging.pose = purely  # type: ignore[method-assign]


ALTERATIONS: dict[str, Callable[[], None]] = {
    "bicubic": bicubic,
    "l1": l1,
    "distilled": distilled,
    "narrow": partial(critic, 16),
    "wide": partial(critic, 64),
}


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in ALTERATIONS:
        raise SystemExit(f"Say first what to alter: {', '.join(ALTERATIONS)}.")
    ALTERATIONS[sys.argv.pop(1)]()
    main()
