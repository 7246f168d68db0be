import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganvas.data.duplicates import describe, lookalikes, thumbnail
from ganvas.errors import DataError
from ganvas.metric import copies
from ganvas.metric.copies import find_copies
from ganvas.metric.memorised import find_near_reals, most_suspicious
from ganvas.network.features.random import random_features
from tests.data.pictures import encoded, scene
from tests.training.conftest import Clothes

Picture = NDArray[np.uint8]
Change = Callable[[Picture, np.random.Generator], Picture]


def as_image(picture: Picture) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)


def flip(picture: Picture, rng: np.random.Generator) -> Picture:
    return picture[:, ::-1]


def crop(picture: Picture, rng: np.random.Generator) -> Picture:
    height, width, _ = picture.shape
    top, left = 0.1 * height * rng.random(), 0.1 * width * rng.random()
    box = (left, top, left + 0.9 * width, top + 0.9 * height)
    return np.array(as_image(picture).resize((width, height), Image.Resampling.BICUBIC, box)).reshape(picture.shape)


def recompressed(picture: Picture, rng: np.random.Generator) -> Picture:
    kind = ("JPEG", "WEBP")[rng.integers(2)]
    image = Image.open(io.BytesIO(encoded(picture, kind, quality=int(rng.integers(40, 80)))))
    return np.array(image.convert("L" if picture.shape[2] == 1 else "RGB")).reshape(picture.shape)


