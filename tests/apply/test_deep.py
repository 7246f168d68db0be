from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.apply.assemble import assemble
from ganvas.apply.completed import completed
from ganvas.apply.deep import DEEP_PX, RIM_PX, with_patches
from ganvas.apply.guess import guessed
from ganvas.apply.masks import unseen
from ganvas.apply.paint import Tally, painted
from ganvas.apply.planes import alpha_plane, colour_planes, has_alpha, to_pixels
from tests.apply.filters import CPU, IDENTITY
from tests.task.scenes import scene

_, DEEPEST_PX = DEEP_PX
SIDE = 2 * DEEPEST_PX + 60
RADIUS = DEEPEST_PX + 30


def disc(size: tuple[int, int], row: int, column: int, radius: int) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return np.asarray((y - row) ** 2 + (x - column) ** 2 <= radius**2)


def guess_of(pixels: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A membrane over all that is missing, in the place of a network."""

    def first(gone: np.ndarray, near: np.ndarray) -> np.ndarray:
        colours = guessed(colour_planes(pixels), torch.from_numpy(gone)[None, None].float())[0]
        alpha = alpha_plane(pixels)[0] if has_alpha(pixels) else None
        return to_pixels(colours, alpha, pixels.shape[2], pixels.dtype)

    return first


def fill(
    pixels: np.ndarray, mask: np.ndarray, tick: Callable[[float], None] = lambda share: None
) -> tuple[np.ndarray, np.ndarray]:
    return with_patches(pixels, mask, 1.0, CPU, guess_of(pixels), tick)


def test_a_hole_that_is_not_deep_stays_as_it_is() -> None:
    pixels, mask = scene(0, SIDE, SIDE), np.zeros((SIDE, SIDE), bool)
    mask[8 : 8 + 2 * DEEPEST_PX] = True
    assert fill(pixels, mask) == (pixels, mask)
    mask[8 + 2 * DEEPEST_PX] = True
    assert fill(pixels, mask)[1].sum() < mask.sum()


def test_all_of_a_deep_hole_is_filled_but_for_a_rim() -> None:
    pixels, mask = scene(0, 301, 277), np.zeros((301, 277), bool)
    mask[100:240, 50:170] = True
    filled, left = fill(pixels, mask)
    inside = mask & ~left
    assert np.array_equal(inside, unseen(mask, RIM_PX))
    assert np.array_equal(filled[~inside], pixels[~inside])


def test_what_was_in_the_hole_is_of_no_matter() -> None:
    pixels, mask = scene(0, 301, 277), disc((301, 277), 160, 120, RADIUS)
    other = np.where(mask[..., None], np.uint8(255), pixels)
    (first, left), (second, _) = (fill(given, mask) for given in (pixels, other))
    inside = mask & ~left
    assert np.array_equal(first[inside], second[inside])


def test_what_is_far_away_is_not_asked_and_not_filled() -> None:
    """A stroke that leaves the deep hole and a scratch beside it are the network's."""
    pixels, mask = scene(0, 300, 900), disc((300, 900), 150, 200, RADIUS)
    mask[140:150, 200:700] = True
    mask[20:24, 100:300] = True
    filled, left = fill(pixels, mask)
    assert left[20:24, 100:300].all()
    assert left[140:150, 200 + RADIUS + DEEPEST_PX : 700].all()
    changed = pixels.copy()
    changed[:, 800:] = 0
    again, _ = fill(changed, mask)
    assert np.array_equal(again[:, :800], filled[:, :800])


@pytest.mark.parametrize("known_px", [0, 1])
def test_a_hole_with_nothing_to_take_from_is_left(known_px: int) -> None:
    """All is transparent around the hole but for a corner, or all of it."""
    pixels, mask = np.zeros((400, 400, 4), np.uint8), np.zeros((400, 400), bool)
    mask[100:300, 100:300] = True
    pixels[:known_px, :known_px] = 255
    filled, left = fill(pixels, mask)
    assert np.array_equal(filled, pixels)
    assert np.array_equal(left, mask)


def test_holes_far_apart_are_filled_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each from around itself; the largest part that is looked at stays small."""
    sizes: list[int] = []

    def watched(picture: Tensor, hole: Tensor, tick: Callable[[float], None]) -> Tensor | None:
        sizes.append(hole.numel())
        return completed(picture, hole, tick)

    monkeypatch.setattr("ganvas.apply.completed.completed", watched)
    pixels, mask = np.zeros((300, 1500, 3), np.uint8), np.zeros((300, 1500), bool)
    pixels[:, :750], pixels[:, 750:] = (200, 10, 10), (10, 10, 200)
    mask[100:200, 100:200] = mask[100:200, 1300:1400] = True
    filled, left = fill(np.where(mask[..., None], np.uint8(99), pixels), mask)
    assert max(sizes) <= 300 * 360
    assert np.array_equal(left, mask & ~unseen(mask, RIM_PX))
    assert np.array_equal(filled[~left], pixels[~left])


def test_colours_of_what_cannot_be_seen_are_not_taken() -> None:
    pixels, mask = np.full((SIDE, SIDE + 200, 4), 90, np.uint8), np.zeros((SIDE, SIDE + 200), bool)
    mask[30:-30, 130:-130] = True
    pixels[:, :100] = [255, 0, 0, 0]
    filled, left = fill(pixels, mask)
    assert (filled[mask & ~left] == 90).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparency_and_depth_stay(channels: int, dtype: type[np.uint8 | np.uint16]) -> None:
    top = np.iinfo(dtype).max
    pixels = np.full((SIDE, SIDE, channels), top // 3, dtype)
    mask = disc((SIDE, SIDE), SIDE // 2, SIDE // 2, RADIUS - 10)
    if channels in (2, 4):
        pixels[..., -1] = np.random.default_rng(0).integers(1, top, (SIDE, SIDE), dtype)
    filled, left = fill(pixels, mask)
    assert filled.dtype == dtype
    assert left.sum() < mask.sum()
    assert np.array_equal(filled, pixels)


def test_a_plain_ground_stays_plain_in_a_hole_deeper_than_the_network_sees() -> None:
    pixels, mask = np.full((420, 380, 2), 20_000, np.uint16), np.zeros((420, 380), bool)
    mask[10:-10, 10:-10] = True
    colours, tally = replace(IDENTITY, fn=lambda given: given[:, :3]), Tally(64)
    rows = painted(pixels, assemble(colours, alpha=True), tally, device=CPU, mask=mask, inputs=("mask",))
    out = np.concatenate([row.pixels for row in rows])
    assert np.abs(out[..., 0].astype(int) - 20_000).max() <= 2
    assert tally.patched_px == (400 - 2 * RIM_PX) * (360 - 2 * RIM_PX)


@pytest.mark.parametrize("colour", [-0.5, 0.7])
def test_what_the_network_paints_decides_which_patches_go_on(colour: float) -> None:
    """Two grounds meet in a hole. What is invisible beside it is painted as well, and given back as it was."""
    pixels, tally = np.full((260, 400, 4), 255, np.uint8), Tally(64)
    pixels[:, :200, :3], pixels[:, 200:, :3] = 64, 217
    pixels[:30, :, 3], mask = 0, disc((260, 400), 150, 200, RADIUS)

    def paint(given: Tensor) -> Tensor:
        return torch.where(given[:, 3:4] > 0, colour, given[:, :3])

    rows = painted(
        pixels, assemble(replace(IDENTITY, fn=paint), alpha=True), tally, device=CPU, mask=mask, inputs=("mask",)
    )
    out = np.concatenate([row.pixels for row in rows])
    assert tally.patched_px > 0
    middle = out[unseen(mask, 40)][:, :3].astype(int)  # a membrane would leave half of it to either ground
    assert (np.abs(middle - round((colour + 1) * 127.5)) < 3).mean() > 0.85
    assert np.array_equal(out[~mask], pixels[~mask])


def test_the_network_paints_twice_only_around_what_is_deep() -> None:
    size = (220, 1100)
    pixels, deep, scratch = scene(0, *size), disc(size, 110, 110, RADIUS), np.zeros(size, bool)
    scratch[20:24, 700:1000] = True
    tiles: list[int] = []

    def paint(given: Tensor) -> Tensor:
        tiles[-1] += 1
        return given[:, :3]

    made = []
    for mask in (deep, scratch, deep | scratch):
        tiles.append(0)
        tally = Tally(64)
        rows = painted(pixels, assemble(replace(IDENTITY, fn=paint)), tally, device=CPU, mask=mask, inputs=("mask",))
        made.append(np.concatenate([row.pixels for row in rows]))
        assert (tally.patched_px > 0) == (mask is not scratch)
    assert tiles[2] == tiles[0] + tiles[1]
    assert np.array_equal(made[2][deep], made[0][deep])


def test_progress_goes_on_from_hole_to_hole() -> None:
    pixels, mask = scene(0, 300, 900), disc((300, 900), 150, 200, RADIUS) | disc((300, 900), 150, 700, RADIUS)
    told: list[float] = []
    fill(pixels, mask, told.append)
    assert told == sorted(told)
    assert any(share == pytest.approx(0.5) for share in told)
    assert told[-1] == pytest.approx(1)


def test_where_boxes_overlap_nothing_is_counted_twice() -> None:
    """A long diagonal bar and a disc in the corner that its box has empty."""
    size = (700, 700)
    y, x = np.mgrid[: size[0], : size[1]]
    bar = (np.abs(y - x) < 120) & (np.minimum(y, x) > 30) & (np.maximum(y, x) < 670)
    mask = bar | disc(size, 110, 590, RADIUS)
    told: list[float] = []
    pixels = scene(0, *size)
    filled, left = fill(pixels, mask, told.append)
    inside = mask & ~left
    assert inside[110, 590]
    assert inside[350, 350]
    assert np.array_equal(filled[~inside], pixels[~inside])
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
