"""ganvas's own networks as competitors: one that paints pictures is applied to a whole crop at once."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ganvas.apply.assemble import assemble
from ganvas.apply.filter import LocalFilter
from ganvas.apply.guess import guessed
from ganvas.apply.paint import Tally, painted
from ganvas.device import autocast
from ganvas.job.photo_options import THRESHOLD
from ganvas.model.descriptor import PhotoSpec
from ganvas.tensors import to_levels
from photographs.method import Find, Finder, Mask, Picture, Run

CPU = torch.device("cpu")
TILE_PX = 512


def images(picture: NDArray[np.uint8]) -> Tensor:
    """Levels ``(H, W, 3)`` to ``(1, 3, H, W)`` from -1 to 1."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1


def padded(given: Tensor, stride_px: int) -> Tensor:
    """Sides brought to a multiple of the stride by repeating the edge."""
    height, width = given.shape[2:]
    return F.pad(given, (0, -width % stride_px, 0, -height % stride_px), mode="replicate")


def painter(network: nn.Module, spec: PhotoSpec, *, strength: float = 1.0, precision: str = "float32") -> Run:
    """A network with its planes, ``mask`` (1 where missing) and ``strength``, as a competitor."""

    @torch.inference_mode()
    def run(picture: Picture, mask: Mask) -> Picture:
        height, width = (side * spec.scale for side in picture.shape[:2])
        image, missing = images(picture), torch.from_numpy(mask)[None, None].float()
        if "mask" in spec.inputs:
            image = guessed(image, missing)
        planes = {"mask": missing, "strength": torch.full_like(missing, strength)}
        given = torch.cat([image, *(planes[name] for name in spec.inputs)], dim=1)
        with autocast(CPU, precision):
            image = network(padded(given, spec.stride_px))[:, :, :height, :width]
        result = np.asarray(to_levels(image)[0])
        return np.where(mask[..., None], result, picture) if "mask" in spec.inputs else result

    return run


def repairer(network: nn.Module, spec: PhotoSpec, *, fidelity: float, precision: str = "float32") -> Run:
    """All that `ganvas repair` does to pixels: in tiles, and what is deep with patches of the picture."""

    @torch.inference_mode()
    def fn(given: Tensor) -> Tensor:
        with autocast(CPU, precision):
            image: Tensor = network(given)
        return image.float()

    assembly = assemble(LocalFilter(fn, 1, spec.stride_px, spec.radius_px))

    def run(picture: Picture, mask: Mask) -> Picture:
        rows = painted(picture, assembly, Tally(TILE_PX), device=CPU, mask=mask, inputs=spec.inputs, fidelity=fidelity)
        return np.concatenate([row.pixels for row in rows])

    return run


def finder(name: str, network: nn.Module, *, stride_px: int, precision: str = "float32") -> Finder:
    """A competitor that marks scratches, as sure of them as the verbs ask it to be."""
    least = math.log(THRESHOLD / (1 - THRESHOLD))

    @torch.inference_mode()
    def run(picture: Picture) -> Mask:
        height, width = picture.shape[:2]
        with autocast(CPU, precision):
            logits = network(padded(images(picture), stride_px))[0, 0, :height, :width]
        return np.asarray(logits > least)

    find: Find = run
    return Finder(name, find, count(network))


def count(network: nn.Module) -> int:
    """Learned numbers of a network as it is used."""
    return sum(parameter.numel() for parameter in network.parameters())
