from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ganvas.apply.bands import (
    LARGEST_TILE_PX,
    SMALLEST_TILE_PX,
    automatic_tile,
    filtered_bands,
)
from ganvas.apply.filter import LocalFilter
from ganvas.apply.tiles import Span
from ganvas.errors import FileError, OutOfMemory
from ganvas.network.image_to_image import build_image_to_image, fused, receptive_radius_px
from tests.apply.filters import CPU, IDENTITY, blur, in_tiles, source_of, strided, tiles_differ_by, whole

ROUNDING = 1e-3
"""Levels of 255 by which float32 sums may differ in another order."""


def noise(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(height)) * 2 - 1


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (37, 1), (2, 3), (5, 5), (6, 7), (13, 31), (32, 32), (33, 65)])
@pytest.mark.parametrize("filter", [blur(2), blur(5), blur(2, scale=2), blur(1, scale=3), strided(2), strided(4)])
def test_tiles_are_the_whole(filter: LocalFilter, size: tuple[int, int]) -> None:
    assert tiles_differ_by(filter, noise(*size), [1, 4, 7, 16, 100] if max(size) < 20 else [7, 16, 100]) < ROUNDING


@pytest.mark.parametrize("offset", range(8))
def test_every_offset_to_the_stride(offset: int) -> None:
    filter = strided(8)
    assert tiles_differ_by(filter, noise(24 + offset, 32 - offset), [8, 16]) < ROUNDING


@pytest.mark.parametrize("filter", [blur(5, claimed_px=4), replace(strided(4), radius_px=0), blur(2, 2, claimed_px=1)])
def test_a_filter_that_sees_farther_than_it_says_is_found(filter: LocalFilter) -> None:
    assert tiles_differ_by(filter, noise(40, 40), [8]) > 0.5


def test_a_wrong_stride_is_found() -> None:
    with pytest.raises(FileError, match="its description does not fit it"):
        tiles_differ_by(replace(strided(4), stride_px=2), noise(40, 40), [6])


@pytest.mark.parametrize("name", ["compact", "plain", "unet", "gated-unet"])
def test_networks_in_tiles_are_the_networks(name: str) -> None:
    torch.manual_seed(0)
    arguments: dict[str, dict[str, object]] = {
        "compact": {"scale": 2, "width": 8, "depth": 3},
        "plain": {"scale": 2, "width": 8, "depth": 2},
        "unet": {"width": 8, "max_width": 16, "scales": 2},
        "gated-unet": {"width": 8, "max_width": 16, "scales": 2, "dilations": (1, 2)},
    }
    network = build_image_to_image(name, arguments[name])
    for weights in network.parameters():
        if not weights.detach().any():
            torch.nn.init.normal_(weights, std=0.2)
    radius = receptive_radius_px(network)
    facts: dict[str, int] = {key: int(getattr(network, key)) for key in ("scale", "stride_px")}
    filter = LocalFilter(fused(network), facts["scale"], facts["stride_px"], radius)
    picture = noise(61, 83, 3 + len(getattr(network, "inputs")))  # noqa: B009 (a plain Module to mypy)
    assert tiles_differ_by(filter, picture, [16, 40]) < 10 * ROUNDING  # random weights paint far beyond the range
    assert tiles_differ_by(replace(filter, radius_px=0), picture, [16]) > 10 * ROUNDING


def test_whole_levels_do_not_depend_on_the_tile() -> None:
    picture = noise(50, 70)
    assert torch.equal(in_tiles(IDENTITY, picture, 16), picture)


def failing(limit: int, error: Callable[[], Exception]) -> tuple[LocalFilter, list[int]]:
    """A blur that has memory for so many pixels only, and the sizes of the windows it was given."""
    sound, seen = blur(2), list[int]()

    def fn(given: Tensor) -> Tensor:
        seen.append(given.shape[2] * given.shape[3])
        if seen[-1] > limit:
            raise error()
        return sound(given)

    return replace(sound, fn=fn), seen


