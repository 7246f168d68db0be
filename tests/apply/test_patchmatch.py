"""PatchMatch against a search of everything, and against pictures where the answer is known."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from ganvas.apply.patchmatch import RADIUS_PX, SHIFT, PatchField
from ganvas.tensors import Images
from tests.task.scenes import scenes

SIDE = 2 * RADIUS_PX + 1


def boxed(height: int, width: int, top: int, left: int, side: int) -> Tensor:
    hole = torch.zeros(height, width, dtype=torch.bool)
    hole[top : top + side, left : left + side] = True
    return hole


def middles(field: PatchField) -> tuple[Tensor, Tensor]:
    """Rows and columns of what was asked for, and of what was found."""
    rows, columns = (
        torch.stack([plane // field.width - RADIUS_PX, plane % field.width - RADIUS_PX], 1)
        for plane in (field.asked, field.found)
    )
    return rows, columns


def patches(picture: Images) -> Tensor:
    """All patches of a picture, those at its edge with the edge repeated: ``(H, W, numbers)``."""
    wide = F.pad(picture[None], (RADIUS_PX,) * 4, mode="replicate")
    return F.unfold(wide, SIDE)[0].T.reshape(*picture.shape[1:], -1)


def moved_apart(ours: Tensor, theirs: Tensor) -> Tensor:
    """Squared differences of patches, once their colours are moved as near as they may."""
    apart = (ours - theirs).unflatten(-1, (-1, SIDE**2))
    costs: Tensor = (apart - apart.mean(-1, keepdim=True).clamp(-SHIFT, SHIFT)).square().sum((-1, -2))
    return costs


def searched(field: PatchField, picture: Images, times: int) -> Iterator[Tensor]:
    for _ in range(times):
        yield field.search(picture, jumps_px=(8, 4, 1), far_px=max(field.hole.shape))


def test_all_that_touch_a_hole_are_asked_for_and_none_of_them_is_found() -> None:
    hole = boxed(40, 50, 0, 20, 12)
    field = PatchField(hole)
    *_, _ = searched(field, scenes(1, 40, 50)[0], 3)
    asked, found = middles(field)
    touching = torch.from_numpy(ndimage.binary_dilation(hole.numpy(), np.ones((SIDE, SIDE))))
    assert torch.equal(asked, touching.nonzero())
    assert not touching[found[:, 0], found[:, 1]].any()
    assert (found >= RADIUS_PX).all()
    assert (found < torch.tensor(hole.shape) - RADIUS_PX).all()


def test_costs_are_those_of_the_patches_and_never_rise() -> None:
    picture, hole = scenes(1, 48, 56, seed=3)[0], boxed(48, 56, 14, 20, 10)
    field, every = PatchField(hole), patches(picture)
    before = torch.full((len(field.asked),), torch.inf)
    for costs in searched(field, picture, 3):
        asked, found = middles(field)
        expected = moved_apart(every[tuple(asked.T)], every[tuple(found.T)])
        torch.testing.assert_close(costs, expected)
        assert (costs <= before + 1e-4).all()
        before = costs


@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_is_nearly_the_best_there_is(seed: int) -> None:
    picture, hole = scenes(1, 64, 64, seed=seed)[0], boxed(64, 64, 22, 26, 16)
    field, every = PatchField(hole, seed), patches(picture)
    start = field.search(picture, jumps_px=(), far_px=0)
    *_, costs = searched(field, picture, 6)
    asked, _ = middles(field)
    places = field.may.reshape(-1, field.width)[RADIUS_PX:-RADIUS_PX, RADIUS_PX:-RADIUS_PX]
    best = torch.stack([moved_apart(one, every[places]).min() for one in every[tuple(asked.T)]])
    assert costs.mean() < best.mean() + 0.05 * (start.mean() - best.mean())


def test_a_picture_that_repeats_is_voted_to_go_on() -> None:
    """A tile of random colours, side by side: all patches have an exact match."""
    tile = torch.rand((3, 12, 12), generator=torch.Generator().manual_seed(0))
    whole, hole = tile.repeat(1, 6, 6), boxed(72, 72, 20, 30, 15)
    field = PatchField(hole)
    for _ in range(20):
        costs = field.search(whole, jumps_px=(8, 4, 1), far_px=72)
    assert costs.max() < 1e-3
    assert (middles(field)[0] != middles(field)[1]).any(1).all()
    torch.testing.assert_close(field.voted(whole, costs, 1.0), whole)


def test_colours_are_moved_by_a_little_and_no_more() -> None:
    """A plain picture, around its hole brighter than the one place that patches may come from."""
    for brighter, left in ((0.5 * SHIFT, 0.0), (3 * SHIFT, 2 * SHIFT)):
        picture, hole = torch.zeros(3, 40, 60), boxed(40, 60, 0, 25, 40)
        picture[:, :, 25:] = brighter
        hole[12:24, 37:49] = False
        hole[15:21, 40:46] = True
        field = PatchField(hole)
        assert (middles(field)[1][:, 1] < 25).all()
        costs = field.search(picture, jumps_px=(1,), far_px=8)
        painted = field.voted(picture, costs, 1.0)[:, 18, 43]
        torch.testing.assert_close(painted, torch.full((3,), brighter - left))


def test_votes_change_the_hole_alone_and_better_patches_count_more() -> None:
    picture, hole = scenes(1, 48, 48, seed=1)[0], boxed(48, 48, 0, 40, 8)
    field = PatchField(hole)
    costs = field.search(picture, jumps_px=(1,), far_px=8)
    even, sharp = (field.voted(picture, costs, sharpness) for sharpness in (0.0, 8.0))
    for painted in (even, sharp):
        assert torch.equal(painted[:, ~hole], picture[:, ~hole])
    missed = [(painted - picture)[:, hole].abs().mean() for painted in (even, sharp)]
    assert missed[1] < missed[0]


def test_what_a_coarser_picture_found_lies_at_twice_its_place() -> None:
    coarse, fine = PatchField(boxed(40, 44, 10, 12, 6)), PatchField(boxed(80, 87, 20, 24, 12))
    coarse.found = coarse.asked + 14 * coarse.width + 9
    fine.start_at(coarse)
    asked, found = middles(fine)
    kept = [bool(coarse.row_of[(r // 2 + 3) * coarse.width + c // 2 + 3] >= 0) for r, c in asked.tolist()]
    assert np.mean(kept) > 0.9
    assert ((found - asked)[kept] == torch.tensor([28, 18])).all()


def test_places_of_a_coarser_picture_that_are_none_here_are_not_taken() -> None:
    coarse, fine = PatchField(boxed(40, 44, 10, 12, 6)), PatchField(boxed(80, 87, 20, 24, 12))
    coarse.found = coarse.asked.clone()  # in the hole itself
    fine.start_at(coarse)
    assert fine.may[fine.found].all()


def test_the_same_seed_finds_the_same() -> None:
    picture, hole = scenes(1, 48, 48)[0], boxed(48, 48, 12, 12, 14)
    fields = [PatchField(hole, seed) for seed in (0, 0, 1)]
    for field in fields:
        *_, _ = searched(field, picture, 2)
    assert torch.equal(fields[0].found, fields[1].found)
    assert not torch.equal(fields[0].found, fields[2].found)
