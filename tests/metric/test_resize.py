from math import floor

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ganvas.metric.resize import RESIZES, ResizeName, resize

SIZES = [(1, 1), (1, 7), (5, 3), (37, 53), (64, 64), (98, 99), (100, 100), (101, 99), (301, 307), (512, 30), (999, 1)]
Doubles = NDArray[np.float64]


def noise(height: int, width: int, count: int = 2) -> NDArray[np.uint8]:
    rng = np.random.default_rng(height * 1000 + width)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def resized(levels: NDArray[np.uint8], side_px: int, name: ResizeName) -> Doubles:
    images = resize(torch.from_numpy(levels).permute(0, 3, 1, 2), side_px, name)
    assert images.dtype == torch.float32
    return images.permute(0, 2, 3, 1).double().numpy()


def linear_places(length: int, side_px: int, centred: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], Doubles]:
    """Neighbours of each place and its distance from the first, in plain Python."""
    places = [(i + 0.5) * length / side_px - 0.5 if centred else i * length / side_px for i in range(side_px)]
    inside = [min(max(place, 0), length - 1) for place in places]
    before = [min(floor(place), length - 1) for place in inside]
    return np.array(before), np.minimum(np.array(before) + 1, length - 1), np.array(inside) - before


def linear(levels: NDArray[np.uint8], side_px: int, centred: bool) -> Doubles:
    picture = levels.astype(np.float64)
    for axis in (1, 2):
        before, after, share = linear_places(picture.shape[axis], side_px, centred)
        share = np.expand_dims(share, (0, 2, 3) if axis == 1 else (0, 1, 3))
        picture = picture.take(before, axis) * (1 - share) + picture.take(after, axis) * share
    return picture


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side_px", [100, 7])
def test_clean_equals_pillow_of_float_channels(size: tuple[int, int], side_px: int) -> None:
    levels = noise(*size)
    found = resized(levels, side_px, "clean")
    for picture, mine in zip(levels, found, strict=True):
        for channel in range(3):
            plane = Image.fromarray(picture[..., channel].astype(np.float32))
            expected = np.asarray(plane.resize((side_px, side_px), Image.Resampling.BICUBIC)).clip(0, 255)
            np.testing.assert_allclose(mine[..., channel], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side_px", [100, 7])
@pytest.mark.parametrize(("name", "centred"), [("tf", False), ("torch-bilinear", True)])
def test_bilinear_resizes_equal_their_formula(
    size: tuple[int, int], side_px: int, name: ResizeName, centred: bool
) -> None:
    levels = noise(*size)
    expected = linear(levels, side_px, centred)
    np.testing.assert_allclose(resized(levels, side_px, name), expected, rtol=0, atol=0.03)  # float32 positions


@pytest.mark.parametrize("name", RESIZES)
def test_pictures_of_the_right_size_stay_bit_for_bit(name: ResizeName) -> None:
    levels = noise(31, 31)
    assert np.array_equal(resized(levels, 31, name), levels)
    images = torch.from_numpy(levels).permute(0, 3, 1, 2)
    torch.testing.assert_close(RESIZES[name](images, 31), images.float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", RESIZES)
def test_resizes_work_picture_by_picture_channel_by_channel_and_in_any_layout(name: ResizeName) -> None:
    images = torch.from_numpy(noise(40, 23, 3)).permute(0, 3, 1, 2)
    whole = resize(images, 29, name)
    for row in range(3):
        for channel in range(3):
            alone = resize(images[row : row + 1, channel : channel + 1], 29, name)
            assert torch.equal(alone[0, 0], whole[row, channel])
    assert torch.equal(resize(images.contiguous(), 29, name), whole)
    assert torch.equal(resize(images.float(), 29, name), whole)
    sideways = resize(images.transpose(2, 3), 29, name).transpose(2, 3)
    torch.testing.assert_close(sideways, whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", RESIZES)
@pytest.mark.parametrize("size", [(11, 17), (64, 64)])
def test_flat_pictures_stay_flat_and_edges_stay_in_range(name: ResizeName, size: tuple[int, int]) -> None:
    flat = np.full((1, *size, 3), 137, np.uint8)
    np.testing.assert_allclose(resized(flat, 29, name), 137, rtol=1e-6)
    edge = np.zeros((1, *size, 3), np.uint8)
    edge[:, :, size[1] // 2 :] = 255
    found = resized(edge, 29, name)
    assert found.min() >= 0
    assert found.max() < 255.0001
    assert np.ptp(found) > 250


def test_only_the_antialiased_resize_sees_every_pixel() -> None:
    checkers = np.zeros((1, 64, 64, 3), np.uint8)
    checkers[:, ::2] = 255
    assert resized(checkers, 16, "clean").std() < 4
    assert resized(checkers, 16, "tf").min() == 255  # every fourth row, all of them white
    lone = np.zeros((1, 64, 64, 3), np.uint8)
    lone[:, 30, 31] = 255
    assert resized(lone, 16, "clean").max() > 1
    assert resized(lone, 16, "tf").max() == 0


@pytest.mark.gpu
@pytest.mark.parametrize("name", RESIZES)
def test_devices_agree(name: ResizeName) -> None:
    images = torch.from_numpy(noise(301, 77)).permute(0, 3, 1, 2)
    there = resize(images.to("cuda"), 99, name).cpu()
    torch.testing.assert_close(there, resize(images, 99, name), rtol=0, atol=1e-4)
