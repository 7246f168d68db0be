from math import inf, log10
from pathlib import Path

import numpy as np
import pytest
import torch

from ganvas.errors import DataError, UnknownName, UsageError
from ganvas.image.decode import decode
from ganvas.metric.pairs.psnr import Pictures, comparable, psnr
from ganvas.tensors import Levels

PICTURES = Path(__file__).parents[1] / "data" / "pictures"


def drawing(name: str = "5-large-q90.jpg") -> Levels:
    return decode((PICTURES / name).read_bytes(), name)[None]


def noisy(picture: Levels, spread: float, seed: int = 0) -> Levels:
    noise = np.random.default_rng(seed).normal(0, spread, picture.shape)
    return (picture + noise).clip(0, 255).round().astype(np.uint8)


def as_in_words(a: Levels, b: Levels, border_px: int, luma: bool) -> float:
    """The definition in plain Python, pixel by pixel."""
    height, width = a.shape[:2]
    total, count = 0.0, 0
    for y in range(border_px, height - border_px):
        for x in range(border_px, width - border_px):
            first, second = a[y, x].tolist(), b[y, x].tolist()
            if luma:
                first, second = [brightness(first)], [brightness(second)]
            total += sum((one - other) ** 2 for one, other in zip(first, second, strict=True))
            count += len(first)
    return 10 * log10(255**2 / (total / count))


def brightness(pixel: list[int]) -> float:
    red, green, blue = (pixel * 3)[:3] if len(pixel) == 1 else pixel
    return 16 + 65.481 * red / 255 + 128.553 * green / 255 + 24.966 * blue / 255


@pytest.mark.parametrize("border_px", [0, 1, 4])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("luma", [False, True])
def test_psnr_equals_its_definition(border_px: int, channels: int, luma: bool) -> None:
    rng = np.random.default_rng(border_px)
    a, b = rng.integers(0, 256, (2, 3, 13, 10, channels), dtype=np.uint8)
    found = psnr(a, b, border_px=border_px, channel="y" if luma else "rgb")
    assert found.dtype == torch.float64
    expected = [as_in_words(*pair, border_px, luma) for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("pixel", "luma"),
    [
        ((0, 0, 0), 16.0),
        ((255, 255, 255), 235.0),
        ((255, 0, 0), 81.481),  # colour bars of Rec. 601: 81, 145 and 41
        ((0, 255, 0), 144.553),
        ((0, 0, 255), 40.966),
    ],
)
def test_luma_of_known_colours(pixel: tuple[int, int, int], luma: float) -> None:
    picture = np.full((1, 2, 2, 3), pixel, np.uint8)
    found, _ = comparable(picture, picture, 0, "y")
    np.testing.assert_allclose(found, np.full((1, 1, 2, 2), luma), rtol=1e-12)


def test_one_level_everywhere_is_48_db_and_luma_is_softer() -> None:
    picture = np.full((1, 8, 8, 3), 100, np.uint8)
    assert float(psnr(picture, picture + 1)) == pytest.approx(20 * log10(255), rel=1e-12)
    assert float(psnr(picture, picture + 1, channel="y")) == pytest.approx(20 * log10(255 * 255 / 219), rel=1e-12)


def test_equal_pictures_are_infinitely_near_and_order_does_not_matter() -> None:
    picture = drawing()
    both = np.concatenate([picture, picture])
    other = np.concatenate([picture, noisy(picture, 9)])
    assert psnr(both, other)[0] == inf
    assert psnr(both, other)[1] < 40
    assert torch.equal(psnr(both, other), psnr(other, both))


@pytest.mark.parametrize("name", ["0-64.png", "5-large-q90.jpg", "6-grey.png"])
def test_more_noise_is_less_alike(name: str) -> None:
    picture = drawing(name)
    series = torch.cat([psnr(picture, noisy(picture, spread)) for spread in (1, 3, 9, 27, 81)])
    assert (series.diff() < -3).all()


def test_changes_in_the_border_do_not_count() -> None:
    picture = drawing("0-64.png")
    framed = picture.copy()
    framed[:, :2] ^= 255
    framed[:, :, -2:] ^= 255
    assert psnr(picture, framed) < 20
    assert psnr(picture, framed, border_px=2) == inf
    assert psnr(picture, framed, border_px=1) < 30


def test_floats_are_levels_too() -> None:
    picture, other = drawing(), noisy(drawing(), 5)
    expected = psnr(picture, other)
    assert torch.equal(psnr(picture.astype(np.float32), other.astype(np.float64)), expected)


@pytest.mark.parametrize("size", [(64, 64), (61, 47)])
def test_psnr_equals_scikit_image(size: tuple[int, int]) -> None:
    scikit = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    picture = drawing("0-64.png" if size == (64, 64) else "4-odd-q75.jpg")
    other = noisy(picture, 12)
    expected = scikit.peak_signal_noise_ratio(picture[0], other[0], data_range=255)
    assert float(psnr(picture, other)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 9, 3))),
        (np.zeros((1, 8, 8, 3)), np.zeros((2, 8, 8, 3))),
        (np.zeros((8, 8, 3)), np.zeros((8, 8, 3))),
        (np.zeros((1, 8, 8, 4)), np.zeros((1, 8, 8, 4))),
        (np.zeros((0, 8, 8, 3)), np.zeros((0, 8, 8, 3))),
    ],
)
def test_what_cannot_be_paired_is_refused(a: Pictures, b: Pictures) -> None:
    with pytest.raises(UsageError, match=r"cannot be compared; give two sets \(N, H, W, C\) of one shape"):
        psnr(a, b)


@pytest.mark.parametrize("border_px", [-1, 4, 100])
def test_a_border_that_leaves_nothing_is_refused(border_px: int) -> None:
    picture = np.zeros((1, 8, 12, 3), np.uint8)
    with pytest.raises(UsageError, match=r"leaves nothing of pictures of 12 x 8 px; give one from 0 to 3 px\."):
        psnr(picture, picture, border_px=border_px)


@pytest.mark.parametrize("level", [np.nan, -0.5, 255.5, np.inf])
def test_numbers_that_are_no_levels_are_refused(level: float) -> None:
    picture = np.zeros((1, 8, 8, 3))
    wrong = picture.copy()
    wrong[0, 3, 3, 1] = level
    with pytest.raises(DataError, match=r"cannot be compared; pictures must have numbers from 0 to 255\."):
        psnr(picture, wrong)


def test_an_unknown_channel_is_refused() -> None:
    picture = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(UnknownName, match=r"There is no channel 'luma'\. Choose from: rgb, y\."):
        psnr(picture, picture, channel="luma")  # type: ignore[arg-type]
