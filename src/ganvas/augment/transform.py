"""One draw of augmentation parameters, usable for reals, fakes and directions alike.

Every kind is affine in the pixel values, ``A(x) = L x + b``, so a direction in image space passes through
by the linear part L alone. The order is geometry, colour, cut-out.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from torch import Tensor

from ganvas.augment.colour import draw_colour, linear_part, recolour
from ganvas.augment.cutout import cut, draw_box
from ganvas.augment.geometric import GEOMETRIC_KINDS, draw_affine, warp
from ganvas.draw import Draw
from ganvas.errors import UnknownName
from ganvas.tensors import Images

KINDS = (*GEOMETRIC_KINDS, "colour", "cutout")


@dataclass(frozen=True)
class Transform:
    """Parameters for N samples; a part that is None is not applied, and ``Transform()`` is the identity.

    Attributes:
        affine: ``(N, 2, 3)``, see `ganvas.augment.geometric.compose_affine`.
        colour: ``(N, 3, C)``, see `ganvas.augment.colour.compose_colour`.
        box: ``(N, 4)``, see `ganvas.augment.cutout.draw_box`.
    """

    affine: Tensor | None = None
    colour: Tensor | None = None
    box: Tensor | None = None

    def apply(self, images: Images) -> Images:
        """Augment images ``(N, C, H, W)`` of any float type; differentiable, also twice."""
        if self.affine is not None:
            images = warp(images, self.affine)
        if self.colour is not None:
            images = recolour(images, self.colour)
        if self.box is not None:
            images = cut(images, self.box)
        return images

    def tangent(self, direction: Tensor) -> Tensor:
        """The linear part applied to a direction v ``(N, C, H, W)``: ``apply(x + v) - apply(x)``, any x."""
        if self.colour is None:
            return self.apply(direction)
        return replace(self, colour=linear_part(self.colour)).apply(direction)

    def geometric(self) -> "Transform":
        """Only where pixels go: for a mask or an image condition that belongs to the picture."""
        return Transform(affine=self.affine)


def draw_transform(
    kinds: Collection[str], probability: float, draw: Draw, size: tuple[int, int], channels: int
) -> Transform:
    """Draw augmentation parameters for the rows of ``draw``.

    Each kind is drawn by itself from ``draw.named(kind)``, so leaving one out does not change the others.

    Args:
        kinds: Any of `KINDS`.
        probability: Strength p of the policy, from 0 (the exact identity) to 1.
        draw: Where the numbers come from.
        size: Height and width of the pictures, pixels.
        channels: 1, 3 or 4.

    Raises:
        UnknownName: A kind is none of `KINDS`.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise UnknownName("augmentation", kind, KINDS)
    geometric = [kind for kind in kinds if kind in GEOMETRIC_KINDS]
    return Transform(
        affine=draw_affine(geometric, probability, draw, size) if geometric else None,
        colour=draw_colour(probability, draw, channels) if "colour" in kinds else None,
        box=draw_box(probability, draw) if "cutout" in kinds else None,
    )
