from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt, label

from ganvas.damage.holes import HOLES, Field, draw_holes
from ganvas.draw import Draw


@pytest.mark.parametrize("size", [(128, 128), (64, 96), (33, 47)])
def test_masks_are_of_zeros_and_ones_and_cover_2_to_40_percent(size: tuple[int, int]) -> None:
    masks = draw_holes(Draw(1, 200), size)
    assert masks.shape == (200, 1, *size)
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    area = masks.mean((1, 2, 3))
    assert area.min() > 0.019
    assert area.max() < 0.405
    assert area.min() < 0.04
    assert area.max() > 0.36


def test_rows_are_those_of_the_whole_batch_and_repeat_themselves() -> None:
    draw = Draw(5, 24)
    whole = draw_holes(draw, (48, 48))
    assert torch.equal(whole, draw_holes(draw, (48, 48)))
    for start, stop in ((0, 7), (7, 8), (8, 24)):
        assert torch.equal(draw_holes(draw.rows(start, stop), (48, 48)), whole[start:stop])
    assert not torch.equal(whole, draw_holes(Draw(6, 24), (48, 48)))


def thickness(mask: np.ndarray) -> float:
    """The deepest place of a hole: how far the nearest whole pixel is, in pixels."""
    return float(distance_transform_edt(np.pad(mask, 1, constant_values=1)).max())


def test_thin_strokes_are_thin_and_thick_ones_thick() -> None:
    depths = {}
    for name in ("thin", "thick"):
        kind = HOLES[name]
        fields = kind.field(Draw(3, 30), (128, 128))
        area = 0.5 * sum(kind.area)
        masks = [(f <= f.flatten().kthvalue(round(area * 128 * 128)).values).numpy() for f in fields]
        depths[name] = np.median([thickness(mask) for mask in masks])
    assert depths["thin"] < 7
    assert depths["thick"] > 10


def test_boxes_have_only_right_angles() -> None:
    fields = HOLES["box"].field(Draw(3, 20), (64, 64))
    for field in fields:
        mask = field <= field.flatten().kthvalue(600).values
        _, count = label(mask.numpy())
        assert 1 <= count <= 3
        corners = torch.nn.functional.avg_pool2d(mask[None, None].float(), 2, stride=1) * 4
        assert (corners == 1).sum() + (corners == 3).sum() <= 16  # a union of three boxes has few, a blob has many


def test_kinds_come_as_often_as_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sum(kind.share for kind in HOLES.values()) == pytest.approx(1)
    counts: dict[str, int] = {}

    def counting(name: str) -> Field:
        def field(draw: Draw, size: tuple[int, int]) -> torch.Tensor:
            counts[name] = draw.count
            return torch.arange(float(size[0] * size[1])).expand(draw.count, -1).view(-1, *size)

        return field

    shares = {name: kind.share for name, kind in HOLES.items()}
    for name, kind in list(HOLES.items()):
        monkeypatch.setitem(HOLES, name, replace(kind, field=counting(name)))
    draw_holes(Draw(7, 4000), (10, 10))
    for name, share in shares.items():
        assert abs(counts[name] - 4000 * share) < 4.5 * (4000 * share * (1 - share)) ** 0.5
