"""Shapes and ranges, said once.

Images      float (N, C, H, W) in [-1, 1]; C is 1 (grey), 3 (RGB) or 4 (RGB and alpha)
Latents     float (N, Z), standard normal
Condition   float (N, K): a one-hot class or K numeric attributes; None when a network is unconditional
Logits      float (N, ...): one number a sample, or a map of them; positive means "looks real"
PerSample   float (N,)
Levels      uint8 NumPy (N, H, W, C): pictures as files hold them
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

Images = Tensor
Latents = Tensor
Condition = Tensor | None
Logits = Tensor
PerSample = Tensor
Levels = npt.NDArray[np.uint8]


class Judgement(NamedTuple):
    """What a critic says of a batch.

    Attributes:
        logits: One or several heads, each ``(N, ...)``: patch, multi-scale and projected critics return several.
        features: Activations on the way, shallow to deep, each ``(N, C, h, w)`` or ``(N, F)``; may be empty.
        region: Where maps of logits count, ``(N, 1, H, W)`` of the picture: those whose cell has a 1 in it. None for
            everywhere.
    """

    logits: tuple[Logits, ...]
    features: tuple[Tensor, ...] = ()
    region: Tensor | None = None

    def score(self) -> PerSample:
        """The mean over heads and positions that count: one number a sample, shape ``(N,)``."""
        per_head = [self._mean(head) if head.ndim > 1 else head for head in self.logits]
        return sum(per_head[1:], start=per_head[0]) / len(per_head)

    def _mean(self, head: Logits) -> PerSample:
        if self.region is None or head.ndim < 3:
            return head.flatten(1).mean(1)
        cells = F.adaptive_max_pool2d(self.region, head.shape[-2:]).to(head)
        cells = cells.view(len(head), *[1] * (head.ndim - 3), *head.shape[-2:]).expand_as(head).flatten(1)
        return (head.flatten(1) * cells).sum(1) / cells.sum(1).clamp(min=1)


def to_levels(images: Images) -> Levels:
    """Images ``(N, C, H, W)`` in [-1, 1] as 8-bit levels ``(N, H, W, C)``, rounded and clipped."""
    levels = (images.detach().float() * 127.5 + 127.5).round().clamp(0, 255)
    array: Levels = levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return array
