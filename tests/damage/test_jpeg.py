import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ganvas.damage.jpeg import jpeg, quantisation_tables
from ganvas.tensors import to_levels
from tests.damage.photographs import scene, scenes

STILL = torch.zeros(1, 2, dtype=torch.long)


def by_pillow(picture: NDArray[np.uint8], quality: int, subsampled: bool) -> NDArray[np.uint8]:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality, subsampling=2 if subsampled else 0)
    return np.asarray(Image.open(data))


def by_us(picture: NDArray[np.uint8], quality: int, subsampled: bool) -> NDArray[np.uint8]:
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    levels: NDArray[np.uint8] = to_levels(
        jpeg(image, torch.tensor([float(quality)]), torch.tensor([subsampled]), STILL)
    )[0]
    return levels


@pytest.mark.parametrize("subsampled", [False, True])
@pytest.mark.parametrize("quality", [5, 20, 49, 50, 75, 90, 100])
@pytest.mark.parametrize("size", [(64, 96), (61, 83), (16, 16), (7, 9), (1, 1)])
def test_it_is_what_an_encoder_and_a_decoder_make(size: tuple[int, int], quality: int, subsampled: bool) -> None:
    """Now and then a coefficient lies between two steps and goes to the other one; over many pictures, seldom."""
    pictures = [scene(seed, *size) for seed in range(12)]
    ours, theirs = (np.stack([by(one, quality, subsampled) for one in pictures]) for by in (by_us, by_pillow))
    apart = np.abs(ours.astype(int) - theirs)
    assert apart.mean() < (1.0 if min(size) > 32 else 2.0)  # of few blocks, one is much
    assert np.median(apart) <= 1


@pytest.mark.parametrize("quality", [1, 10, 49, 50, 51, 75, 99, 100])
def test_the_tables_are_those_in_a_file(quality: int) -> None:
    data = io.BytesIO()
    Image.fromarray(scene(0, 16, 16)).save(data, "JPEG", quality=quality)
    tables = quantisation_tables(torch.tensor([float(quality)]))[0]
    stored = Image.open(data).quantization  # type: ignore[attr-defined]
    assert [tables[0].tolist(), tables[1].tolist()] == [list(map(float, stored[0])), list(map(float, stored[1]))]


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (8, 8), (15, 1)])
def test_the_grid_lies_where_it_should(shift: tuple[int, int]) -> None:
    """A picture is a crop of what a larger one with repeated borders becomes."""
    picture = scene(1, 40, 56)
    around = np.pad(picture, ((shift[0], 0), (shift[1], 0), (0, 0)), mode="edge")
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
    ours = to_levels(jpeg(image, torch.tensor([30.0]), torch.tensor([True]), torch.tensor([shift])))[0]
    whole = by_us(around, 30, True)[shift[0] :, shift[1] :]
    np.testing.assert_array_equal(ours, whole)


def test_every_picture_has_its_own_settings() -> None:
    images = scenes(4)
    quality, subsampled = torch.tensor([10.0, 95.0, 40.0, 40.0]), torch.tensor([True, False, True, False])
    shift = torch.tensor([[0, 0], [1, 2], [5, 5], [9, 0]])
    together = jpeg(images, quality, subsampled, shift)
    for row in range(4):
        alone = jpeg(images[row : row + 1], *(part[row : row + 1] for part in (quality, subsampled, shift)))
        assert torch.equal(alone[0], together[row])
    errors = (together - images).abs().mean((1, 2, 3))
    assert errors[0] > 2 * errors[1]


def test_flat_pictures_stay_flat() -> None:
    flat = torch.full((1, 3, 20, 20), 0.2)
    out = jpeg(flat, torch.tensor([50.0]), torch.tensor([True]), STILL)
    assert float(out.amax() - out.amin()) == 0
    assert float((out - flat).abs().max()) < 0.1
