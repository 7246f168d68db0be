import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganvas.draw import seed_of
from ganvas.errors import FileError, UnknownName, UsageError
from ganvas.events import Event, Wrote
from ganvas.files import file_hash
from ganvas.image.provenance import Mark, SourceType, read_mark
from ganvas.job.sample import (
    MOST_SEEDS,
    SampleRequest,
    grid_name,
    label_suffix,
    model_file,
    parse_seeds,
    sample,
)
from ganvas.model.load import load_model
from ganvas.tensors import to_levels
from tests.runs import plain_folder, small_train


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def test_one_file_a_seed(plain_run: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    files = sample(SampleRequest(plain_run, tmp_path / "new" / "out", seeds=[7, 0, 1234567]), report=events.append)
    assert [path.name for path in files] == ["seed-000007.png", "seed-000000.png", "seed-1234567.png"]
    assert sorted((tmp_path / "new" / "out").iterdir()) == sorted(files)
    assert events == [Wrote("sample", path) for path in files]
    painted = to_levels(load_model(plain_run / "model.safetensors").sample([7, 0, 1234567]))
    for path, levels in zip(files, painted, strict=True):
        np.testing.assert_array_equal(pixels(path), levels)


def test_webp_has_the_same_pixels(plain_run: Path, tmp_path: Path) -> None:
    (png,) = sample(SampleRequest(plain_run, tmp_path, seeds=[3]))
    (webp,) = sample(SampleRequest(plain_run, tmp_path, seeds=[3], format="webp"))
    assert webp.name == "seed-000003.webp"
    np.testing.assert_array_equal(pixels(webp), pixels(png))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_grid_shows_seeds_row_by_row(tmp_path: Path, quick: None, channels: int) -> None:
    run = small_train(plain_folder(tmp_path / "x", 12, 8, 12, channels), tmp_path / "runs", kimg=0.008)
    (sheet,) = sample(SampleRequest(run, tmp_path / "out", seeds=range(10, 16), grid=(2, 3)))
    assert sheet.name == "grid-seeds-10-15.png"
    painted = to_levels(load_model(run / "model.safetensors").sample(range(10, 16)))
    shown = pixels(sheet).reshape(2 * 8 + 2, 3 * 12 + 2 * 2, channels)
    for number, levels in enumerate(painted):
        top, left = number // 3 * 10, number % 3 * 14
        np.testing.assert_array_equal(shown[top : top + 8, left : left + 12], levels)
    np.testing.assert_array_equal(shown[8:10], 255)


def test_as_many_sheets_as_needed(plain_run: Path, tmp_path: Path) -> None:
    files = sample(SampleRequest(plain_run, tmp_path, seeds=range(7), grid=(1, 3)))
    assert [path.name for path in files] == ["grid-seeds-0-2.png", "grid-seeds-3-5.png", "grid-seeds-6-6.png"]
    assert [pixels(path).shape for path in files] == [(8, 28, 3)] * 3


def test_another_batch_rounds_a_few_values_to_the_next_level(plain_run: Path, tmp_path: Path) -> None:
    painted = {}
    for batch in (1, 4, 16):
        files = sample(SampleRequest(plain_run, tmp_path / str(batch), seeds=range(6), batch=batch))
        painted[batch] = np.stack([pixels(path) for path in files]).astype(int)
    assert abs(painted[1] - painted[16]).max() <= 1  # of 256 levels, by the order of sums
    assert abs(painted[4] - painted[16]).max() <= 1


def test_pictures_say_where_they_come_from(class_run: Path, tmp_path: Path) -> None:
    for format in ("png", "webp"):
        request = SampleRequest(class_run, tmp_path, seeds=[5], label="dress", format=format)
        (path,) = sample(request)
        assert path.name == f"seed-000005-dress.{format}"
        recipe = {"seed": 5, "model": file_hash(class_run / "model.safetensors")[:16], "label": "dress"}
        with path.open("rb") as file:
            assert read_mark(file, path.name) == Mark(SourceType.GENERATED, recipe)
    (sheet,) = sample(SampleRequest(class_run, tmp_path, seeds=[5, 9], grid=(1, 2)))
    drawn = [("coat", "dress", "shoe")[seed_of(seed, "class") % 3] for seed in (5, 9)]
    expected = {"seeds": [5, 9], "model": recipe["model"], "labels": drawn}
    assert read_mark(sheet.read_bytes(), "") == Mark(SourceType.GENERATED, expected)
    (sheet,) = sample(SampleRequest(class_run, tmp_path, seeds=[5, 9], grid=(1, 2), label="coat"))
    expected = {"seeds": [5, 9], "model": recipe["model"], "label": "coat"}
    assert read_mark(sheet.read_bytes(), "") == Mark(SourceType.GENERATED, expected)


def test_without_labels_the_recipe_says_so(plain_run: Path, attribute_run: Path, tmp_path: Path) -> None:
    for run in (plain_run, attribute_run):
        for grid in (None, (1, 1)):
            (path,) = sample(SampleRequest(run, tmp_path, seeds=[5], grid=grid))
            mark = read_mark(path.read_bytes(), "")
            assert mark is not None
            assert mark.recipe is not None
            assert mark.recipe["label"] is None


def test_no_picture_takes_the_place_of_another(class_run: Path, attribute_run: Path, tmp_path: Path) -> None:
    asked: list[tuple[Path, list[int], tuple[int, int] | None, Any]] = [
        (class_run, [0], None, None),
        (class_run, [0], None, "coat"),
        (class_run, [0], None, "dress"),
        (class_run, [0, 2, 5], (1, 3), None),
        (class_run, [0, 3, 5], (1, 3), None),
        (class_run, [0, 3, 5], (1, 3), "coat"),
        (attribute_run, [0], None, {"age": 30.5}),
        (attribute_run, [0], None, {"age": 30.5000001}),
        (attribute_run, [0], None, {"age": 30.5, "height": 1.0}),
    ]
    files = [sample(SampleRequest(run, tmp_path, seeds, grid, label))[0] for run, seeds, grid, label in asked]
    assert len(set(files)) == len(asked)
    (again,) = sample(SampleRequest(attribute_run, tmp_path, [0], None, {"height": 1, "age": 30.5}))
    assert again == files[-1]


@pytest.mark.parametrize(
    ("label", "suffix"),
    [(None, ""), ("", ""), ({}, ""), ("dress", "-dress"), ("t-shirt-2", "-t-shirt-2"), ("a" * 48, "-" + "a" * 48)],
)
def test_a_plain_label_stands_as_it_is(label: str | dict[str, float] | None, suffix: str) -> None:
    assert label_suffix(label) == suffix


def test_labels_that_a_name_cannot_hold_are_told_apart() -> None:
    labels = ["Dress", "dress ", "../dress", "dress", "服", "靴", "a" * 49, "a" * 50, "-"]
    suffixes = [label_suffix(label) for label in labels]
    assert len(set(suffixes)) == len(labels)
    assert all(re.fullmatch(r"(-[a-z0-9]+)+", suffix) and len(suffix) < 64 for suffix in suffixes)
    assert label_suffix({"age": 30, "height": -2.5}) == label_suffix({"height": -2.5, "age": 30.0})
    assert label_suffix({"age": 30}).startswith("-age-30-0-")


def test_sheets_are_named_by_their_seeds() -> None:
    assert grid_name(range(10, 16)) == grid_name([10, 11, 12, 13, 14, 15]) == "grid-seeds-10-15"
    names = {grid_name(seeds) for seeds in ([0, 2, 5], [0, 3, 5], [0, 5], [5, 0], [0, 1, 2, 3, 4, 5], [0, 0, 5])}
    assert len(names) == 6
    assert all(re.fullmatch(r"grid-seeds-(0-5|5-0)(-[0-9a-f]{6})?", name) for name in names)


@pytest.mark.parametrize(("mark", "recipe"), [(True, False), (False, True), (False, False)])
def test_mark_and_recipe_are_left_out_on_purpose_only(
    class_run: Path, tmp_path: Path, mark: bool, recipe: bool
) -> None:
    (path,) = sample(SampleRequest(class_run, tmp_path, seeds=[5], mark=mark, recipe=recipe))
    data = path.read_bytes()
    assert (b"trainedAlgorithmicMedia" in data) == mark
    assert (b"ganvas:Recipe" in data) == recipe


def test_no_file_tells_where_it_was_made(class_run: Path, tmp_path: Path) -> None:
    (path,) = sample(SampleRequest(class_run, tmp_path, seeds=[5]))
    data = path.read_bytes()
    for part in (*tmp_path.parts[1:3], *class_run.parts[1:3], Path.home().name):
        assert part.encode() not in data


def test_the_recipe_paints_the_picture_again(class_run: Path, tmp_path: Path) -> None:
    (path,) = sample(SampleRequest(class_run, tmp_path, seeds=[5], label="shoe"))
    mark = read_mark(path.read_bytes(), "")
    assert mark is not None
    assert mark.recipe is not None
    model = load_model(class_run / "model.safetensors")
    again = to_levels(model.sample([mark.recipe["seed"]], label=mark.recipe["label"]))[0]
    np.testing.assert_array_equal(pixels(path), again)


def test_labels(class_run: Path, attribute_run: Path, plain_run: Path, tmp_path: Path) -> None:
    """Without a label each seed draws its class: its hash modulo the number of classes."""
    model = load_model(class_run / "model.safetensors")
    own = ("coat", "dress", "shoe")[seed_of(8, "class") % 3]
    (drawn,) = sample(SampleRequest(class_run, tmp_path, seeds=[8]))
    np.testing.assert_array_equal(pixels(drawn), to_levels(model.sample([8], label=own))[0])
    told = read_mark(drawn.read_bytes(), "")
    assert told is not None
    assert told.recipe is not None
    assert (drawn.name, told.recipe["label"]) == ("seed-000008.png", own)
    (aged,) = sample(SampleRequest(attribute_run, tmp_path, seeds=[8], label={"age": 90.0}))
    mark = read_mark(aged.read_bytes(), "")
    assert mark is not None
    assert mark.recipe is not None
    assert mark.recipe["label"] == {"age": 90.0}
    with pytest.raises(UnknownName, match=r"no class 'dres'. Did you mean 'dress'"):
        sample(SampleRequest(class_run, tmp_path, label="dres"))
    with pytest.raises(UnknownName, match=r"no attribute 'hight'. Did you mean 'height'"):
        sample(SampleRequest(attribute_run, tmp_path, label={"hight": 1.0}))
    with pytest.raises(UsageError, match="trained without labels"):
        sample(SampleRequest(plain_run, tmp_path, label="dress"))


def test_the_best_model_of_a_run(plain_run: Path, tmp_path: Path) -> None:
    (best,) = sample(SampleRequest(plain_run, tmp_path, seeds=[1], best=True))
    painted = to_levels(load_model(plain_run / "best.safetensors").sample([1]))[0]
    np.testing.assert_array_equal(pixels(best), painted)
    assert model_file(plain_run) == plain_run / "model.safetensors"
    with pytest.raises(UsageError, match="--best picks a model from a run folder"):
        model_file(plain_run / "model.safetensors", best=True)


def test_what_cannot_be_painted(plain_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--seeds is empty"):
        sample(SampleRequest(plain_run, tmp_path, seeds=[]))
    with pytest.raises(UsageError, match="--batch is 0"):
        sample(SampleRequest(plain_run, tmp_path, batch=0))
    with pytest.raises(FileError, match="There is no model file"):
        sample(SampleRequest(tmp_path / "none", tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"Cannot create the folder .*; choose another --out"):
        sample(SampleRequest(plain_run, tmp_path / "file"))
    (tmp_path / "out" / "seed-000000.png").mkdir(parents=True)
    with pytest.raises(FileError, match=r"Cannot write .*seed-000000\.png"):
        sample(SampleRequest(plain_run, tmp_path / "out", seeds=[0]))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("7", [7]), ("0-3", [0, 1, 2, 3]), ("5, 1-2 ,5", [5, 1, 2, 5]), ("4-4", [4]), ("007", [7])],
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "1,",
        ",1",
        "3-1",
        "-1",
        "1-",
        "1--2",
        "1-2-3",
        "1.5",
        "1e3",
        "²",
        "٣",
        "1 2",
        "0x1",
        "9" * 19,
        "9" * 9999,
    ],
)
def test_rubbish_is_no_seed(text: str) -> None:
    with pytest.raises(UsageError, match=r"--seeds is '.*numbers and rising ranges"):
        parse_seeds(text)


@pytest.mark.parametrize("text", ["0-1000000", "0-999999999999999999", "0-999999,5", "1-600000,1-600000"])
def test_absurdly_many_seeds_are_refused_before_they_are_made(text: str) -> None:
    with pytest.raises(UsageError, match="more than 1000000 pictures"):
        parse_seeds(text)
    assert len(parse_seeds("0-999999")) == MOST_SEEDS


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
