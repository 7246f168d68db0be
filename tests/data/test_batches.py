from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.data.batches import Batches
from ganvas.data.dataset import Dataset
from ganvas.data.labels import Labels, attribute_labels, class_labels, no_labels
from ganvas.data.sampler import Sampler
from ganvas.draw import Draw
from tests.data.pictures import noise

CPU = torch.device("cpu")
COUNT, SIZE = 23, (6, 10)
IMAGES = np.stack([noise(seed, *SIZE) for seed in range(COUNT)])
ALL = np.arange(COUNT)


def dataset(labels: Labels | None = None, images: np.ndarray = IMAGES) -> Dataset:
    names = tuple(map(str, range(COUNT)))
    return Dataset(images, labels or no_labels(COUNT, "test"), names, (), "key")


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_images_are_those_of_their_rows() -> None:
    batch = Batches(dataset(), ALL, 0, CPU).at(0, Draw(0, 8))
    assert batch["image"].shape == (8, 3, *SIZE)
    assert batch["image"].dtype == torch.float32
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    assert batch["index"].dtype == torch.int64
    for image, row in zip(batch["image"], batch["index"].tolist(), strict=True):
        expected = IMAGES[row].transpose(2, 0, 1) / 127.5 - 1
        np.testing.assert_allclose(image.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_black_and_white_are_the_ends_of_the_range(channels: int) -> None:
    images = np.zeros((COUNT, *SIZE, channels), np.uint8)
    images[:, 0] = 255
    image = Batches(dataset(images=images), ALL, 0, CPU).at(0, Draw(0, 4))["image"]
    assert image.unique().tolist() == [-1, 1]


def test_batches_follow_the_sampler_over_the_rows_given() -> None:
    rows = np.array([20, 3, 7, 11, 5])
    batches = Batches(dataset(), rows, 9, CPU)
    seen = torch.cat([batches.at(position, Draw(0, 4))["index"] for position in range(0, 20, 4)])
    np.testing.assert_array_equal(seen.numpy(), rows[Sampler(5, 9).indices(0, 20)])
    assert sorted(seen[:5].tolist()) == sorted(rows)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("cuts", [[0, 12], [0, 6, 12], [0, 1, 5, 12]])
def test_a_batch_is_the_same_however_it_is_cut(mirror: bool, cuts: list[int]) -> None:
    labels = class_labels([str(row % 3) for row in range(COUNT)], "test")
    batches = Batches(dataset(labels), ALL, 0, CPU, mirror)
    whole = batches.at(17, Draw(5, 12))
    parts = [batches.at(17, Draw(5, 12, start, stop)) for start, stop in pairwise(cuts)]
    assert same(whole, {name: torch.cat([part[name] for part in parts]) for name in whole})
    assert same(whole, batches.at(17, Draw(5, 12)))


def test_mirror_flips_whole_pictures_left_to_right_about_half_of_the_time() -> None:
    plain = Batches(dataset(), ALL, 0, CPU).at(0, Draw(0, 400))["image"]
    mirrored = Batches(dataset(), ALL, 0, CPU, mirror=True).at(0, Draw(0, 400))["image"]
    assert mirrored.is_contiguous(memory_format=torch.channels_last)
    stays = (mirrored == plain).flatten(1).all(1)
    flips = (mirrored == plain.flip(3)).flatten(1).all(1)
    assert (stays ^ flips).all()
    assert 150 < flips.sum() < 250


def test_flips_change_with_the_draw() -> None:
    batches = Batches(dataset(), ALL, 0, CPU, mirror=True)
    assert not same(batches.at(0, Draw(0, 12)), batches.at(0, Draw(1, 12)))


def test_labels_belong_to_their_pictures() -> None:
    numbers = np.stack([np.arange(COUNT), np.arange(COUNT) ** 2], axis=1).astype(float)
    labels = attribute_labels(["x", "y"], numbers, "test")
    batch = Batches(dataset(labels), ALL, 0, CPU).at(3, Draw(0, 7))
    assert batch["label"].dtype == torch.float32
    expected = (numbers - numbers.mean(0)) / numbers.std(0)
    np.testing.assert_allclose(batch["label"].numpy(), expected[batch["index"].numpy()], rtol=1e-6)


def test_without_labels_there_is_none() -> None:
    assert set(Batches(dataset(), ALL, 0, CPU).at(0, Draw(0, 2))) == {"image", "index"}


@pytest.mark.gpu
def test_the_gpu_gets_the_same_batch() -> None:
    labels = class_labels([str(row % 3) for row in range(COUNT)], "test")
    here = Batches(dataset(labels), ALL, 0, CPU, mirror=True).at(5, Draw(0, 12))
    there = Batches(dataset(labels), ALL, 0, torch.device("cuda"), mirror=True).at(5, Draw(0, 12, device="cuda"))
    assert {tensor.device.type for tensor in there.values()} == {"cuda"}
    assert there["image"].is_contiguous(memory_format=torch.channels_last)
    for name, tensor in here.items():
        torch.testing.assert_close(there[name].cpu(), tensor, rtol=0, atol=1e-6)
