from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas.apply.assemble import assemble
from ganvas.apply.filter import LocalFilter
from ganvas.apply.lock import low_pass
from ganvas.apply.paint import Tally, painted, to_depth
from ganvas.network.layers.fill import smooth_fill
from tests.apply.filters import CPU, IDENTITY, blur

RANDOM = np.random.default_rng(0)
COLOURS = replace(IDENTITY, fn=lambda given: given[:, :3])


def pixels(channels: int, dtype: type[np.uint8 | np.uint16], size: tuple[int, int] = (23, 31)) -> np.ndarray:
    return RANDOM.integers(0, np.iinfo(dtype).max, (*size, channels), dtype, endpoint=True)


def all_rows(array: np.ndarray, network: LocalFilter, tile: int = 8, lock: int | None = None) -> np.ndarray:
    assembly = assemble(network, lock_box_px=lock, alpha=array.shape[2] in (2, 4))
    return np.concatenate([rows.pixels for rows in painted(array, assembly, Tally(tile), device=CPU)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("lock", [None, 3])
def test_the_identity_gives_every_pixel_back(channels: int, dtype: type[np.uint8], lock: int | None) -> None:
    array = pixels(channels, dtype)
    if channels in (2, 4):
        array[..., -1] |= 1  # colours under full transparency are painted over by those beside
    assert np.array_equal(all_rows(array, COLOURS, lock=lock), array)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_outside_the_mask_nothing_changes(dtype: type[np.uint8]) -> None:
    array, mask = pixels(4, dtype), RANDOM.random((23, 31)) < 0.1
    assembly = assemble(replace(blur(3), fn=lambda given: blur(3)(given) + 5), alpha=True)
    out = np.concatenate(
        [rows.pixels for rows in painted(array, assembly, Tally(8), device=CPU, mask=mask, inputs=("mask",))]
    )
    assert np.array_equal(out[~mask], array[~mask])
    assert (out[mask][:, :3] == np.iinfo(dtype).max).all()
    assert np.array_equal(out[..., 3], array[..., 3])


def test_the_network_sees_the_hole_and_not_what_is_in_it() -> None:
    seen = []

    def fn(given: torch.Tensor) -> torch.Tensor:
        seen.append(given.clone())
        return given[:, :3]

    array, mask = pixels(3, np.uint8, (4, 4)), np.zeros((4, 4), bool)
    mask[1, 2] = True
    list(painted(array, assemble(replace(IDENTITY, fn=fn)), Tally(9), device=CPU, mask=mask, inputs=("mask",)))
    assert seen[0].shape == (1, 4, 4, 4)
    assert seen[0][0, 3].nonzero().tolist() == [[1, 2]]
    known = torch.from_numpy(array[~mask]).double().mean(0) / 127.5 - 1  # one cell, and so one colour
    torch.testing.assert_close(seen[0][0, :3, 1, 2].double(), known, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [2, 4])
def test_beside_a_hole_what_cannot_be_seen_gives_no_colour(channels: int) -> None:
    array, mask = np.full((40, 40, channels), 230, np.uint8), np.zeros((40, 40), bool)
    array[:, 24:] = 0  # transparent, and black below
    mask[:, 20:24] = True
    fill = replace(IDENTITY, fn=lambda given: smooth_fill(given[:, :3], given[:, 3:4]), radius_px=60)
    rows = painted(array, assemble(fill, alpha=True), Tally(40), device=CPU, mask=mask, inputs=("mask",))
    out = np.concatenate([row.pixels for row in rows])
    assert np.abs(out[:, :24, :-1].astype(int) - 230).max() <= 8  # what the black did was 83
    assert np.array_equal(out[~mask], array[~mask])


def test_the_strength_is_a_plane() -> None:
    halved = replace(IDENTITY, fn=lambda given: given[:, :3] * 0 + given[:, 3:])
    rows = painted(pixels(1, np.uint8), assemble(halved), Tally(8), device=CPU, inputs=("strength",), strength=0.6)
    assert {level for row in rows for level in row.pixels.flatten().tolist()} == {204}


@pytest.mark.parametrize("tile", [7, 16])
def test_sixteen_bits_in_tiles(tile: int) -> None:
    array = pixels(3, np.uint16, (40, 40))
    whole, parts = all_rows(array, blur(2, scale=2), 99), all_rows(array, blur(2, scale=2), tile)
    assert np.abs(whole.astype(int) - parts.astype(int)).max() <= 1


def test_a_map_is_black_outside_the_mask() -> None:
    mask = np.zeros((23, 31), bool)
    mask[:4, :4] = True
    assembly = assemble(COLOURS, ends=(COLOURS, replace(IDENTITY, fn=lambda given: given[:, :3] + 0.5)))
    rows = list(painted(pixels(3, np.uint8), assembly, Tally(8), device=CPU, mask=mask))
    levels = np.concatenate([row.map for row in rows if row.map is not None])
    assert levels.shape == (23, 31, 1)
    assert not levels[~mask].any()
    assert levels[mask].any()


def test_the_tally_of_the_lock() -> None:
    tally = Tally(8)
    shifted = replace(IDENTITY, fn=lambda given: given[:, :3] + 0.1)
    calm = np.full((23, 31, 3), 100, np.uint8)
    list(painted(calm, assemble(shifted, lock_box_px=3), tally, device=CPU))
    assert tally.pixels == 23 * 31
    assert tally.lock_sum / tally.pixels < 0.01


def test_the_tally_of_a_lock_that_cannot_hold() -> None:
    tally, white = Tally(64), np.full((24, 32, 3), 255, np.uint8)
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(32), indexing="ij")
    board = ((rows + columns) % 2 * 2.0 - 1).expand(1, 3, -1, -1)
    painting = replace(IDENTITY, fn=lambda given: board)
    (done,) = painted(white, assemble(painting, lock_box_px=3), tally, device=CPU)
    left = low_pass(torch.from_numpy(255.0 - done.pixels).permute(2, 0, 1)[None], 3)
    assert float(left.mean()) > 20
    assert tally.lock_sum / tally.pixels == pytest.approx(float(left.mean()), rel=0.02)


def test_depths() -> None:
    eight = np.arange(256, dtype=np.uint8)
    sixteen = to_depth(eight, np.dtype(np.uint16))
    assert (sixteen[0], sixteen[-1]) == (0, 65535)
    assert np.array_equal(to_depth(sixteen, np.dtype(np.uint8)), eight)
    every = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(to_depth(every, np.dtype(np.uint8)), np.rint(every / 257).astype(np.uint8))
    assert to_depth(eight, eight.dtype) is eight
