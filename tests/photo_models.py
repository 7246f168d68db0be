"""Models of photographs whose painting is known, written as training writes them; and photographs to paint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.apply.guess import guessed_of
from ganvas.apply.planes import to_pixels
from ganvas.apply.tiles import Span
from ganvas.image.metadata import Metadata
from ganvas.image.photo import Photo
from ganvas.image.read_photo import read_photo
from ganvas.image.write_photo import PhotoFormat, writing_photo
from ganvas.model.descriptor import Descriptor, GeneratorSpec, PhotoSpec
from ganvas.model.save import save_model
from ganvas.network.image_to_image import build_image_to_image, receptive_radius_px

SMALL_UNET = {"width": 8, "max_width": 16, "scales": 2}
TASKS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "upscale": ("plain", {"scale": 2, "width": 8, "depth": 1}),
    "restore": ("unet", SMALL_UNET),
    "repair": ("unet", {**SMALL_UNET, "inputs": ["mask"]}),
    "find-scratches": ("unet", {**SMALL_UNET, "channels_out": 1, "inputs": []}),
}


def write_model(path: Path, task: str, *, bias: float = 0.0, faithful: float | None = None, **arguments: Any) -> Path:
    """A model whose last convolution gives ``bias`` everywhere.

    So upscaling repeats every pixel, restoring gives the picture back, repairing what is guessed (`repaired_levels`),
    all with ``bias`` added; logits of scratches are ``bias``. ``faithful`` is the bias of the other end.
    """
    architecture, usual = TASKS[task]
    torch.manual_seed(0)
    network = build_image_to_image(architecture, {**usual, **arguments})
    last: Any = network.get_submodule("to_image")
    nn.init.constant_(next(value for name, value in last.named_parameters() if name.endswith("bias")), bias)
    snapshots: dict[str, Tensor] = {}
    if faithful is not None:
        snapshots = {f"faithful/generator/{name}": value.clone() for name, value in network.state_dict().items()}
        (key,) = (name for name in snapshots if "/to_image" in name and name.endswith("bias"))
        snapshots[key] = torch.full_like(snapshots[key], faithful)
    facts: Any = network
    spec = PhotoSpec(facts.scale, facts.stride_px, receptive_radius_px(network), facts.inputs)
    generator = GeneratorSpec(architecture, {**usual, **arguments})
    card = {"licence": "CC0", "data": "drawn", "scores": {"psnr": 30.5}}
    descriptor = Descriptor(task, (64, 64), 3, 0, {"generator": generator}, photo=spec, card=card)
    save_model(path, descriptor, {"generator": network}, snapshots)
    return path


def repaired_levels(pixels: np.ndarray, mask: np.ndarray, bias: float) -> np.ndarray:
    """What such a model makes of pixels ``(H, W, C)`` where a mask is true: ``(count, 3)``, or 1 where grey."""
    height, width, channels = pixels.shape
    planes = guessed_of(pixels, mask).window(Span(0, height, 0, height), Span(0, width, 0, width))[0] + bias
    return np.asarray(to_pixels(planes, None, 1 if channels < 3 else 3, pixels.dtype)[mask])


def write_picture(
    path: Path,
    pixels: np.ndarray,
    format: PhotoFormat = "png",
    metadata: Metadata = Metadata(None, None, None),  # noqa: B008 (frozen)
    quality: int | None = None,
) -> Path:
    """Pixels uint8 or uint16 ``(H, W, C)`` as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing_photo(
        path,
        format=format,
        size=(pixels.shape[0], pixels.shape[1]),
        channels=pixels.shape[2],
        bits=8 * pixels.dtype.itemsize,
        metadata=metadata,
        xmp=None,
        quality=quality,
    ) as write:
        write(pixels)
    return path


def read_picture(path: Path) -> Photo:
    """A photograph again."""
    return read_photo(path.read_bytes(), path.name)


def noise(height: int, width: int, channels: int = 3, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Pixels of every level, ``(H, W, C)``; alpha is never 0."""
    most = np.iinfo(dtype).max
    pixels: np.ndarray = np.random.default_rng(seed).integers(0, most, (height, width, channels), dtype, endpoint=True)
    if channels in (2, 4):
        pixels[..., -1] |= 1
    return pixels
