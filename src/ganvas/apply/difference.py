"""Where a picture is invented: the two ends of a model disagree there."""

import numpy as np
import torch
from torch import Tensor

from ganvas.apply.filter import LocalFilter

MAP_GAIN = 4
"""Grey levels of a map for each 8-bit level of disagreement; a few levels would look black."""


def with_map(filter: LocalFilter, faithful: LocalFilter, inventive: LocalFilter) -> LocalFilter:
    """A filter with one plane more, the last: |faithful - inventive| as the mean over colours, in [0, 2].

    The three are of one kind: they take the same planes, and share scale and stride.
    """
    assert filter.scale == faithful.scale == inventive.scale

    def fn(given: Tensor) -> Tensor:
        painted = filter(given)
        ends = [painted if end is filter else end(given) for end in (faithful, inventive)]
        between = (ends[0][:, :3].clamp(-1, 1) - ends[1][:, :3].clamp(-1, 1)).abs().mean(1, keepdim=True)
        return torch.cat([painted, between], 1)

    together = (filter, faithful, inventive)
    stride, radius = max(one.stride_px for one in together), max(one.radius_px for one in together)
    return LocalFilter(fn, filter.scale, stride, radius, 2 * filter.channels)


def map_levels(plane: Tensor) -> np.ndarray:
    """A plane of `with_map`, ``(h, w)``, as uint8 ``(h, w, 1)``: `MAP_GAIN` grey levels for each level of 255."""
    levels = (plane * (127.5 * MAP_GAIN)).round().clamp(0, 255)
    return np.ascontiguousarray(levels.numpy().astype(np.uint8)[..., None])
