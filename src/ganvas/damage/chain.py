"""The recipes: how clean photographs become what `restore` and `upscale` are given.

Which damage a sample has is drawn on the CPU, whatever the pictures' device: only the samples that have it are
computed, and nothing waits for the device.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganvas.damage.blur import blurred, gaussian_kernels, motion_kernels
from ganvas.damage.fade import Fade, faded
from ganvas.damage.jpeg import jpeg, jpeg_twice
from ganvas.damage.noise import noisy
from ganvas.damage.rescale import Kernel, rescaled, shrink_kernels, shrunk
from ganvas.device import sent
from ganvas.draw import Draw
from ganvas.tensors import Images

KINDS = ("fade", "blur", "rescale", "noise", "jpeg")
"""The order of their happening: the print fades, the lens blurs, it is made smaller, the sensor is noisy, the file is
compressed."""


@dataclass(frozen=True)
class RestoreRanges:
    """How often, and at full severity how strongly, photographs are damaged for `restore`.

    Attributes:
        untouched: Chance of a picture without any damage.
        fade: Chance of fading on the others.
        blur: Chance of blur.
        rescale: Chance of having been smaller.
        noise: Chance of noise.
        jpeg: Chance of JPEG. Who drew none of the five gets noise or JPEG, with equal chances.
        alone: Chance of noise or JPEG by itself, with equal chances, whatever was drawn.
        fade_loss: Share of contrast and of colour that full severity takes.
        blur_px: Standard deviation of the Gaussian at full severity; motions are three times as long.
        rescale_factor: The smaller size at full severity, as a share of the sides. Even the slightest resizing
            blurs, so below half severity its result is mixed with the picture.
        noise_levels: Standard deviation of the noise at full severity, in 8-bit levels.
        quality: JPEG quality at full and at no severity.
        twice: Chance that a JPEG is saved a second time, on another grid.
    """

    untouched: float = 0.1
    fade: float = 0.1
    blur: float = 0.3
    rescale: float = 0.3
    noise: float = 0.6
    jpeg: float = 0.6
    alone: float = 0.5
    fade_loss: float = 0.6
    blur_px: float = 1.6
    rescale_factor: float = 0.5
    noise_levels: float = 50.0
    quality: tuple[float, float] = (10.0, 95.0)
    twice: float = 0.3


@dataclass(frozen=True)
class ShrinkRanges:
    """How photographs are shrunk for `upscale`.

    Attributes:
        bicubic: Chance of the pure bicubic kernel; the others get a mixture of bicubic, area and Lanczos.
        blur: Chance of blur before shrinking.
        blur_share: Greatest standard deviation of it, in pixels of the smaller picture.
        noise: Chance of noise afterwards.
        noise_levels: Greatest standard deviation of it, in 8-bit levels.
        jpeg: Chance of JPEG at the end.
        quality: Least and greatest quality.
    """

    bicubic: float = 0.4
    blur: float = 0.3
    blur_share: float = 0.35
    noise: float = 0.2
    noise_levels: float = 5.0
    jpeg: float = 0.2
    quality: tuple[float, float] = (60.0, 95.0)


RESTORE = RestoreRanges()
SHRINK = ShrinkRanges()


def damaged_photograph(clean: Images, draw: Draw, ranges: RestoreRanges = RESTORE) -> tuple[Images, Tensor]:
    """Photographs with fading, blur, noise and JPEG, and how strong the strongest of them is.

    Strength is severity: each damage has a range from nothing to its worst (fading to ``fade_loss``, a Gaussian to
    ``blur_px``, noise to ``noise_levels``, JPEG from the highest quality to the lowest), and a picture's strength
    is the place of its worst damage in that range. The other damages lie lower in theirs. For one draw, a greater
    strength makes every damage worse; so whoever turns the dial of a network trained with it says how bad the
    picture is at its worst, on the scale 0.2: σ = 10 levels or quality 78; 0.5: 25 or 53; 1: 50 or 10.

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1], more than 8 pixels a side.
        draw: Where the numbers come from; N rows.
        ranges: How often and how strongly.

    Returns:
        Damaged pictures of the same shape in [-1, 1], and strengths ``(N,)`` in [0, 1]. Rows of strength 0 equal
        the clean ones, all others have a strength above 0.
    """
    known = replace(draw, device="cpu")
    severity = draw_severity(known, ranges)
    damaged = clean.clone()
    for kind, column in zip(KINDS, severity.unbind(1), strict=True):
        rows = column.nonzero()[:, 0]
        if len(rows):
            there = sent(rows, clean.device)
            own = known.named(kind).picked(rows)
            damaged[there] = DAMAGES[kind](damaged[there], column[rows], own, ranges).clamp(-1, 1)
    return damaged, sent(severity.amax(1), clean.device)


def draw_severity(draw: Draw, ranges: RestoreRanges = RESTORE) -> Tensor:
    """How bad each of the `KINDS` is in each sample: ``(N, 5)`` in [0, 1], 0 where a sample is without it."""
    chances = torch.tensor([getattr(ranges, kind) for kind in KINDS])
    has = draw.named("has").uniform(len(KINDS)) < chances
    spare = KINDS.index("noise") + draw.named("spare").integers(2)
    alone = ~has.any(1, keepdim=True) | (draw.named("alone").uniform()[:, None] < ranges.alone)
    has = torch.where(alone, torch.arange(len(KINDS)) == spare[:, None], has)
    share = has * draw.named("share").uniform(len(KINDS)).clamp(min=0.01)
    strength = 1 - draw.named("strength").uniform()  # in (0, 1]
    strength = strength * (draw.named("untouched").uniform() >= ranges.untouched)
    return strength[:, None] * share / share.amax(1, keepdim=True)


def shrunk_photograph(clean: Images, scale: int, draw: Draw, ranges: ShrinkRanges = SHRINK) -> Images:
    """Photographs made smaller, a few of them with a little noise or JPEG.

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1]; H and W are multiples of the scale.
        scale: How many times smaller, from 2.
        draw: Where the numbers come from; N rows.
        ranges: How often and how strongly.

    Returns:
        ``(N, 3, H / scale, W / scale)`` in [-1, 1].
    """
    known = replace(draw, device="cpu")
    weights = known.named("mix").uniform(3) + 1e-3
    pure = known.named("bicubic").uniform() < ranges.bicubic
    mix = torch.where(pure[:, None], torch.tensor([1.0, 0.0, 0.0]), weights / weights.sum(1, keepdim=True))
    blur_px = known.named("width").uniform(high=ranges.blur_share * scale) * _chosen(known, "blur", ranges.blur)
    small = shrunk(clean, scale, sent(shrink_kernels(scale, mix, blur_px), clean.device)).clamp_(-1, 1)
    rows = _chosen(known, "noise", ranges.noise).nonzero()[:, 0]
    if len(rows):
        own, there = known.named("noise").picked(rows), sent(rows, clean.device)
        sigma = own.named("sigma").uniform(high=ranges.noise_levels)
        small[there] = _with_noise(small[there], sigma, own).clamp_(-1, 1)
    rows = _chosen(known, "jpeg", ranges.jpeg).nonzero()[:, 0]
    if len(rows):
        own, there = known.named("jpeg").picked(rows), sent(rows, clean.device)
        low, high = ranges.quality
        quality = own.named("quality").uniform(low=low, high=high)
        small[there] = jpeg(small[there], quality, own.named("halved").uniform() < 0.5)
    return small


def _fade(images: Images, severity: Tensor, draw: Draw, ranges: RestoreRanges) -> Images:
    loss = severity * ranges.fade_loss
    fade = Fade(
        loss=loss,
        colour_loss=loss * draw.named("colour").uniform(),
        yellow=draw.named("yellow").uniform(),
        light=draw.named("light").uniform(low=0.5, high=0.95),
        uneven=draw.named("uneven").uniform(),
        centre=draw.named("centre").uniform(2),
    )
    return faded(images, fade.to(images.device))


def _blur(images: Images, severity: Tensor, draw: Draw, ranges: RestoreRanges) -> Images:
    width = severity * ranges.blur_px
    angle = draw.named("angle").uniform(high=torch.pi)
    still = gaussian_kernels(width, width * draw.named("across").uniform(low=0.4), angle)
    moved = draw.named("moved").uniform() < 0.3
    kernels = torch.where(moved[:, None, None], motion_kernels(3 * width, angle), still)
    return blurred(images, sent(kernels, images.device))


def _rescale(images: Images, severity: Tensor, draw: Draw, ranges: RestoreRanges) -> Images:
    factor = 1 - severity * (1 - ranges.rescale_factor)
    names: tuple[Kernel, ...] = ("bicubic", "bilinear", "area")
    down = [names[choice] for choice in draw.named("down").integers(3).tolist()]
    up = [names[choice] for choice in draw.named("up").integers(2).tolist()]  # nobody repeats pixels by halves
    result = rescaled(images, factor.tolist(), down, up)
    seen = sent((2 * severity).clamp(max=1), images.device)  # the slightest resizing blurs: it is mixed in slowly
    return torch.lerp(images, result, seen[:, None, None, None])


def _noise(images: Images, severity: Tensor, draw: Draw, ranges: RestoreRanges) -> Images:
    return _with_noise(images, severity * ranges.noise_levels, draw)


def _jpeg(images: Images, severity: Tensor, draw: Draw, ranges: RestoreRanges) -> Images:
    worst, best = ranges.quality
    quality = best + (worst - best) * severity
    halved = draw.named("halved").uniform(2) < 0.6
    twice = draw.named("twice").uniform() < ranges.twice
    first = best + (worst - best) * severity * draw.named("first").uniform()
    result = torch.empty_like(images)
    once = (~twice).nonzero()[:, 0]
    if len(once):
        there = sent(once, images.device)
        result[there] = jpeg(images[there], quality[once], halved[once, 1])
    again = twice.nonzero()[:, 0]
    if len(again):
        there = sent(again, images.device)
        order = draw.named("order").uniform()[:, None] < 0.5  # the worse file may be the first or the second
        both = torch.where(order, torch.stack([quality, first], 1), torch.stack([first, quality], 1))
        shift = draw.named("shift").integers(8, 2)
        result[there] = jpeg_twice(images[there], both[again], halved[again], shift[again])
    return result


def _with_noise(images: Images, sigma: Tensor, draw: Draw) -> Images:
    """Noise of which any share follows the light; two samples in five have the same in all channels."""
    shot = draw.named("shot").uniform()
    grey = draw.named("grey").uniform() < 0.4
    device = images.device
    return noisy(images, sent(sigma, device), sent(shot, device), sent(grey, device), replace(draw, device=device))


def _chosen(draw: Draw, name: str, chance: float) -> Tensor:
    return draw.named("has", name).uniform() < chance


DAMAGES = {"fade": _fade, "blur": _blur, "rescale": _rescale, "noise": _noise, "jpeg": _jpeg}
