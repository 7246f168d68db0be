import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from platformdirs import user_cache_path
from safetensors.torch import load_file, save_file

from ganvas.errors import DataError, FileError
from ganvas.network.features.classifier import (
    FORMAT,
    Classifier,
    load_classifier,
    read_levels,
    save_classifier,
    train_classifier,
)
from ganvas.tensors import Levels, to_levels
from tests.network.features.networks import noise, shaken
from tests.training.conftest import Clothes, clothes

__all__ = ["clothes"]

GOOD = {"side_px": 12, "classes": 3, "dim": 5}


def some(clothes: Clothes, start: int, count: int) -> tuple[Levels, NDArray[np.int64]]:
    """So many pictures of each of trousers, bags and boots, with labels 0 to 2."""
    kinds = (1, 8, 9)
    rows = torch.cat([(clothes.labels == kind).nonzero()[start : start + count, 0] for kind in kinds])
    return to_levels(clothes.images[rows]), np.repeat(np.arange(3), count)


def accuracy(network: Classifier, levels: Levels, labels: NDArray[np.int64]) -> float:
    images = torch.from_numpy(levels).permute(0, 3, 1, 2).float().expand(-1, 3, -1, -1)
    with torch.no_grad():
        logits = network((images - network.offset[0]) / network.scale[0]).logits
    return float((logits.argmax(1).numpy() == labels).mean())


def test_it_learns_kinds_of_clothes_and_nothing_from_shuffled_labels(clothes: Clothes) -> None:
    levels, labels = some(clothes, 0, 60)
    network = train_classifier(levels, labels, epochs=3)
    assert (network.side_px, network.classes, network.dim) == (28, 3, 128)
    assert not network.training
    assert accuracy(network, *some(clothes, 200, 100)) > 0.97
    shuffled = train_classifier(levels, np.random.default_rng(0).permutation(labels), epochs=3)
    assert accuracy(shuffled, *some(clothes, 200, 100)) < 0.8


def test_its_features_lie_together_by_class(clothes: Clothes) -> None:
    network = train_classifier(*some(clothes, 0, 60), epochs=3)
    levels, labels = some(clothes, 200, 20)
    images = torch.from_numpy(levels).permute(0, 3, 1, 2).float().expand(-1, 3, -1, -1) / 127.5 - 1
    with torch.no_grad():
        seen = network(images)
    assert float(seen.features.min()) >= 0
    distance = torch.cdist(seen.features, seen.features).fill_diagonal_(torch.inf)
    assert (labels[distance.argmin(1).numpy()] == labels).mean() > 0.95
    torch.testing.assert_close(seen.logits, seen.features @ network.head.weight.T + network.head.bias)


