import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.data import pack as pack_module
from ganvas.data.pack import Form, to_form
from ganvas.data.tiles import tiles_of
from ganvas.errors import DataError
from ganvas.image.resize import FitMode
from tests.data.packer import FILES, IN_ORDER, PICTURES, SIZE, Packer
from tests.data.pictures import (
    backdate,
    encoded,
    noise,
    write_folder,
    write_idx,
    write_npy,
    write_tar,
    write_zip,
)


def test_pictures_of_the_right_size_are_packed_bit_by_bit(tmp_path: Path, packer: Packer) -> None:
    dataset = packer(write_folder(tmp_path / "x", FILES))
    np.testing.assert_array_equal(dataset.images, IN_ORDER)
    assert isinstance(dataset.images, np.memmap)
    assert dataset.images.shape == (len(dataset), *SIZE, 3) == (12, *SIZE, 3)
    assert dataset.names == tuple(sorted(FILES))
    assert dataset.labels.values.tolist() == [0] * 6 + [1] * 6
    assert dataset.unreadable == ()
    assert packer.done == [(done, 12) for done in range(1, 13)]


def test_every_kind_of_source_gives_the_same_pictures(tmp_path: Path, packer: Packer) -> None:
    flat = {f"{row:02d}.png": encoded(picture) for row, picture in enumerate(PICTURES)}
    array = np.stack(PICTURES)
    datasets = [
        packer(path, labels="none")
        for path in (
            write_folder(tmp_path / "folder", flat),
            write_zip(tmp_path / "x.zip", flat),
            write_tar(tmp_path / "x.tar", flat),
            write_tar(tmp_path / "x.tgz", flat, "w:gz"),
            write_npy(tmp_path / "x.npy", array),
            write_idx(tmp_path / "x.idx", array),
        )
    ]
    for dataset in datasets:
        np.testing.assert_array_equal(dataset.images, array)
    assert datasets[0].key == datasets[1].key == datasets[2].key == datasets[3].key
    assert datasets[4].key == datasets[5].key


