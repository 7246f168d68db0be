from pathlib import Path

import numpy as np
import pytest

from ganvas.data.item import Unreadable
from ganvas.data.labels import no_labels
from ganvas.data.pack import Form, pack
from ganvas.data.source import open_source
from ganvas.errors import FileError
from ganvas.metric.pictures import FilePictures, PackedPictures, Picture
from tests.data.pictures import encoded, noise, write_folder, write_npy, write_zip
from tests.runs import picture


def files(path: Path) -> FilePictures:
    return FilePictures(open_source(path), "key")


def itself(picture: Picture) -> Picture:
    return picture


def test_each_picture_is_as_its_file_holds_it(tmp_path: Path) -> None:
    """Sizes, channels and depths of their own, in the order of the names."""
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 1), np.uint16)
    arrays = {"c.png": noise(0, 9, 4, 1), "a.png": noise(1, 6, 8, 3), "b.png": noise(2, 3, 5, 4)}
    folder = write_folder(tmp_path, {name: encoded(array) for name, array in arrays.items()})
    write_folder(folder, {"d.png": encoded(deep)})
    found = files(folder)
    assert found.names == ("a.png", "b.png", "c.png", "d.png")
    for row, (name, levels) in enumerate(zip(found.names, found.each(itself), strict=True)):
        assert not isinstance(levels, Unreadable)
        assert levels.dtype == np.uint8
        np.testing.assert_array_equal(levels, found.read(row))
        if name != "d.png":
            np.testing.assert_array_equal(levels, arrays[name])
    np.testing.assert_allclose(found.read(3), deep / 257, atol=0.51)


def test_where_pictures_lie_does_not_matter(tmp_path: Path) -> None:
    arrays = [noise(seed, 4, 6) for seed in range(12)]
    named = {f"{row:02d}.png": encoded(array) for row, array in enumerate(arrays)}
    places = [
        write_folder(tmp_path / "folder", named),
        write_zip(tmp_path / "x.zip", named),
        write_npy(tmp_path / "x.npy", np.stack(arrays)),
    ]
    for place in places:
        for array, levels in zip(arrays, files(place).each(itself), strict=True):
            assert not isinstance(levels, Unreadable)
            np.testing.assert_array_equal(levels, array)


def test_what_cannot_be_read_keeps_its_place(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {f"{row}.png": picture(row) for row in range(5)})
    write_folder(folder, {"1.png": picture(1)[:60], "3.png": b"no picture"})
    found = list(files(folder).each(lambda levels: levels.shape))
    assert [isinstance(one, Unreadable) for one in found] == [False, True, False, True, False]
    lost = found[1]
    assert isinstance(lost, Unreadable)
    assert lost.name == "1.png"
    assert "'1.png'" in lost.reason
    with pytest.raises(FileError, match=r"3\.png"):
        files(folder).read(3)


def test_a_mistake_in_the_work_is_no_unreadable_picture(tmp_path: Path) -> None:
    def broken(levels: Picture) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(files(write_folder(tmp_path, {"1.png": picture(1)})).each(broken))


def test_packed_pictures_and_some_of_them(tmp_path: Path) -> None:
    source = open_source(write_folder(tmp_path / "x", {f"{row:02d}.png": picture(row, 8, 12) for row in range(9)}))
    dataset = pack(source, Form((4, 6), 1, "stretch"), no_labels(9, ""))
    whole, some, other = (PackedPictures(dataset, rows) for rows in (None, (7, 2), (2, 7)))
    assert (whole.key, whole.names) == (dataset.key, dataset.names)
    assert some.names == ("07.png", "02.png")
    assert len({whole.key, some.key, other.key, PackedPictures(dataset, (7, 2, 2)).key}) == 4
    assert PackedPictures(dataset, (7, 2)).key == some.key
    for pictures, rows in ((whole, range(9)), (some, (7, 2))):
        for position, (row, levels) in enumerate(zip(rows, pictures.each(itself), strict=True)):
            assert not isinstance(levels, Unreadable)
            np.testing.assert_array_equal(levels, dataset.images[row])
            np.testing.assert_array_equal(pictures.read(position), dataset.images[row])
            assert levels.flags.c_contiguous
