import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganvas.damage.jpeg import jpeg, jpeg_twice, quality_tables
from ganvas.tensors import to_levels
from tests.damage.photographs import photographs


def through_pillow(image: Tensor, quality: int, halved: bool) -> Tensor:
    buffer = io.BytesIO()
    Image.fromarray(to_levels(image[None])[0]).save(buffer, "jpeg", quality=quality, subsampling=2 if halved else 0)
    levels = np.asarray(Image.open(buffer))
    return torch.tensor(levels).permute(2, 0, 1).float() / 127.5 - 1


@pytest.mark.parametrize("size", [(96, 128), (61, 83), (8, 9), (1, 1), (17, 9)])
@pytest.mark.parametrize("halved", [False, True])
def test_it_is_what_pillow_reads_of_its_own_file(size: tuple[int, int], halved: bool) -> None:
    quality = torch.tensor([10, 35, 50, 75, 95])
    images = photographs(5, size)
    painted = jpeg(images, quality, torch.full((5,), halved))
    expected = torch.stack([through_pillow(i, int(q), halved) for i, q in zip(images, quality, strict=True)])
    off = (painted - expected).abs() * 127.5
    assert off.mean() < 0.35
    assert (off > 2.5).float().mean() < 0.01  # libjpeg's whole-number transform rounds a coefficient otherwise
    assert off.max() < 20


def test_tables_are_those_that_pillow_writes() -> None:
    qualities = [1, 7, 10, 49, 50, 51, 75, 95, 100]
    ours = quality_tables(torch.tensor(qualities)).flatten(2)
    for tables, quality in zip(ours, qualities, strict=True):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "jpeg", quality=quality)
        written = Image.open(buffer).quantization  # type: ignore[attr-defined]
        assert [written[0], written[1]] == tables.long().tolist()


def test_samples_have_their_own_quality_and_chroma() -> None:
    images = photographs(3, (40, 56))
    quality, halved = torch.tensor([90.0, 20.0, 60.0]), torch.tensor([True, False, True])
    together = jpeg(images, quality, halved)
    for row in range(3):
        alone = jpeg(images[row : row + 1], quality[row : row + 1], halved[row : row + 1])
        assert torch.equal(together[row : row + 1], alone)


def test_worse_quality_is_further_away() -> None:
    image = photographs(1, (64, 64))
    off = [(jpeg(image, torch.tensor([q]), torch.tensor([True])) - image).square().mean() for q in (95, 70, 40, 10)]
    assert off == sorted(off)


def test_grey_stays_grey_and_flat_stays_flat() -> None:
    grey = photographs(1, (32, 32)).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    painted = jpeg(grey, torch.tensor([30]), torch.tensor([True]))
    assert (painted - painted[:, :1]).abs().max() * 127.5 < 1.01
    flat = torch.full((1, 3, 20, 20), 64 / 127.5 - 1)
    assert (jpeg(flat, torch.tensor([90]), torch.tensor([False])) - flat).abs().max() * 127.5 < 2.01


def test_twice_on_one_grid_is_a_file_of_a_file() -> None:
    images = photographs(2, (32, 48))
    quality, halved = torch.tensor([[50, 70], [90, 30]]), torch.tensor([[True, False], [False, True]])
    twice = jpeg_twice(images, quality, halved, torch.zeros(2, 2, dtype=torch.long))
    expected = jpeg(jpeg(images, quality[:, 0], halved[:, 0]), quality[:, 1], halved[:, 1])
    assert torch.equal(twice[..., :-1, :-1], expected[..., :-1, :-1])  # chroma of the last blends with what follows


def test_a_shift_moves_the_grid_of_the_second_file() -> None:
    images = photographs(2, (64, 64))
    quality, halved = torch.full((2, 2), 20), torch.zeros(2, 2, dtype=torch.bool)
    once = jpeg(images, quality[:, 0], halved[:, 0])
    shift = torch.tensor([[3, 5], [0, 7]])
    twice = jpeg_twice(images, quality, halved, shift)
    assert twice.shape == images.shape
    aligned = jpeg_twice(images, quality, halved, torch.zeros(2, 2, dtype=torch.long))
    assert ((aligned - once).abs().mean() * 4) < (twice - once).abs().mean()  # on its own grid a file hardly changes
    for row, (down, right) in enumerate(shift.tolist()):
        cropped = once[row : row + 1, :, 8 - down :, 8 - right :]  # the same grid, away from the upper and left edge
        second = jpeg(cropped, quality[row : row + 1, 1], halved[row : row + 1, 1])
        assert torch.equal(twice[row, :, 8:, 8:], second[0, :, down:, right:])
