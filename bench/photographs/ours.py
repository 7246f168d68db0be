"""ganvas's own networks as competitors: one that paints pictures is applied to a whole crop at once."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ganvas.apply.guess import guessed
from ganvas.device import autocast
from ganvas.job.find_scratches import THRESHOLD
from ganvas.tensors import to_levels
from photographs.method import Find, Finder, Mask, Method, Picture, Run

CPU = torch.device("cpu")


def images(picture: NDArray[np.uint8]) -> Tensor:
    """Levels ``(H, W, 3)`` to ``(1, 3, H, W)`` from -1 to 1."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1


def padded(given: Tensor, stride_px: int) -> Tensor:
    """Sides brought to a multiple of the stride by repeating the edge."""
    height, width = given.shape[2:]
    return F.pad(given, (0, -width % stride_px, 0, -height % stride_px), mode="replicate")


def painter(
    network: nn.Module,
    *,
    scale: int,
    stride_px: int,
    inputs: tuple[str, ...],
    strength: float,
    precision: str = "float32",
) -> Run:
    """A network with its planes, ``mask`` (1 where missing) and ``strength``, as a competitor."""

    @torch.inference_mode()
    def run(picture: Picture, mask: Mask) -> Picture:
        height, width = picture.shape[:2]
        image, missing = images(picture), torch.from_numpy(mask)[None, None].float()
        if "mask" in inputs:
            image = guessed(image, missing)
        planes = {"mask": missing, "strength": torch.full_like(missing, strength)}
        given = torch.cat([image, *(planes[name] for name in inputs)], dim=1)
        with autocast(CPU, precision):
            painted = network(padded(given, stride_px))[:, :, : height * scale, : width * scale]
        result = np.asarray(to_levels(painted)[0])
        return np.where(mask[..., None], result, picture) if "mask" in inputs else result

    return run


def method(
    name: str,
    network: nn.Module,
    *,
    scale: int,
    stride_px: int,
    inputs: tuple[str, ...],
    strength: float = 1.0,
    precision: str = "float32",
) -> Method:
    """A competitor that paints pictures."""
    run = painter(network, scale=scale, stride_px=stride_px, inputs=inputs, strength=strength, precision=precision)
    return Method(name, run, count(network))


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
