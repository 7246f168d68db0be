from dataclasses import replace

import pytest
import torch

from ganvas.damage.holes import HOLES, KINDS, HoleRanges, draw_holes
from ganvas.draw import Draw


def of_kind(kind: str, **changes: object) -> HoleRanges:
    shares = tuple(float(name == kind) for name in KINDS)
    return replace(HOLES, shares=shares, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("area", [(0.01, 0.4), (0.1, 0.2), (0.3, 0.3)])
def test_the_area_lies_in_its_range(kind: str, area: tuple[float, float]) -> None:
    masks = draw_holes(Draw(1, 40), (48, 64), of_kind(kind, area=area))
    assert masks.shape == (40, 1, 48, 64)
    assert masks.unique().tolist() == [0, 1]
    part = masks.mean((1, 2, 3))
    rim = 0.06 if kind == "boxes" else 0.02  # pixels beside a box are level with one another
    assert part.min() >= area[0] - rim
    assert part.max() <= area[1] + 1e-3


def test_thin_strokes_are_thin() -> None:
    def widest(kind: str) -> float:
        masks = draw_holes(Draw(2, 40), (96, 96), of_kind(kind, area=(0.0, 0.6)))
        inner = -torch.nn.functional.max_pool2d(-masks, 11, 1, 5)  # what is left 5 pixels from the edge
        return float(inner.sum() / masks.sum())

    assert widest("thin") < 0.02
    assert widest("thick") > 0.1


def test_all_kinds_are_drawn() -> None:
    land = draw_holes(Draw(3, 400), (16, 16))
    assert 0.05 < float(land.mean()) < 0.35
    only = [draw_holes(Draw(3, 400), (16, 16), of_kind(kind)) for kind in KINDS]
    same = torch.stack([(land == one).flatten(1).all(1) for one in only]).float().mean(1)
    assert (same > 0.08).all()  # each kind made a good part of them
    assert float(same.sum()) < 1.2


def test_slices_are_parts_of_the_whole() -> None:
    draw = Draw(4, 7)
    assert torch.equal(draw_holes(draw.rows(2, 5), (24, 40)), draw_holes(draw, (24, 40))[2:5])
    assert not torch.equal(draw_holes(draw, (24, 40)), draw_holes(draw.named("other"), (24, 40)))
