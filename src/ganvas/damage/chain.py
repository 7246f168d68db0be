"""Damage in the order in which it happens: the print fades, the lens blurs, the sensor makes noise, codecs compress."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.damage.blur import REACH, blurred, draw_kernels
from ganvas.damage.fade import faded
from ganvas.damage.jpeg import UNIT, jpeg
from ganvas.damage.noise import draw_grain, noisy
from ganvas.damage.rescale import FILTERS, rescaled, shrunk
from ganvas.draw import Draw
from ganvas.tensors import Images, PerSample

Range = tuple[float, float]


@dataclass(frozen=True)
class RestoreRanges:
    """What a photograph to be restored has been through, at full strength.

    Each kind has a lot of its own whether it happens; if it does, its level is the sample's strength times a factor
    from ``jitter`` of what stands here.

    Attributes:
        clean: Part of the samples that nothing happens to, at strength 0.
        jitter: How closely levels follow the strength.
        blur_px: Largest standard deviation of a kernel, pixels.
        noise: Largest standard deviation of noise that is the same everywhere, levels of 256.
        photon: Largest addition to it in full light, levels.
        quality: JPEG quality at no and at full strength.
        smallest: Smallest size that a picture was shrunk to and enlarged from.
        blur_share: How often it is blurred; the others likewise.
        noise_share: How often noisy.
        jpeg_share: How often compressed.
        twice_share: Of the compressed, how often a second time on a shifted grid (Jiang et al. 2021, FBCNN).
        rescale_share: How often resized.
        fade_share: How often faded.
        grey_share: Of noise, how often it is the same in all channels.
        early_share: Of noise, how often it is blurred and resized with the picture.
    """

    clean: float = 0.1
    jitter: Range = (0.7, 1.0)
    blur_px: float = 2.0
    noise: float = 35.0
    photon: float = 25.0
    quality: Range = (95.0, 8.0)
    smallest: float = 0.4
    blur_share: float = 0.35
    noise_share: float = 0.6
    jpeg_share: float = 0.65
    twice_share: float = 0.3
    rescale_share: float = 0.25
    fade_share: float = 0.1
    grey_share: float = 0.4
    early_share: float = 0.4


@dataclass(frozen=True)
class ShrinkRanges:
    """What a small picture has been through besides getting small.

    Attributes:
        stretch: How much wider than usual a filter is.
        blur_px: Largest standard deviation of a blur before, in pixels of the small picture.
        blur_share: How often there is one; the others likewise.
        noise: Largest standard deviation of noise after, levels.
        noise_share: How often noisy.
        quality: JPEG quality after.
        jpeg_share: How often compressed.
    """

    stretch: Range = (0.9, 1.2)
    blur_px: float = 0.5
    blur_share: float = 0.3
    noise: float = 4.0
    noise_share: float = 0.15
    quality: Range = (75.0, 98.0)
    jpeg_share: float = 0.15


RESTORE, SHRINK = RestoreRanges(), ShrinkRanges()


def damaged_photograph(clean: Images, draw: Draw, ranges: RestoreRanges = RESTORE) -> tuple[Images, Tensor]:
    """Pictures to restore, and how much each has been through.

    The strength is the level of whatever damage there is, not its amount: at 0.5, noise has about half of the largest
    deviation, and JPEG a quality half-way between the two ends. A network that is told it restores that level: told
    more than there is it smooths, told less it leaves some, told 0 it leaves a picture as it is (as the noise level of
    FFDNet, Zhang et al. 2018, and the quality factor of FBCNN, Jiang et al. 2021).

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1].
        draw: Decides everything.
        ranges: Levels and shares.

    Returns:
        The damaged pictures, rounded to 256 levels where damaged, in [-1, 1]; the strength ``(N,)`` from 0 (untouched)
        to 1.
    """
    strength = (draw.named("strength").uniform() - ranges.clean).clamp(min=0) / (1 - ranges.clean)

    def level(name: str, share: float) -> PerSample:
        """Of this kind of damage, 0 to 1."""
        happens = draw.named(name, "happens").uniform() < share
        factor = draw.named(name, "level").uniform(low=ranges.jitter[0], high=ranges.jitter[1])
        return torch.where(happens, strength * factor, 0.0)

    images = faded(clean.float(), level("fade", ranges.fade_share), draw.named("fade"))
    grain = draw_grain(draw.named("noise"), tuple(clean.shape[1:]), ranges.grey_share)
    noise = level("noise", ranges.noise_share)
    early = torch.where(draw.named("early").uniform() < ranges.early_share, noise, 0.0)
    mix = draw.named("mix").uniform(2)  # how much of it is the same everywhere, and how much grows with light

    def with_noise(images: Images, amount: PerSample) -> Images:
        return noisy(images, grain, ranges.noise * mix[:, 0] * amount, ranges.photon * mix[:, 1] * amount)

    images = with_noise(images, early)
    images = blurred(images, draw_kernels(draw.named("blur"), ranges.blur_px * level("blur", ranges.blur_share)))
    factor = 1 - (1 - ranges.smallest) * level("rescale", ranges.rescale_share)
    images = rescaled(images, factor, draw.named("rescale"))
    images = with_noise(images, noise - early)
    twice = draw.named("twice").uniform() < ranges.twice_share
    for name, again in (("first", torch.ones_like(twice)), ("second", twice)):
        codec = level("jpeg" if name == "first" else "jpeg again", 1.0)
        happens = (draw.named("jpeg").uniform() < ranges.jpeg_share) & again
        quality = ranges.quality[0] + (ranges.quality[1] - ranges.quality[0]) * codec
        images = compressed(images, happens, quality, draw.named("jpeg", name))
    damaged = _in_levels(images)
    return torch.where((strength == 0).view(-1, 1, 1, 1), clean, damaged), strength


def shrunk_photograph(clean: Images, scale: int, draw: Draw, ranges: ShrinkRanges = SHRINK) -> Images:
    """The pictures at 1 / scale of their sides, as somebody would have them who wants them large.

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1]; H and W are multiples of the scale.
        scale: Whole number.
        draw: Decides everything.
        ranges: Levels and shares.

    Returns:
        ``(N, 3, H / scale, W / scale)`` in [-1, 1], rounded to 256 levels.
    """

    def drawn(name: str, low: float, high: float, share: float) -> PerSample:
        value = draw.named(name).uniform(low=low, high=high)
        return torch.where(draw.named(name, "happens").uniform() < share, value, 0.0)

    blur = drawn("blur", 0.0, ranges.blur_px * scale, ranges.blur_share).clamp(max=REACH / 3)
    images = blurred(clean.float(), draw_kernels(draw.named("kernel"), blur))
    kind = draw.named("filter").integers(len(FILTERS))
    stretch = draw.named("stretch").uniform(low=ranges.stretch[0], high=ranges.stretch[1])
    images = shrunk(images, scale, kind, stretch)
    noise = drawn("noise", 0.0, ranges.noise, ranges.noise_share)
    images = noisy(
        images, draw_grain(draw.named("grain"), tuple(images.shape[1:]), 0.5), noise, torch.zeros_like(noise)
    )
    quality = drawn("jpeg", *ranges.quality, ranges.jpeg_share)
    return _in_levels(compressed(images, quality > 0, quality, draw.named("codec")))


def compressed(images: Images, which: Tensor, quality: PerSample, draw: Draw) -> Images:
    """JPEG for some of the samples, with subsampling and grid drawn by lot.

    Args:
        images: RGB ``(N, 3, H, W)``.
        which: Bool ``(N,)``.
        quality: 1 to 100 ``(N,)``.
        draw: Decides subsampling (in two of three) and where the grid lies.
    """
    rows = which.nonzero()[:, 0]
    if not len(rows):
        return images
    subsampled = draw.named("subsampled").uniform() < 2 / 3
    shift = draw.named("shift").integers(UNIT, 2)
    done = images.clone()
    done[rows] = jpeg(images[rows], quality[rows], subsampled[rows], shift[rows])
    return done


def _in_levels(images: Images) -> Images:
    return (images * 127.5 + 127.5).round().clamp(0, 255) / 127.5 - 1
