from pathlib import Path

import numpy as np
import pytest

from ganvas.data import pack as pack_module
from ganvas.data.pack import too_many_unreadable
from ganvas.data.source import Source, read_item
from ganvas.errors import DataError, FileError
from tests.data.packer import SIZE, Packer
from tests.data.pictures import (
    encoded,
    noise,
    write_folder,
    write_zip,
)


def with_bad(total: int, bad: int) -> dict[str, bytes]:
    good = encoded(noise(0, *SIZE))
    return {f"{row:03d}.png": b"not a picture" if row < bad else good for row in range(total)}


def test_unreadable_pictures_are_listed_and_left_out(tmp_path: Path, packer: Packer) -> None:
    files = {f"{'ab'[row % 2]}/{row:02d}.png": encoded(noise(row, *SIZE)) for row in range(40)}
    files["a/04.png"] = files["a/04.png"][:100]
    files["b/09.png"] = b""
    for path in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "z", files)):
        dataset = packer(path)
        assert [name for name, _ in dataset.unreadable] == ["a/04.png", "b/09.png"]
        assert all(name in reason for name, reason in dataset.unreadable)
        assert len(dataset) == len(dataset.names) == len(dataset.labels.values) == 38
        for name, image, label in zip(dataset.names, dataset.images, dataset.labels.values, strict=True):
            np.testing.assert_array_equal(image, noise(int(name[2:4]), *SIZE))
            assert dataset.labels.names[label] == name[0]
    again = packer(tmp_path / "x")
    assert not packer.packed
    assert again.unreadable == dataset.unreadable


@pytest.mark.parametrize(("total", "bad"), [(20, 1), (100, 5), (19, 0)])
def test_five_in_a_hundred_may_be_unreadable(tmp_path: Path, packer: Packer, total: int, bad: int) -> None:
    dataset = packer(write_folder(tmp_path / "x", with_bad(total, bad)))
    assert (len(dataset), len(dataset.unreadable)) == (total - bad, bad)


@pytest.mark.parametrize(("total", "bad"), [(19, 1), (100, 6), (3, 3)])
def test_more_are_refused(tmp_path: Path, packer: Packer, total: int, bad: int) -> None:
    write_folder(tmp_path / "x", with_bad(total, bad))
    with pytest.raises(DataError, match=rf"{bad} of {total} pictures .*'000\.png'.*5 %.*ganvas check") as caught:
        packer(tmp_path / "x")
    assert "\n" not in str(caught.value)
    assert packer.entries() == []


def test_the_border_is_exact() -> None:
    for listed in range(1, 5000):
        allowed = listed // 20
        assert not too_many_unreadable(allowed, listed)
        assert too_many_unreadable(allowed + 1, listed)


def test_a_failing_disk_is_not_remembered(tmp_path: Path, packer: Packer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read once may be read the next time, though neither name, size nor time changes."""

    def failing(source: Source, row: int) -> object:
        if row == 3:
            raise FileError("the network is away")
        return read_item(source, row)

    write_folder(tmp_path / "x", with_bad(40, 0))
    with monkeypatch.context() as patch:
        patch.setattr(pack_module, "read_item", failing)
        assert packer(tmp_path / "x").unreadable == (("003.png", "the network is away"),)
    assert packer(tmp_path / "x").unreadable == ()
