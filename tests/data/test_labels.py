import gzip
from pathlib import Path

import numpy as np
import pytest

from ganvas.data.labels import Labels, attribute_labels, class_labels, no_labels, read_labels
from ganvas.data.source import open_source
from ganvas.errors import DataError
from tests.data.pictures import noise, write_folder, write_idx, write_npy, write_tar, write_zip

FILES = {"b/1.png": b"-", "a/1.png": b"-", "a/2.png": b"-"}  # listed as a/1, a/2, b/1
CLASSES = b"file,class\na/1.png,cat\nb/1.png,dog\na/2.png,dog\n"
NUMBERS = b"file,age,width\nb/1.png,3,1e1\na/1.png,1,-2\na/2.png,2,0.5\n"


def labels_of(path: Path, mode: str = "auto") -> Labels:
    return read_labels(open_source(path), mode)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
@pytest.mark.parametrize("mode", ["auto", "folders"])
def test_sub_folders_are_classes(tmp_path: Path, kind: str, mode: str) -> None:
    write = {"folder": write_folder, "zip": write_zip, "tar": write_tar}[kind]
    labels = labels_of(write(tmp_path / "x", FILES), mode)
    assert (labels.kind, labels.names, labels.values.tolist()) == ("class", ("a", "b"), [0, 0, 1])
    assert labels.counts() == {"a": 2, "b": 1}
    assert labels.origin == "sub-folders"


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_a_table_in_the_root_comes_first(tmp_path: Path, kind: str) -> None:
    write = {"folder": write_folder, "zip": write_zip, "tar": write_tar}[kind]
    labels = labels_of(write(tmp_path / "x", {**FILES, "labels.csv": CLASSES}))
    assert (labels.kind, labels.names, labels.values.tolist()) == ("class", ("cat", "dog"), [0, 1, 1])


def test_attributes_are_kept_as_given_and_scaled_for_the_network(tmp_path: Path) -> None:
    labels = labels_of(write_folder(tmp_path, {**FILES, "labels.csv": NUMBERS}))
    assert (labels.kind, labels.names) == ("attributes", ("age", "width"))
    np.testing.assert_array_equal(labels.values, [[1, -2], [2, 0.5], [3, 10]])
    np.testing.assert_allclose(labels.mean, [2, 8.5 / 3])
    scaled = labels.condition(np.arange(3))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-6)
    np.testing.assert_allclose(scaled[:, 0], np.array([-1, 0, 1]) * np.sqrt(1.5), rtol=1e-6)
    np.testing.assert_array_equal(labels.condition(np.array([2, 0])), scaled[[2, 0]])


def test_one_attribute(tmp_path: Path) -> None:
    table = b"file;age\na/1.png;1\na/2.png;2\nb/1.png;3\n"
    labels = labels_of(write_folder(tmp_path, {**FILES, "labels.csv": table}))
    assert (labels.kind, labels.names, labels.values.shape) == ("attributes", ("age",), (3, 1))


def test_a_table_elsewhere(tmp_path: Path) -> None:
    write_folder(tmp_path, {"my labels.csv": CLASSES})
    path = str(tmp_path / "my labels.csv")
    labels = labels_of(write_folder(tmp_path / "x", FILES), path)
    assert (labels.names, labels.origin) == (("cat", "dog"), path)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'gone.csv' cannot be read .*give auto, none, folders or a CSV"):
        labels_of(write_folder(tmp_path, FILES), "gone.csv")


def test_none(tmp_path: Path) -> None:
    labels = labels_of(write_folder(tmp_path, {**FILES, "labels.csv": CLASSES}), "none")
    assert (labels.kind, labels.names, labels.values.shape) == ("none", (), (3, 0))
    assert labels.condition(np.arange(2)).shape == (2, 0)


@pytest.mark.parametrize(
    ("files", "origin"),
    [
        (["1.png", "2.png"], "no sub-folders to tell apart"),
        (["a/1.png", "a/2.png"], "no sub-folders to tell apart"),
        (["a/1.png", "b/2.png", "3.png"], "1 of 3 pictures lie outside"),
    ],
)
def test_why_there_are_none_is_told(tmp_path: Path, files: list[str], origin: str) -> None:
    labels = labels_of(write_folder(tmp_path, dict.fromkeys(files, b"-")))
    assert labels.kind == "none"
    assert origin in labels.origin


def test_folders_that_were_asked_for_must_be_there(tmp_path: Path) -> None:
    write_folder(tmp_path, {**FILES, "stray.png": b"-"})
    with pytest.raises(DataError, match=r"1 pictures lie outside of sub-folders \('stray.png'\)"):
        labels_of(tmp_path, "folders")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            b"file,kind\na/1.png,cat\na/2.png,dog\nb/1.png,dog\n",
            "'cat' as 'kind' of 'a/1.png'.*name the column 'class'",
        ),
        (b"file,class,age\na/1.png,1,1\na/2.png,2,1\nb/1.png,2,1\n", "'class' and others"),
        (b"file,class\na/1.png,x\na/2.png,x\nb/1.png,x\n", "All pictures are of the class 'x'"),
        (b"file,class\na/1.png,x\na/2.png,\nb/1.png,x\n", "no class for 'a/2.png'"),
        (b"file,age\na/1.png,1\na/2.png,nan\nb/1.png,2\n", "'age' .* values that are not finite"),
        (b"file,age,h\na/1.png,1,4\na/2.png,2,4\nb/1.png,2,4\n", "'h' .* never changes"),
        (b"file,age\na/1.png,1\na/2.png,2\n", "no row for 1 of 3"),
    ],
)
def test_tables_that_make_no_labels(tmp_path: Path, table: bytes, message: str) -> None:
    write_folder(tmp_path, {**FILES, "labels.csv": table})
    with pytest.raises(DataError, match=message):
        labels_of(tmp_path)