def test_the_second_use_reads_no_picture(tmp_path: Path, packer: Packer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    monkeypatch.setattr(pack_module, "read_item", None)
    second = packer(tmp_path / "x")
    assert not packer.packed
    assert second.key == first.key
    np.testing.assert_array_equal(second.images, first.images)


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_the_second_use_of_an_archive_reads_no_picture(
    tmp_path: Path, packer: Packer, monkeypatch: pytest.MonkeyPatch, write: object
) -> None:
    path = write(tmp_path / "x", FILES)  # type: ignore[operator]
    packer(path)
    monkeypatch.setattr(pack_module, "read_item", None)
    assert len(packer(path)) == 12


def test_a_touched_picture_is_read_but_not_packed_again(tmp_path: Path, packer: Packer) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    backdate(tmp_path / "x" / "a" / "00.png", 7)
    assert packer(tmp_path / "x").key == first.key
    assert not packer.packed


def test_pictures_of_this_moment_are_read_but_not_packed_again(tmp_path: Path, packer: Packer) -> None:
    write_folder(tmp_path / "x", FILES)
    os.utime(tmp_path / "x" / "a" / "00.png")
    first = packer(tmp_path / "x")
    assert packer(tmp_path / "x").key == first.key
    assert not packer.packed


def test_a_copied_folder_is_not_packed_again(tmp_path: Path, packer: Packer) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    shutil.copytree(tmp_path / "x", tmp_path / "y")
    assert packer(tmp_path / "y").key == first.key
    assert not packer.packed


def test_a_changed_pixel_is_packed_again_though_size_and_time_stay(tmp_path: Path, packer: Packer) -> None:
    """Only the young file's time is not trusted: this is the change that a clock cannot show."""
    files = {f"{row}.bmp": encoded(picture, "BMP") for row, picture in enumerate(PICTURES)}
    write_folder(tmp_path / "x", files)
    os.utime(tmp_path / "x" / "3.bmp")
    now = (tmp_path / "x" / "3.bmp").stat().st_mtime_ns
    first = packer(tmp_path / "x")
    changed = PICTURES[3].copy()
    changed[5, 5, 1] ^= 1
    (tmp_path / "x" / "3.bmp").write_bytes(encoded(changed, "BMP"))
    os.utime(tmp_path / "x" / "3.bmp", ns=(now, now))
    second = packer(tmp_path / "x")
    assert packer.packed
    assert second.key != first.key
    row = second.names.index("3.bmp")
    np.testing.assert_array_equal(second.images[row], changed)
    assert (second.images != first.images).sum() == 1


def test_a_renamed_picture_is_packed_again(tmp_path: Path, packer: Packer) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    (tmp_path / "x" / "a" / "00.png").rename(tmp_path / "x" / "a" / "99.png")
    second = packer(tmp_path / "x")
    assert second.key != first.key
    np.testing.assert_array_equal(second.images[5], PICTURES[0])


def test_a_name_that_keeps_its_place_is_another_entry_too(tmp_path: Path, packer: Packer) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    (tmp_path / "x" / "a" / "00.png").rename(tmp_path / "x" / "a" / "000.png")
    second = packer(tmp_path / "x")
    assert second.key != first.key
    assert second.names[0] == "a/000.png"


@pytest.mark.parametrize(
    "form", [Form((12, 12), 3, "crop"), Form(SIZE, 1, "crop"), Form(SIZE, 4, "crop"), Form(SIZE, 3, "pad")]
)
def test_another_form_is_another_entry(tmp_path: Path, packer: Packer, form: Form) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    second = packer(tmp_path / "x", form)
    assert packer.packed
    assert second.key != first.key
    assert second.images.shape[1:] == (*form.size, form.channels)
    assert packer(tmp_path / "x").key == first.key
    assert not packer.packed


def test_another_version_of_the_form_is_another_entry(
    tmp_path: Path, packer: Packer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    monkeypatch.setattr(pack_module, "FORMAT_VERSION", -1)
    assert packer(tmp_path / "x").key != first.key


def test_new_labels_need_no_packing(tmp_path: Path, packer: Packer) -> None:
    packer(write_folder(tmp_path / "x", FILES))
    table = "file,class\n" + "".join(f"{name},{row % 3}\n" for row, name in enumerate(sorted(FILES)))
    write_folder(tmp_path / "x", {"labels.csv": table.encode()})
    dataset = packer(tmp_path / "x")
    assert not packer.packed
    assert dataset.labels.values.tolist() == [0, 1, 2] * 4


def test_damage_is_told_and_mended(tmp_path: Path, packer: Packer) -> None:
    first = packer(write_folder(tmp_path / "x", FILES))
    images = packer.root / first.key / "images.npy"
    del first
    images.write_bytes(images.read_bytes()[:-9])
    mended = packer(tmp_path / "x")
    assert packer.packed
    assert len(packer.notices) == 1
    assert "damaged" in packer.notices[0]
    assert "packed again" in packer.notices[0]
    np.testing.assert_array_equal(mended.images, IN_ORDER)


def test_a_gradient_of_16_bits_becomes_8(tmp_path: Path, packer: Packer) -> None:
    deep = np.linspace(0, 65535, 12 * 16).round().astype(np.uint16).reshape(12, 16, 1)
    dataset = packer(write_folder(tmp_path / "x", {"x.png": encoded(deep)}), Form(SIZE, 1, "crop"))
    expected = np.round(deep / 257)
    np.testing.assert_array_equal(dataset.images[0], expected)
    assert len(np.unique(dataset.images)) > 180  # clipping or cutting would leave few levels


@pytest.mark.parametrize("size", [(8, 24), (24, 8), (5, 7)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_shapes_need_not_be_square(tmp_path: Path, packer: Packer, size: tuple[int, int], fit: FitMode) -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    dataset = packer(write_folder(tmp_path / "x", {"x.png": encoded(red)}), Form(size, 3, fit))
    assert dataset.images.shape == (1, *size, 3)
    is_red = (dataset.images[0] == [255, 0, 0]).all(-1)
    if fit == "pad":
        short = min(size)
        assert is_red.sum() == short * short
        assert (dataset.images[0][~is_red] == 255).all()
    else:
        assert is_red.all()


def test_a_photograph_taken_upright_is_packed_upright(tmp_path: Path, packer: Packer) -> None:
    upright = noise(0, 16, 12)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(upright)).save(tmp_path / "side.png", exif=exif)
    write_folder(tmp_path / "x", {"x.png": (tmp_path / "side.png").read_bytes()})
    dataset = packer(tmp_path / "x", Form((16, 12), 3, "crop"))
    np.testing.assert_array_equal(dataset.images[0], upright)


def test_padding_is_transparent_for_all_pictures_of_a_set() -> None:
    for channels in (1, 3, 4):
        packed = to_form(noise(0, 10, 10, channels), Form((10, 20), 4, "pad"))
        assert (packed[:, :5, 3] == 0).all()


def test_transparent_parts_lie_on_white_before_they_are_grey() -> None:
    glass = np.zeros((4, 4, 4), np.uint8)
    assert (to_form(glass, Form((4, 4), 1, "crop")) == 255).all()
    assert (to_form(glass, Form((4, 4), 3, "crop")) == 255).all()


TILES = Form((8, 8), 3, "tiles")


def test_photographs_are_cut_to_tiles_that_tell_their_photograph(tmp_path: Path, packer: Packer) -> None:
    pictures = {"a.png": noise(1, 17, 26), "b.png": noise(2, 8, 9), "c.png": noise(3, 7, 40)}
    folder = write_folder(tmp_path / "x", {name: encoded(one) for name, one in pictures.items()})
    dataset = packer(folder, TILES, "none")
    assert dataset.images.shape == (7, 8, 8, 3)
    assert dataset.names == ("a.png",) * 6 + ("b.png",)
    assert dataset.picture_count == 2
    assert dataset.unreadable == (("c.png", "smaller than a tile of 8x8 pixels; choose a smaller --size"),)
    np.testing.assert_array_equal(dataset.images[:6], tiles_of(pictures["a.png"], (8, 8)))
    again = packer(folder, TILES, "none")
    assert not packer.packed
    assert (again.names, again.unreadable, again.key) == (dataset.names, dataset.unreadable, dataset.key)
    np.testing.assert_array_equal(again.images, dataset.images)
    assert packer(folder, TILES._replace(size=(4, 4)), "none").key != dataset.key


def test_photographs_none_of_which_is_large_enough(tmp_path: Path, packer: Packer) -> None:
    folder = write_folder(tmp_path / "x", {"a.png": encoded(noise(1, 7, 9)), "b.png": encoded(noise(2, 30, 5))})
    with pytest.raises(DataError, match=r"Not one of the 2 pictures .* smaller than a tile of 8x8"):
        packer(folder, TILES, "none")
    assert packer.entries() == []


def test_tiles_of_an_array(tmp_path: Path, packer: Packer) -> None:
    np.save(tmp_path / "x.npy", np.stack([noise(seed, 16, 9) for seed in range(3)]))
    dataset = packer(tmp_path / "x.npy", TILES, "none")
    assert len(dataset) == 6
    assert dataset.picture_count == 3