@pytest.mark.slow
def test_digits_are_read() -> None:
    """On 1,000 of the 5,000 digits that `bench/fetch.py digits` fetches; no picture of them was learned."""
    folder = Path(user_cache_path("ganvas", appauthor=False)) / "bench" / "digits"
    if not folder.is_dir():
        pytest.skip(f"'{folder}' is not there; run bench/fetch.py digits")
    digits = np.fromfile(folder / "train-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, 28, 28, 1)
    labels = np.fromfile(folder / "train-labels-idx1-ubyte", np.uint8, offset=8).astype(np.int64)
    order = np.random.default_rng(0).permutation(len(digits))
    network = train_classifier(digits[order[:4000]], labels[order[:4000]])
    assert accuracy(network, digits[order[4000:]], labels[order[4000:]]) > 0.975


def test_the_same_seed_gives_the_same_network() -> None:
    generator = np.random.default_rng(0)
    levels, labels = generator.integers(0, 256, (40, 9, 9, 3), np.uint8), generator.integers(0, 2, 40)
    first, again, other = (train_classifier(levels, labels, epochs=1, seed=seed) for seed in (0, 0, 1))
    images = noise(3, 9)
    assert torch.equal(first(images).logits, again(images).logits)
    assert not torch.allclose(first(images).logits, other(images).logits)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    train_classifier(levels, labels, epochs=1)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("size", "channels", "asked", "side_px"),
    [((5, 9), 3, None, 9), ((6, 4), 1, None, 8), ((90, 70), 3, None, 64), ((20, 30), 1, 17, 17), ((16, 16), 3, 40, 40)],
)
def test_pictures_of_any_size_and_colour_are_taken(
    size: tuple[int, int], channels: int, asked: int | None, side_px: int
) -> None:
    """Dark and bright pictures, so that there is something to tell apart."""
    labels = np.arange(40) % 2
    levels = np.random.default_rng(0).integers(0, 120, (40, *size, channels), np.uint8)
    levels += (120 * labels[:, None, None, None]).astype(np.uint8)
    network = train_classifier(levels, labels, side_px=asked, dim=7)
    assert network.side_px == side_px
    assert network(noise(2, side_px)).features.shape == (2, 7)
    dark = 0.3 * noise(1, side_px) - 0.53
    assert network(torch.cat([dark, dark + 0.94])).logits.argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("levels", "labels", "words"),
    [
        (np.zeros((4, 8, 8), np.uint8), np.arange(4), "8-bit pictures"),
        (np.zeros((4, 8, 8, 4), np.uint8), np.arange(4), "grey or RGB"),
        (np.zeros((4, 8, 8, 3), np.float32), np.arange(4), "not from float32"),
        (np.zeros((0, 8, 8, 3), np.uint8), np.arange(0), "not from uint8"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.arange(5), "as many labels"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4), "whole numbers, not float64"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4, int), "two or more"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, -1, 2]), "from -1 to 2"),
        (np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 1, 2, 10**9]), "to 1000000000"),
    ],
)
def test_what_cannot_be_learned_is_refused(levels: Any, labels: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        train_classifier(levels, labels)


@pytest.mark.parametrize("side_px", [8, 12, 28, 70])
def test_a_file_brings_back_the_network(tmp_path: Path, side_px: int) -> None:
    network = shaken(Classifier(side_px, 3, 5))
    save_classifier(tmp_path / "c.safetensors", network)
    loaded = load_classifier(tmp_path / "c.safetensors")
    images = noise(2, side_px)
    with torch.no_grad():
        assert torch.equal(loaded(images).logits, network(images).logits)
    assert (loaded.side_px, loaded.classes, loaded.dim) == (side_px, 3, 5)
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def described(path: Path, description: str, form: str = FORMAT) -> Path:
    """A good file that describes itself otherwise."""
    save_classifier(path, shaken(Classifier(**GOOD)))
    save_file(load_file(path), path, metadata={"format": form, "classifier": description})
    return path


@pytest.mark.parametrize(
    "description",
    ["", "no JSON", "[]", "{}", "[" * 5000, json.dumps(GOOD | {"extra": 1}), json.dumps(GOOD)[:-1]],
)
def test_a_damaged_description_is_refused(tmp_path: Path, description: str) -> None:
    with pytest.raises(FileError, match="is damaged"):
        load_classifier(described(tmp_path / "c.safetensors", description))


@pytest.mark.parametrize("change", [{"side_px": 7}, {"side_px": 10**9}, {"classes": 1}, {"dim": 0}, {"dim": 10**12}])
@pytest.mark.parametrize("kind", [int, str, float])
def test_shapes_beyond_the_limits_are_refused(tmp_path: Path, change: dict[str, int], kind: type) -> None:
    wrong = {name: kind(value) for name, value in change.items()}
    with pytest.raises(FileError, match=f"with {next(iter(change))}"):
        load_classifier(described(tmp_path / "c.safetensors", json.dumps(GOOD | wrong)))


@pytest.mark.parametrize("dim", [5.0, True, "5", None, [5]])
def test_a_number_is_a_whole_number(tmp_path: Path, dim: object) -> None:
    with pytest.raises(FileError, match="with dim"):
        load_classifier(described(tmp_path / "c.safetensors", json.dumps(GOOD | {"dim": dim})))


@pytest.mark.parametrize("change", [{"side_px": 70}, {"classes": 4}, {"dim": 4096}])
def test_a_description_of_other_weights_is_refused(tmp_path: Path, change: dict[str, int]) -> None:
    with pytest.raises(FileError, match="does not hold the classifier that it describes"):
        load_classifier(described(tmp_path / "c.safetensors", json.dumps(GOOD | change)))


def test_a_good_description_passes(tmp_path: Path) -> None:
    assert load_classifier(described(tmp_path / "c.safetensors", json.dumps(GOOD))).classes == 3


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    with pytest.raises(FileError, match="no classifier file"):
        load_classifier(path)
    with pytest.raises(FileError, match="not a ganvas classifier"):
        load_classifier(described(path, json.dumps(GOOD), "another"))
    whole = described(path, json.dumps(GOOD)).read_bytes()
    for content in (b"", b"nothing", whole[:100], whole[:-4], b"\xff" * 8 + whole[8:]):
        path.write_bytes(content)
        with pytest.raises(FileError, match="not a readable safetensors file"):
            load_classifier(path)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    network = shaken(Classifier(**GOOD))
    with torch.no_grad():
        network.head.bias[1] = value
    save_classifier(tmp_path / "c.safetensors", network)
    with pytest.raises(FileError, match="not finite"):
        load_classifier(tmp_path / "c.safetensors")


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    save_classifier(tmp_path / "c.safetensors", shaken(Classifier(**GOOD)).half())
    with pytest.raises(FileError, match="float16"):
        load_classifier(tmp_path / "c.safetensors")


def test_levels_are_read_as_they_were_learned() -> None:
    network = shaken(Classifier(9, 4, 5))
    generator = np.random.default_rng(0)
    levels = generator.integers(0, 256, (6, 9, 9, 3), np.uint8)
    images = torch.from_numpy(levels.transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1
    with torch.no_grad():
        wanted = network(images).logits
    got = read_levels(network, levels)
    torch.testing.assert_close(got, wanted)
    assert not got.requires_grad
    for row in range(6):
        torch.testing.assert_close(read_levels(network, levels[row : row + 1]), wanted[row : row + 1])
    grey = levels[..., :1]
    torch.testing.assert_close(read_levels(network, grey), read_levels(network, np.repeat(grey, 3, 3)))


def test_levels_of_another_size_are_resized() -> None:
    """A flat picture stays the same at any size; one that is not flat keeps what is large."""
    network = shaken(Classifier(9, 4, 5))
    flat = [np.full((1, *size, 3), 77, np.uint8) for size in ((9, 9), (30, 20), (3, 5))]
    for other in flat[1:]:
        torch.testing.assert_close(read_levels(network, other), read_levels(network, flat[0]), rtol=1e-3, atol=1e-3)
    small = np.random.default_rng(0).integers(0, 256, (1, 9, 9, 3), np.uint8)
    large = np.array(Image.fromarray(small[0]).resize((36, 36), Image.Resampling.BICUBIC))[None]
    near = read_levels(network, large) - read_levels(network, small)
    apart = read_levels(network, small[:, ::-1].copy()) - read_levels(network, small)
    assert float(near.norm()) < 0.5 * float(apart.norm())