def test_whole_numbers_sort_by_value() -> None:
    labels = class_labels(["10", "9", "x", "2", "02"], "t")
    assert labels.names == ("02", "2", "9", "10", "x")
    assert labels.values.tolist() == [3, 2, 4, 1, 0]


def test_condition_of_classes_is_one_hot() -> None:
    labels = class_labels(["b", "a", "c"], "t")
    np.testing.assert_array_equal(labels.condition(np.array([0, 2])), [[0, 1, 0], [0, 0, 1]])


def test_a_class_without_pictures_is_gone() -> None:
    labels = class_labels(["a", "b", "c", "a"], "t").select([0, 2, 3])
    assert (labels.names, labels.values.tolist()) == (("a", "c"), [0, 1, 0])


def test_attributes_of_some_are_scaled_anew() -> None:
    labels = attribute_labels(["x"], np.array([[1.0], [3.0], [100.0]]), "t").select([0, 1])
    np.testing.assert_allclose(labels.condition(np.arange(2)), [[-1], [1]])


def test_none_of_some_is_none() -> None:
    assert no_labels(5, "t").select([1, 2]).values.shape == (2, 0)


PICTURES = np.stack([noise(seed, 5, 7, 1) for seed in range(4)])


@pytest.mark.parametrize("packed", [False, True])
def test_idx_labels_lie_beside_idx_pictures(tmp_path: Path, packed: bool) -> None:
    pictures = write_idx(tmp_path / "train-images-idx3-ubyte", PICTURES[..., 0])
    beside = write_idx(tmp_path / "train-labels-idx1-ubyte", np.array([9, 0, 9, 3], np.uint8))
    if packed:
        (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(beside.read_bytes()))
        beside.unlink()
    labels = labels_of(pictures)
    assert (labels.kind, labels.names, labels.values.tolist()) == ("class", ("0", "3", "9"), [2, 0, 2, 1])


@pytest.mark.parametrize(
    ("values", "kind", "names"),
    [
        (np.array([3, 1, 1, 3]), "class", ("1", "3")),
        (np.array(["x", "y", "y", "x"]), "class", ("x", "y")),
        (np.array([0.5, 1, 2, 3]), "attributes", ("attribute0",)),
        (np.array([[0, 1], [1, 0], [5, 5], [2, 2]]), "attributes", ("attribute0", "attribute1")),
    ],
)
def test_npy_labels_lie_beside_npy_pictures(
    tmp_path: Path, values: np.ndarray, kind: str, names: tuple[str, ...]
) -> None:
    write_npy(tmp_path / "x.labels.npy", values)
    labels = labels_of(write_npy(tmp_path / "x.npy", PICTURES))
    assert (labels.kind, labels.names) == (kind, names)
    assert labels.origin == "x.labels.npy"


@pytest.mark.parametrize("values", [np.array([1, 2, 3]), np.array(5), np.array(list("abcd")).reshape(2, 2)])
def test_npy_labels_that_do_not_fit(tmp_path: Path, values: np.ndarray) -> None:
    write_npy(tmp_path / "x.labels.npy", values)
    with pytest.raises(DataError, match="one label for each of 4 pictures"):
        labels_of(write_npy(tmp_path / "x.npy", PICTURES))


def test_arrays_without_labels(tmp_path: Path) -> None:
    assert labels_of(write_npy(tmp_path / "x.npy", PICTURES)).kind == "none"
    assert labels_of(write_idx(tmp_path / "pictures", PICTURES)).kind == "none"  # it is not its own labels file


def test_a_text_file_names_the_numbers(tmp_path: Path) -> None:
    pictures = write_idx(tmp_path / "train-images-idx3-ubyte", PICTURES[..., 0])
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.array([2, 0, 2, 1], np.uint8))
    (tmp_path / "label-names.txt").write_text("shirt\nbag\nankle boot\n")
    labels = labels_of(pictures)
    assert labels.names == ("ankle boot", "bag", "shirt")
    assert [labels.names[number] for number in labels.values.tolist()] == ["ankle boot", "shirt", "ankle boot", "bag"]


def test_a_number_without_a_name_is_refused(tmp_path: Path) -> None:
    pictures = write_idx(tmp_path / "train-images-idx3-ubyte", PICTURES[..., 0])
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.array([2, 0, 2, 1], np.uint8))
    (tmp_path / "label-names.txt").write_text("shirt\nbag\n")
    with pytest.raises(DataError, match="2 lines, but classes go up to 2"):
        labels_of(pictures)
