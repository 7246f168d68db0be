"""Colour profiles: whatever a picture was made in, its numbers leave here as sRGB."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

_SAME_WITHIN_LEVELS = 2


def to_srgb(image: Image.Image) -> Image.Image:
    """An RGB, RGBA or CMYK picture as RGB or RGBA in sRGB, by the ICC profile it carries.

    A profile that moves no colour by more than two levels is sRGB under some name: the pixels stay untouched.
    A profile that cannot be read, or is for another kind of colour than the picture has, is passed over as in
    every viewer: the numbers are taken as they stand (CMYK by the plain formula). Grey pictures carry tone
    curves, not colours, and do not come here. Conversions are relative colorimetric, in 8 bits.
    """
    transform = srgb_transform(image)
    if transform is not None:
        return transform.apply(image)
    return image.convert("RGB") if image.mode == "CMYK" else image


def srgb_transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """The conversion `to_srgb` would apply; None where the numbers can stay as they are."""
    profile = image.info.get("icc_profile")
    return _transform(profile, image.mode) if isinstance(profile, bytes) else None


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB; None where it is unreadable or changes nothing."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
    if mode == "CMYK":
        return transform
    lattice = _lattice(mode)
    moved = np.asarray(transform.apply(lattice)).astype(int) - np.asarray(lattice)
    return transform if np.abs(moved).max() > _SAME_WITHIN_LEVELS else None


def is_readable(profile: bytes) -> bool:
    """Whether colours can be converted by this profile at all: LittleCMS knows what it is."""
    try:
        ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, ValueError):
        return False
    return True


def _lattice(mode: str) -> Image.Image:
    """729 colours spread over the whole cube."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    return Image.fromarray(colours).convert(mode)
