import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from ganvas.data import duplicates
from ganvas.data.duplicates import CHROMA_FREQUENCIES, LUMA_FREQUENCIES, copies, describe, lookalikes
from tests.data.pictures import encoded, scene

Picture = NDArray[np.uint8]
SCENES = [scene(seed) for seed in range(60)]


def recompressed(picture: Picture) -> Picture:
    return np.asarray(Image.open(io.BytesIO(encoded(picture, "JPEG", quality=40))))


def halved(picture: Picture) -> Picture:
    image = Image.fromarray(picture)
    return np.asarray(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS))


def brightened(picture: Picture) -> Picture:
    return np.asarray(np.clip(picture * 1.08, 0, 255), np.uint8)


def trimmed(picture: Picture) -> Picture:
    height, width, _ = picture.shape
    return picture[height // 100 : height - height // 100, width // 100 : width - width // 100]


def found(pictures: list[Picture]) -> list[list[int]]:
    return lookalikes(np.stack([describe(picture) for picture in pictures]))


@pytest.mark.parametrize("change", [recompressed, halved, brightened, trimmed])
def test_planted_lookalikes_are_found_and_no_others(change: Callable[[Picture], Picture]) -> None:
    planted = [change(picture) for picture in SCENES[:20]]
    groups = found(SCENES + planted)
    assert groups == [[row, 60 + row] for row in range(20)]


def test_different_pictures_are_told_apart() -> None:
    assert found(SCENES) == []


def test_the_same_shapes_in_other_colours_are_told_apart() -> None:
    recoloured = [picture[..., ::-1] for picture in SCENES[:20]]
    assert found(SCENES + recoloured) == []


def test_a_set_that_hardly_varies_is_all_alike() -> None:
    rng = np.random.default_rng(0)
    frames = [np.clip(SCENES[0] + rng.integers(-3, 4, SCENES[0].shape), 0, 255).astype(np.uint8) for _ in range(30)]
    assert found(frames) == [list(range(30))]


def test_grey_pictures_and_16_bits_are_compared_too() -> None:
    grey = [picture[..., :1] for picture in SCENES]
    deep = [picture.astype(np.uint16) * 257 for picture in grey[:5]]
    described = np.stack([describe(picture) for picture in grey + deep])
    assert lookalikes(described) == [[row, 60 + row] for row in range(5)]


def test_a_descriptor_holds_the_low_frequencies() -> None:
    picture = scene(3, 32, 32)
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    planes = np.moveaxis(picture @ matrix.T, 2, 0)
    kept = (LUMA_FREQUENCIES, CHROMA_FREQUENCIES, CHROMA_FREQUENCIES)
    expected = [dctn(plane, norm="ortho")[:few, :few].ravel() for plane, few in zip(planes, kept, strict=True)]
    np.testing.assert_allclose(describe(picture), np.concatenate(expected), rtol=1e-3, atol=0.05)


def slowly(descriptors: NDArray[np.float32]) -> list[list[int]]:
    """The definition, pair by pair."""
    spread = np.sqrt(descriptors.astype(float).var(0) + duplicates.NOISE_LEVELS**2)
    points = (descriptors - descriptors.astype(float).mean(0)) / spread
    groups: list[list[int]] = []
    taken: set[int] = set()
    for row, a in enumerate(points):
        if row in taken:
            continue
        common = duplicates.COMMON**2
        likeness = [2 * (a @ b + common) / (a @ a + b @ b + 2 * common) for b in points]
        group = [
            other for other in range(row, len(points)) if other not in taken and likeness[other] >= duplicates.ALIKE
        ]
        taken.update(group)
        groups.append(group)
    return [group for group in groups if len(group) > 1]


def test_blocks_and_tiles_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(12, 20)) * 300
    descriptors = (centres[rng.integers(0, 12, 150)] + rng.normal(size=(150, 20)) * 60).astype(np.float32)
    expected = slowly(descriptors)
    assert len(expected) > 12  # the spread is wide enough for several groups a centre
    for block, tile in ((512, 2048), (7, 13), (1, 1), (150, 4)):
        monkeypatch.setattr(duplicates, "BLOCK", block)
        monkeypatch.setattr(duplicates, "TILE", tile)
        assert lookalikes(descriptors) == expected


def test_a_slow_change_is_no_chain() -> None:
    steps = [
        np.asarray(Image.blend(Image.fromarray(SCENES[0]), Image.fromarray(SCENES[1]), share))
        for share in np.linspace(0, 1, 40)
    ]
    groups = found(SCENES[2:] + steps)
    assert len(groups) > 1
    assert not any({58, 97} <= set(group) for group in groups)


def test_copies() -> None:
    assert copies([b"a", b"b", b"a", b"c", b"b", b"a"]) == [[0, 2, 5], [1, 4]]
    assert copies([]) == []