def shift(picture: Picture, rng: np.random.Generator) -> Picture:
    most = max(1, picture.shape[0] // 20)
    down, right = rng.permutation([most, -most, 0])[:2]
    padded = np.pad(picture, ((most, most), (most, most), (0, 0)), mode="edge")
    return padded[most + down :, most + right :][: picture.shape[0], : picture.shape[1]]


def brightness(picture: Picture, rng: np.random.Generator) -> Picture:
    gain = (0.8, 0.9, 1.1, 1.2)[rng.integers(4)]
    return np.asarray(np.clip(picture * gain, 0, 255).round(), np.uint8)


CHANGES: dict[str, tuple[Change, float]] = {
    "exact": (lambda picture, rng: picture.copy(), 1.0),
    "flip": (flip, 0.97),
    "crop": (crop, 0.85),
    "recompressed": (recompressed, 0.95),
    "shift": (shift, 0.75),
    "brightness": (brightness, 0.95),
    "flip, crop": (lambda picture, rng: crop(flip(picture, rng), rng), 0.8),
}
"""What may be done to a picture, and the least share of the copies of clothes that must be found."""


def levels(clothes: Clothes, rows: Tensor) -> Picture:
    return ((clothes.images[rows] + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def test_planted_copies_of_clothes_are_found_among_honest_ones(clothes: Clothes) -> None:
    rng = np.random.default_rng(0)
    order = torch.randperm(len(clothes.images), generator=torch.Generator().manual_seed(0))
    reals, honest = levels(clothes, order[:1200]), levels(clothes, order[1200:1400])
    fakes, planted = list(honest), []
    for kind, (change, _) in CHANGES.items():
        for real in rng.permutation(len(reals))[:20]:
            planted.append((len(fakes), int(real), kind))
            fakes.append(change(reals[real], rng))
    found = {copy.fake: copy for copy in find_copies(fakes, reals)}
    assert sum(fake < len(honest) for fake in found) <= 2
    for kind, (_, least) in CHANGES.items():
        hits = [found[fake] for fake, real, of in planted if of == kind and fake in found and found[fake].real == real]
        assert len(hits) >= least * 20, kind
        assert sum(copy.kind == kind for copy in hits) >= 0.7 * len(hits), kind
        assert all(0.9 < copy.likeness <= 1 for copy in hits)
    assert list(found) == sorted(found)


def test_copies_of_coloured_pictures_of_any_size_are_found() -> None:
    rng = np.random.default_rng(0)
    reals = [scene(seed, 60 + seed, 100) for seed in range(40)]
    honest = [scene(seed, 60, 100) for seed in range(100, 130)]
    planted = [change(reals[number], rng) for number, (change, _) in enumerate(CHANGES.values())]
    halved = as_image(reals[20]).resize((50, 40), Image.Resampling.LANCZOS)
    transparent = np.concatenate([reals[21], np.full((*reals[21].shape[:2], 1), 255, np.uint8)], axis=2)
    found = find_copies(iter([*honest, *planted, np.array(halved), transparent]), reals)
    assert [copy.real for copy in found] == [*range(len(planted)), 20, 21]
    assert [copy.fake for copy in found] == list(range(30, 32 + len(planted)))
    assert [copy.kind for copy in found] == [*CHANGES, "recompressed", "exact"]


def test_thumbnails_are_all_that_is_looked_at() -> None:
    reals = [scene(seed) for seed in range(20)]
    fakes = [*(scene(seed) for seed in range(50, 60)), reals[3][:, ::-1], crop(reals[4], np.random.default_rng(0))]
    small = np.stack([thumbnail(fake) for fake in fakes])
    assert small.shape == (12, 32, 32, 3)
    assert find_copies(small, np.stack([thumbnail(real) for real in reals])) == find_copies(fakes, reals)


def test_other_colours_are_no_copy() -> None:
    reals = [scene(seed) for seed in range(6)]  # so few that all are candidates
    assert find_copies([reals[3][..., ::-1], 255 - reals[4]], reals) == []


def test_copies_of_a_picture_that_the_reals_hold_often_are_found() -> None:
    reals = [scene(seed) for seed in range(20)] + [scene(3)] * 12
    saved = np.array(Image.open(io.BytesIO(encoded(scene(3), "JPEG", quality=90))))
    found = find_copies([scene(3), scene(3)[:, ::-1], saved, scene(70)], reals)
    assert [(copy.fake, copy.kind) for copy in found] == [(0, "exact"), (1, "flip"), (2, "recompressed")]


def test_blank_pictures_are_no_copies() -> None:
    blank = np.full((40, 40, 3), 200, np.uint8)
    assert find_copies([blank, scene(1)], [blank, scene(2), scene(3)]) == []


def test_one_real_is_enough_to_copy() -> None:
    assert [copy.kind for copy in find_copies([scene(1), scene(2)], [scene(1)])] == ["exact"]
    with pytest.raises(DataError, match=r"^There are no reals to look for copies among; give one or more\.$"):
        find_copies([scene(1)], [])
    with pytest.raises(DataError, match="no fakes"):
        find_copies([], [scene(1)])


def test_blocks_of_fakes_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    reals = [scene(seed) for seed in range(20)]
    fakes = [reals[number][:, ::-1] for number in range(11)]
    expected = find_copies(fakes, reals)
    assert len(expected) == 11
    monkeypatch.setattr(copies, "ROWS", 4)
    found = find_copies(fakes, reals)
    assert [(copy.fake, copy.real, copy.kind) for copy in found] == [(c.fake, c.real, c.kind) for c in expected]


def warped(pictures: Tensor, warp: tuple[float, float, float, float]) -> Tensor:
    scale, offset = torch.tensor(warp).split(2)
    down, across = copies._weights(scale, offset)
    shown: Tensor = down @ pictures.float() @ across.T
    return shown


def test_a_view_is_described_as_the_warped_picture_is() -> None:
    small = torch.from_numpy(np.stack([thumbnail(scene(seed)) for seed in range(6)])).permute(0, 3, 1, 2)
    for warp in copies._starts():
        levels = warped(small, warp).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
        expected = np.stack([describe(picture) for picture in levels])
        rounding = np.abs(copies._described(small, warp).numpy() - expected)
        assert rounding.max() < 20, "of several thousand"
        assert np.median(rounding) < 1
    unwarped = copies._described(small).numpy()
    assert np.abs(unwarped - np.stack([describe(scene(seed)) for seed in range(6)])).max() < 0.01


def test_a_warp_samples_between_pixels() -> None:
    """Against a picture known in closed form."""
    c = (np.arange(32) + 0.5) / 16 - 1
    colours = np.array([0.5, 0.7, 1.0])[:, None, None]

    def wave(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(colours * (128 + 60 * np.cos(2 * y + 0.3)[:, None] + 50 * np.sin(3 * x)[None]))

    for warp in ((0.9, 1.0, 0.05, -0.1), (1.0, 0.9, 0.1, 0.1), (0.95, 1.05, -0.02, 0.0)):
        y, x = (scale * c + offset for scale, offset in zip(warp[:2], warp[2:], strict=True))
        shown = warped(torch.from_numpy(wave(c, c))[None], warp)[0].numpy()
        inside = (np.abs(y) < 0.9)[:, None] & (np.abs(x) < 0.9)
        assert np.abs(shown - wave(y, x))[:, inside].max() < 0.6


def test_alignment_finds_warp_and_gain_and_takes_no_negative() -> None:
    smooth = [as_image(scene(seed)).resize((6, 6)).resize((32, 32)) for seed in range(4)]
    small = torch.from_numpy(np.stack([np.array(image) for image in smooth])).permute(0, 3, 1, 2)
    warp = (0.94, 0.97, 0.03, -0.02)
    moved = warped(0.75 * small.float() + 20, warp).round().byte()
    found = copies._aligned(moved, small, torch.zeros(4, dtype=torch.int64))
    torch.testing.assert_close(found.warp, torch.tensor(warp).expand(4, 4), rtol=0, atol=0.01)
    torch.testing.assert_close(found.gain, torch.full((4,), 0.75), rtol=0, atol=0.01)
    assert found.unexplained.max() < 0.01
    negative = copies._aligned(255 - small, small, torch.zeros(4, dtype=torch.int64))
    assert negative.unexplained.min() > 0.5


def test_near_duplicates_on_either_side_are_groups_of_lookalikes() -> None:
    rng = np.random.default_rng(0)
    pictures = [scene(seed) for seed in range(30)]
    described = np.stack([describe(picture) for picture in [*pictures, recompressed(pictures[4], rng)]])
    assert lookalikes(described) == [[4, 30]]


def test_suspicion_and_copies_agree_on_clothes(clothes: Clothes) -> None:
    order = torch.randperm(len(clothes.images), generator=torch.Generator().manual_seed(1))
    reals, fakes = order[:600], order[600:700].clone()
    fakes[::20] = reals[:5]
    seen = {name: random_features(clothes.images[rows]) for name, rows in (("fakes", fakes), ("reals", reals))}
    suspects = most_suspicious(find_near_reals(seen["fakes"], seen["reals"]), 5)
    found = find_copies(levels(clothes, fakes), levels(clothes, reals))
    assert sorted((fake, real) for fake, real, _ in suspects) == [(0, 0), (20, 1), (40, 2), (60, 3), (80, 4)]
    assert {(copy.fake, copy.real) for copy in found} >= {(fake, real) for fake, real, _ in suspects}