@pytest.mark.parametrize(
    "error",
    [
        MemoryError,
        lambda: torch.OutOfMemoryError("CUDA out of memory"),
        lambda: RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        lambda: RuntimeError("could not create a primitive"),
    ],
)
def test_out_of_memory_means_smaller_tiles_and_the_same_pixels(error: Callable[[], Exception]) -> None:
    filter, seen = failing(20 * 20, error)
    picture, told = noise(40, 50), list[int]()
    strips = filtered_bands(source_of(picture), (40, 50), filter, tile=64, device=CPU, smaller=told.append)
    painted = torch.cat([strip.planes for strip in strips if strip.planes is not None], 1)
    assert (painted - whole(blur(2), picture)).abs().max() * 127.5 < ROUNDING
    assert told == [25, 12]
    assert max(seen[3:]) <= 400


def test_memory_that_runs_out_midway() -> None:
    sound, calls = blur(2), 0

    def fn(given: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise MemoryError
        return sound(given)

    picture = noise(40, 40)
    painted = in_tiles(replace(sound, fn=fn), picture, 16)
    assert (painted - whole(sound, picture)).abs().max() * 127.5 < ROUNDING


def test_too_little_memory_for_any_tile_is_said() -> None:
    filter, _ = failing(0, MemoryError)
    with pytest.raises(OutOfMemory, match="cpu has too little memory even for tiles of 1 px"):
        in_tiles(filter, noise(9, 9), 8)


def test_other_errors_are_not_taken_for_it() -> None:
    filter, seen = failing(0, lambda: RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"):
        in_tiles(filter, noise(9, 9), 8)
    assert len(seen) == 1


def test_numbers_that_are_none_are_never_written() -> None:
    broken = replace(IDENTITY, fn=lambda given: given / given.clamp(0, 0))
    with pytest.raises(FileError, match="not finite"):
        in_tiles(broken, noise(4, 4), 4)


def test_a_model_of_another_size_is_refused() -> None:
    with pytest.raises(FileError, match=r"paints \(8, 8\) of \(8, 8\) pixels, and \(16, 16\) were due"):
        in_tiles(replace(IDENTITY, scale=2), noise(8, 8), 8)


def test_only_what_is_needed_is_painted() -> None:
    seen: list[tuple[int, int]] = []

    def needed(rows: Span, columns: Span) -> bool:
        return rows.keep_from == 8 and columns.keep_from == 16

    def fn(given: Tensor) -> Tensor:
        seen.append((given.shape[2], given.shape[3]))
        return given

    strips = list(
        filtered_bands(
            source_of(torch.ones(3, 24, 24)), (24, 24), replace(IDENTITY, fn=fn), tile=8, device=CPU, needed=needed
        )
    )
    assert [strip.planes is None for strip in strips] == [True, False, True]
    assert seen == [(8, 8)]
    planes = strips[1].planes
    assert planes is not None
    assert planes[:, :, 16:].eq(1).all()
    assert planes[:, :, :16].eq(0).all()


def test_tiles_by_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    filter = replace(IDENTITY, channels=64, radius_px=10)
    sides = []
    for free in (1 << 20, 1 << 30, 8 << 30, 1 << 40):
        monkeypatch.setattr("ganvas.apply.bands.memory_bytes", lambda device, free=free: free)
        sides.append(automatic_tile(filter, CPU))
    assert sides == sorted(sides)
    assert (sides[0], sides[-1]) == (SMALLEST_TILE_PX, LARGEST_TILE_PX)
    assert (sides[2] + 20) ** 2 * 64 * 4 < 8 << 30
    monkeypatch.setattr("ganvas.apply.bands.memory_bytes", lambda device: 1 << 30)
    assert automatic_tile(replace(filter, channels=512), CPU) < automatic_tile(filter, CPU)


def test_bands_of_wide_pictures_are_low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.apply.bands.MOST_BAND_BYTES", 4 * 6 * 4 * 200 * 10)
    picture = noise(60, 200)
    sides = []
    for filter in (blur(2, scale=2), blur(2, scale=4), blur(8, scale=4)):
        strips = list(filtered_bands(source_of(picture), (60, 200), filter, tile=30, device=CPU))
        sides.append(max(strip.bottom - strip.top for strip in strips) // filter.scale)
        assert tiles_differ_by(filter, picture, [30]) < ROUNDING
    assert sides == [10, 4, 15]  # ten rows fit; four are twice the radius; sixteen would be, in four equal bands of 60
