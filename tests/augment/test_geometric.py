import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from torch import Tensor

from ganvas.augment.geometric import GEOMETRIC_KINDS, compose_affine, draw_affine, warp
from ganvas.draw import Draw

SIZES = [(8, 8), (7, 7), (6, 11), (1, 5)]


def affine(mirror: float = 1, right: float = 0, down: float = 0, zoom: float = 1, angle: float = 0) -> Tensor:
    return compose_affine(*(torch.tensor([value], dtype=torch.float32) for value in (mirror, right, down, zoom, angle)))


def pictures(height: int, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def resampled(picture: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear sampling of one channel at ``matrix`` times the position from the centre, by SciPy."""
    height, width = picture.shape
    y, x = np.mgrid[:height, :width]
    centre_y, centre_x = (height - 1) / 2, (width - 1) / 2
    source_x, source_y = np.einsum("ij,jhw->ihw", matrix, np.stack([x - centre_x, y - centre_y, np.ones_like(x)]))
    return np.asarray(map_coordinates(picture, [source_y + centre_y, source_x + centre_x], order=1, mode="reflect"))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", SIZES)
def test_identity_flip_and_whole_pixel_shift_are_exact(size: tuple[int, int], dtype: torch.dtype) -> None:
    images = pictures(*size, dtype)
    assert torch.equal(warp(images, affine()), images)
    assert torch.equal(warp(images, affine(mirror=-1)), images.flip(3))
    height, width = size
    for down, right in ((0, 2), (-1, 0), (1, -3), (height, width)):
        padding = [(0, 0), (0, 0), (height, height), (2 * width, 2 * width)]
        padded = np.pad(images.double().numpy(), padding, mode="symmetric")
        moved = padded[:, :, height - down : 2 * height - down, 2 * width - right : 3 * width - right]
        warped = warp(images, affine(right=right, down=down))
        assert warped.dtype == dtype
        assert np.array_equal(warped.double().numpy(), moved)


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("turns", [-1, 1, 2, 3])
def test_quarter_turns_of_a_square_are_numpys(side: int, turns: int) -> None:
    images = pictures(side, side)
    turned = np.rot90(images.numpy(), -turns, axes=(2, 3))  # NumPy turns anticlockwise
    np.testing.assert_allclose(warp(images, affine(angle=turns * math.pi / 2)), turned, atol=2e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("mirror", "right", "down", "zoom", "angle"),
    [(1, 0, 0, 1.3, 0), (1, 0, 0, 0.5, 0), (-1, 1.5, -0.25, 1, 0), (1, 0, 0, 1, 0.7), (-1, 2, 1, 0.8, -2.4)],
)
def test_any_affine_map_is_scipys(
    size: tuple[int, int], mirror: float, right: float, down: float, zoom: float, angle: float
) -> None:
    def matrix(a: float, b: float, c: float, d: float, e: float = 0, f: float = 0) -> NDArray[np.float64]:
        return np.array([[a, b, e], [c, d, f], [0, 0, 1]])

    cos, sin = math.cos(angle), math.sin(angle)
    there = matrix(1, 0, 0, 1, right, down) @ matrix(cos, -sin, sin, cos) @ matrix(zoom, 0, 0, zoom)
    inverse = np.asarray(np.linalg.inv(there @ matrix(mirror, 0, 0, 1))[:2], dtype=np.float64)
    images = pictures(*size, torch.float64)
    expected = np.stack([resampled(channel, inverse) for channel in images[0].numpy()])
    warped = warp(images, affine(mirror, right, down, zoom, angle))
    np.testing.assert_allclose(warped[0], expected, atol=2e-5)  # positions are float32


def test_zooming_in_enlarges() -> None:
    dot = torch.zeros(1, 1, 21, 21)
    dot[..., 8:13, 8:13] = 1
    assert warp(dot, affine(zoom=1.4)).sum() > 1.7 * dot.sum()
    assert warp(dot, affine(zoom=0.7)).sum() < 0.6 * dot.sum()


@pytest.mark.parametrize("kinds", [[kind] for kind in GEOMETRIC_KINDS] + [list(GEOMETRIC_KINDS)], ids=str)
def test_probability_zero_is_the_exact_identity(kinds: list[str]) -> None:
    drawn = draw_affine(kinds, 0.0, Draw(1, 64), (32, 48))
    assert torch.equal(drawn, affine().expand(64, -1, -1))


def test_draws_have_the_documented_ranges() -> None:
    draw, size, count = Draw(7, 20000), (32, 48), 20000
    flips = draw_affine(["flip"], 1.0, draw, size)[:, 0, 0]
    assert set(flips.tolist()) == {-1.0, 1.0}
    shifts = draw_affine(["shift"], 1.0, draw, size)[:, :, 2]
    assert set(shifts[:, 0].tolist()) == set(range(-6, 7))  # 48 / 8
    assert set(shifts[:, 1].tolist()) == set(range(-4, 5))  # 32 / 8
    assert abs(torch.corrcoef(shifts.T)[0, 1]) < 4.5 / math.sqrt(count)
    zoom = -draw_affine(["scale"], 1.0, draw, size)[:, 0, 0].log2()
    assert zoom.abs().max() == pytest.approx(0.4, abs=1e-5)
    assert zoom.abs().median().item() == pytest.approx(0.2 * 0.6745, rel=0.05)  # a normal's quartile
    turned = draw_affine(["rotate"], 1.0, draw, size)
    angles = torch.atan2(turned[:, 0, 1], turned[:, 0, 0])
    quarters = torch.histc(angles, 4, -math.pi, math.pi)
    assert ((quarters - count / 4).abs() < 5 * math.sqrt(count * 0.25 * 0.75)).all()


@pytest.mark.parametrize(
    ("kind", "moves"), [("flip", 1 / 2), ("shift", 1 - 1 / 9 / 9), ("scale", 1.0), ("rotate", 1.0)]
)
@pytest.mark.parametrize("probability", [0.1, 0.5, 0.8, 1.0])
def test_a_kind_is_applied_as_often_as_asked(kind: str, moves: float, probability: float) -> None:
    """``moves`` is the share of a kind's own draws that are not the identity."""
    count = 10000
    drawn = draw_affine([kind], probability, Draw(5, count), (32, 32))
    changed = int((drawn != affine()).flatten(1).any(1).sum())
    expected = probability * moves
    assert abs(changed - count * expected) <= 4.5 * math.sqrt(count * expected * (1 - expected))


def test_a_kind_does_not_change_the_draw_of_another() -> None:
    alone = draw_affine(["shift"], 0.7, Draw(2, 50), (32, 32))[:, :, 2]
    assert torch.equal(draw_affine(["shift", "flip"], 0.7, Draw(2, 50), (32, 32))[:, :, 2].abs(), alone.abs())


def test_pictures_too_small_to_shift_stay() -> None:
    assert torch.equal(draw_affine(["shift"], 1.0, Draw(2, 9), (7, 7)), affine().expand(9, -1, -1))
