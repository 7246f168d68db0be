"""How far a painted picture is from the one it should be: pure functions of two pictures, one number a sample."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganvas.tensors import Images, PerSample


def charbonnier(painted: Images, target: Images, eps: float = 1e-3) -> PerSample:
    """Mean of ``sqrt(d^2 + eps^2) - eps``, d the difference of a value: |d|, but smooth at 0.

    Charbonnier et al. 1994; Lai et al. 2017 (LapSRN, eq. 3), less ``eps`` so that equal pictures have no loss.

    Args:
        painted: ``(N, C, H, W)``.
        target: The same shape.
        eps: Where it turns from a square to an absolute value.

    Returns:
        ``(N,)``.
    """
    difference = painted - target
    return ((difference.square() + eps**2).sqrt() - eps).flatten(1).mean(1)


def frequency(painted: Images, target: Images) -> PerSample:
    """Mean absolute difference of the real and the imaginary parts of the Fourier transforms.

    Cho et al. 2021 (MIMO-UNet, eq. 7); Sun et al. 2023 (SAFMN) weigh it 0.05 beside L1. The transform here is
    orthonormal, so that the size of the picture does not change the weight: theirs, which is not, would be 4.8 for a
    crop of 96 pixels. It runs in float32: half precision overflows.

    Args:
        painted: ``(N, C, H, W)``.
        target: The same shape.

    Returns:
        ``(N,)``.
    """
    difference = painted - target
    if difference.dtype not in (torch.float32, torch.float64):
        difference = difference.float()
    spectrum = torch.view_as_real(torch.fft.rfft2(difference, norm="ortho"))
    return spectrum.abs().flatten(1).mean(1)


def perceptual(
    painted: Images,
    target: Images,
    stages: Callable[[Images], Sequence[Tensor]],
    *,
    normalised: bool = True,
) -> PerSample:
    """Distance of what a network sees of two pictures, stage by stage.

    Plain maps: the mean absolute difference (Johnson et al. 2016, with L1). Normalised: at each place both vectors of
    channels get length 1, then the squared distance is taken, mean over places (Zhang et al. 2018, LPIPS, eq. 1 with
    all weights 1). Stages count alike.

    Args:
        painted: ``(N, C, H, W)``.
        target: The same shape; no gradient flows to it.
        stages: From pictures to maps ``(N, C, h, w)``, shallow to deep.
        normalised: Which of the two.

    Returns:
        ``(N,)``.
    """
    with torch.no_grad():
        wanted = stages(target.detach())
    total = painted.new_zeros(len(painted))
    for ours, theirs in zip(stages(painted), wanted, strict=True):
        apart = (_unit(ours) - _unit(theirs)).square().sum(1) if normalised else (ours - theirs).abs().mean(1)
        total = total + apart.flatten(1).mean(1)
    return total / len(wanted)


def _unit(maps: Tensor, eps: float = 1e-10) -> Tensor:
    return maps * (maps.square().sum(1, keepdim=True) + eps).rsqrt()
