"""Protocols: how a picture becomes the input of a feature network, and how its features are summed up.

Scores of the same pictures differ between tools because each resizes, scales and divides in its own way:

| protocol      | tool                     | resize to 299 px                | network sees  | covariance |
|---------------|--------------------------|---------------------------------|---------------|------------|
| `ganvas`      | this one                 | antialiased bicubic, float      | its own range | N - 1      |
| `tf`          | TTUR, torch-fidelity     | TensorFlow 1 bilinear           | (x - 128)/128 | N - 1      |
| `pytorch-fid` | pytorch-fid              | bilinear without antialias      | 2x/255 - 1    | N - 1      |
| `clean`       | clean-fid, mode "clean"  | antialiased bicubic, float      | (x - 128)/128 | N - 1      |
| `stylegan`    | StyleGAN2-ADA, StyleGAN3 | TensorFlow 1 bilinear           | (x - 128)/128 | N          |

The tools know one network, Inception-v3; their range holds for it, and any other network keeps its own. They also
drop an alpha channel and show whatever colours lie under it, where here pictures are laid over white first: on
pictures with transparency no tool's number is reproduced. torch-fidelity shuffles (seed 2020) before it splits
for an Inception score; here the order stays.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.image.convert import to_channels
from ganvas.metric.resize import ResizeName, resize
from ganvas.network.features.interface import Channels
from ganvas.tensors import Images, Levels, to_levels

INCEPTION: Channels = (128.0, 128.0, 128.0)
"""Both offset and scale of Inception-v3: TensorFlow's graph and NVIDIA's give it (x - 128) / 128."""
UNIT: Channels = (127.5, 127.5, 127.5)
"""Both offset and scale of 2x/255 - 1."""


@dataclass(frozen=True)
class Protocol:
    """One way to measure.

    Attributes:
        name: Its key in `PROTOCOLS`.
        resize: How pictures come to the network's size: ``clean`` is antialiased bicubic in float for each channel,
            ``tf`` is TensorFlow 1 bilinear, ``torch-bilinear`` is PyTorch's without antialias.
        offset: Inception-v3 sees ``(levels - offset) / scale``; None leaves it its own.
        scale: See ``offset``.
        unbiased: Covariances are divided by N - 1; else by N.
        splits: Parts of which the Inception score is the mean.
        kid_subsets: Random subsets (of 1,000 pictures, or all where there are fewer) of which the tool's kernel
            distance is the mean.
        verified: What of it was compared with the tool itself, and what was not.
    """

    name: str
    resize: ResizeName
    offset: Channels | None
    scale: Channels | None
    unbiased: bool
    splits: int
    kid_subsets: int
    verified: str

    def normalisation(self, offset: Channels, scale: Channels) -> tuple[Channels, Channels]:
        """Offset and scale that a network's input gets, given the network's own."""
        if self.offset is None or self.scale is None or (offset, scale) != (INCEPTION, INCEPTION):
            return offset, scale
        return self.offset, self.scale

    def input_facts(self, offset: Channels, scale: Channels) -> list[str | float]:
        """All that decides what a network sees, given its own offset and scale: equal facts, equal features."""
        offset, scale = self.normalisation(offset, scale)
        return [self.resize, *offset, *scale]


_PROTOCOLS = (
    Protocol(
        name="ganvas",
        resize="clean",
        offset=None,
        scale=None,
        unbiased=True,
        splits=10,
        kid_subsets=100,
        verified="yes, resize against clean-fid 0.1.35 on ten pictures",
    ),
    Protocol(
        name="tf",
        resize="tf",
        offset=INCEPTION,
        scale=INCEPTION,
        unbiased=True,
        splits=10,
        kid_subsets=100,
        verified="yes, resize and range against torch-fidelity 0.4.0 on ten pictures",
    ),
    Protocol(
        name="pytorch-fid",
        resize="torch-bilinear",
        offset=UNIT,
        scale=UNIT,
        unbiased=True,
        splits=10,
        kid_subsets=100,
        verified="yes, resize and range against pytorch-fid 0.3.0 on ten pictures; it has no IS and no KID",
    ),
    Protocol(
        name="clean",
        resize="clean",
        offset=INCEPTION,
        scale=INCEPTION,
        unbiased=True,
        splits=10,
        kid_subsets=100,
        verified="yes, resize and range against clean-fid 0.1.35 on ten pictures; it has no IS",
    ),
    Protocol(
        name="stylegan",
        resize="tf",
        offset=INCEPTION,
        scale=INCEPTION,
        unbiased=False,
        splits=10,
        kid_subsets=100,
        verified="unverified: NVIDIA's network, which resizes inside, was not run; resize verified through "
        "torch-fidelity's TF1 code, division by N by its formula",
    ),
)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}
"""By name; ``ganvas`` is the default."""


def prepare(levels: Levels, side_px: int, protocol: Protocol, offset: Channels, scale: Channels) -> Tensor:
    """What a feature network sees of pictures.

    Args:
        levels: Uint8 ``(H, W, C)`` or ``(N, H, W, C)`` of any size; C is 1, 3 or 4. Grey becomes three equal
            channels, transparency is laid over white.
        side_px: Side of the network's square input, pixels.
        protocol: The resize, and the range if the tool has its own.
        offset: The network's own.
        scale: The network's own.

    Returns:
        Float32 ``(N, 3, side_px, side_px)``, normalised; N is 1 for a single picture.

    Raises:
        UsageError: Not uint8, not of that shape, or without pixels.
    """
    pixels = torch.from_numpy(_three_channels(levels)).permute(0, 3, 1, 2)
    resized = resize(pixels, side_px, protocol.resize)
    subtracted, divided = (torch.tensor(each).view(3, 1, 1) for each in protocol.normalisation(offset, scale))
    return (resized - subtracted) / divided


def quantise(images: Images) -> Levels:
    """Painted images as the 8-bit levels that every tool measures.

    StyleGAN's ``(x * 127.5 + 128).clamp(0, 255).to(uint8)`` is the same rounding but for ties, which it takes up and
    `ganvas.tensors.to_levels` to the even level: one level more or less, for about seven pixels in a million.

    Args:
        images: ``(N, C, H, W)`` in [-1, 1].

    Returns:
        Uint8 ``(N, H, W, C)``.
    """
    return to_levels(images)


def _three_channels(levels: Levels) -> NDArray[np.uint8]:
    """Uint8 ``(N, H, W, 3)``, in memory of its own where torch could not share it."""
    shape = levels.shape
    if levels.dtype != np.uint8 or levels.ndim not in (3, 4) or shape[-1] not in (1, 3, 4) or 0 in shape:
        raise UsageError(
            f"Pictures of shape {shape} and type {levels.dtype} cannot be measured; "
            "give 8-bit pictures (H, W, C) or (N, H, W, C) with 1, 3 or 4 channels."
        )
    height, width, channels = shape[-3:]
    flat = to_channels(levels.reshape(-1, width, channels), 3)  # it works pixel by pixel, so all may lie in a column
    return np.require(flat.reshape(-1, height, width, 3), requirements=["C", "W"])
