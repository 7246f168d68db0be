"""Areas and shapes of the benchmark's masks, and what its scratches leave alone."""

import numpy as np
import pytest
from photographs.masks import HOLES, oval, scratched
from scipy import ndimage

AREAS = {"thin": (0.06, 0.12), "thick": (0.18, 0.35), "boxes": (0.039, 0.27)}
DEPTHS_PX = {"thin": (1, 7), "thick": (4.5, 30), "boxes": (20, 60)}


@pytest.mark.parametrize("kind", HOLES)
def test_areas_and_depths_are_as_said(kind: str) -> None:
    assert AREAS.keys() == HOLES.keys()
    for seed in range(30):
        mask = HOLES[kind](256, np.random.default_rng(seed))
        assert mask.shape == (256, 256)
        assert mask.dtype == bool
        assert AREAS[kind][0] <= mask.mean() <= AREAS[kind][1]
        depth_px = float(ndimage.distance_transform_edt(mask).max())
        assert DEPTHS_PX[kind][0] <= depth_px <= DEPTHS_PX[kind][1]


@pytest.mark.parametrize("across_px", [60, 100])
def test_an_oval_lies_within_and_is_as_large_as_said(across_px: int) -> None:
    places = set()
    for seed in range(20):
        mask = oval(256, np.random.default_rng(seed), across_px)
        sides = [int(np.ptp(at)) + 1 for at in mask.nonzero()]
        assert across_px - 2 <= max(sides) <= across_px + 1
        assert min(sides) >= across_px * 2 / 3 - 2
        assert not any(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
        assert mask.sum() == pytest.approx(np.pi / 4 * sides[0] * sides[1], rel=0.05)
        places.add(tuple(mask.nonzero()[0][:2]))
    assert len(places) > 10


def test_scratches_change_what_they_mark_and_little_else() -> None:
    picture = np.full((192, 192, 3), 128, np.uint8)
    shares = []
    for seed in range(20):
        damaged, mask = scratched(picture, np.random.default_rng(seed))
        change = np.abs(damaged.astype(int) - picture).max(2)
        assert change[mask].min() >= 20
        assert change[~mask].max() <= 32
        shares.append(mask.mean())
        assert 0 < mask.mean() < 0.1
    assert len(set(shares)) == len(shares)
