from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ganvas.data.source import open_source
from ganvas.data.survey import Survey, quantile, survey
from ganvas.errors import DataError
from tests.data.pictures import encoded, noise, write_folder, write_npy, write_zip

FILES = {
    "a.png": encoded(noise(0, 10, 20)),
    "b.jpg": encoded(noise(1, 10, 20), "JPEG"),
    "c.png": encoded(noise(2, 30, 20, 4)),
    "d.png": encoded(noise(3, 10, 20, 1).astype(np.uint16) * 257),
    "e.png": b"no picture",
    "f.png": encoded(noise(4))[:20],
}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_counts_what_headers_say(tmp_path: Path, kind: str) -> None:
    path = (write_folder if kind == "folder" else write_zip)(tmp_path / "x", FILES)
    calls: list[tuple[int, int]] = []
    found = survey(open_source(path), lambda done, total: calls.append((done, total)))
    assert found.sizes == {(10, 20): 3, (30, 20): 1}
    assert list(found.sizes) == [(10, 20), (30, 20)]
    assert found.channels == {3: 2, 4: 1, 1: 1}
    assert found.bit_depths == {8: 3, 16: 1}
    assert found.formats == {"PNG": 3, "JPEG": 1}
    assert [name for name, _ in found.unreadable] == ["e.png", "f.png"]
    assert all(name in reason for name, reason in found.unreadable)
    assert (found.readable, found.listed) == (4, 6)
    assert calls == [(done, 6) for done in range(1, 7)]


def test_pixels_are_not_decoded(tmp_path: Path) -> None:
    broken = encoded(noise(0, 64, 64))
    found = survey(open_source(write_folder(tmp_path, {"a.png": broken[:200]})))
    assert found.sizes == {(64, 64): 1}


def test_all_pictures_of_an_array_are_alike(tmp_path: Path) -> None:
    found = survey(open_source(write_npy(tmp_path / "x.npy", np.zeros((70_000, 3, 2), np.uint8))))
    assert found == Survey({(3, 2): 70_000}, {1: 70_000}, {8: 70_000}, {"npy": 70_000})


def test_nothing_readable(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"None of the 1 pictures.*e\.png"):
        survey(open_source(write_folder(tmp_path, {"e.png": b"-"})))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_quantile(share: float) -> None:
    values = np.random.default_rng(0).integers(0, 30, 501)
    expected = np.quantile(values, share, method="inverted_cdf")
    assert quantile(Counter(values.tolist()), share) == expected


def sizes(counts: dict[tuple[int, int], int]) -> Survey:
    return Survey(counts, {3: sum(counts.values())}, {8: sum(counts.values())}, {})


def test_median_size() -> None:
    assert sizes({(10, 100): 2, (20, 50): 2, (30, 75): 1}).median_size() == (20, 75)


@pytest.mark.parametrize(
    ("counts", "longest_px", "expected"),
    [
        ({(28, 28): 60_000}, 256, (28, 28)),  # one size, small: as it is
        ({(48, 80): 10}, 256, (48, 80)),
        ({(512, 512): 10}, 256, (256, 256)),
        ({(512, 512): 10}, 64, (64, 64)),
        ({(300, 300): 9, (100, 100): 1}, 256, (64, 64)),  # nine in ten reach it
        ({(300, 300): 91, (100, 100): 9}, 256, (256, 256)),
        ({(1080, 1920): 5, (1080, 1919): 5}, 256, (128, 224)),
        ({(1920, 1080): 5, (1919, 1080): 5}, 256, (224, 128)),
        ({(1000, 1040): 5, (1000, 1050): 5}, 256, (256, 256)),  # nearly square is square
        ({(100, 5000): 5, (100, 4000): 5}, 256, (8, 256)),
        ({(3, 4): 5, (4, 3): 5}, 256, (8, 8)),
        ({(16, 1100): 5, (16, 1000): 5}, 64, (8, 64)),  # a shape of which one side can only be too short
        ({(1, 60_000): 5, (2, 60_000): 5}, 64, (8, 64)),
        ({(60_000, 1): 1}, 64, (64, 8)),
    ],
)
def test_suggested_size(counts: dict[tuple[int, int], int], longest_px: int, expected: tuple[int, int]) -> None:
    assert sizes(counts).suggested_size(longest_px) == expected
