import json
from pathlib import Path

import pytest

from ganvas.image.provenance import read_mark
from tests.cli.conftest import Ganvas


def test_pictures_and_where_they_are(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    said = ganvas("sample", class_run, "--seeds", "0-2,9", "--out", tmp_path)
    assert said == (0, f"4 pictures in {tmp_path}\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"seed-{seed:06d}.png" for seed in (0, 1, 2, 9)]
    said = ganvas("sample", class_run, "--seeds", "7", "--out", tmp_path, "--format", "webp")
    assert said.out == f"{tmp_path / 'seed-000007.webp'}\n"


def test_as_json(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    said = ganvas("sample", class_run / "model.safetensors", "--seeds", "1-2", "--out", tmp_path, "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == {"files": [str(tmp_path / f"seed-00000{seed}.png") for seed in (1, 2)]}


def test_a_grid(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    said = ganvas("sample", class_run, "--seeds", "0-5", "--grid", "2x3", "--out", tmp_path)
    assert said.out == f"{tmp_path / 'grid-seeds-0-5.png'}\n"


def recipe_of(path: Path) -> object:
    mark = read_mark(path.read_bytes(), path.name)
    return mark and mark.recipe


def test_classes_and_attributes_by_name(ganvas: Ganvas, class_run: Path, attribute_run: Path, tmp_path: Path) -> None:
    ganvas("sample", class_run, "--seeds", 1, "--class", "dress", "--out", tmp_path)
    recipe = recipe_of(tmp_path / "seed-000001-dress.png")
    assert isinstance(recipe, dict)
    assert recipe["label"] == "dress"
    given = ["--attribute", "age=30.5", "--attribute", "height=-2"]
    said = ganvas("sample", attribute_run, "--seeds", 2, *given, "--out", tmp_path)
    path = Path(said.out.strip())
    assert path.name.startswith("seed-000002-age-30-5-height-2-0-")
    recipe = recipe_of(path)
    assert isinstance(recipe, dict)
    assert recipe["label"] == {"age": 30.5, "height": -2}


def test_no_mark_and_no_recipe_on_purpose(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    ganvas("sample", class_run, "--seeds", 1, "--no-mark", "--no-recipe", "--out", tmp_path)
    assert read_mark((tmp_path / "seed-000001.png").read_bytes(), "") is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--seeds", "9-1"], "--seeds is '9-1', but it must be numbers and rising ranges"),
        (["--seeds", "99999999999"], "A seed is 99999999999, but it must be a whole number from 0 to 4294967295."),
        (["--grid", "8"], "--grid is '8', but it must be rows x columns"),
        (["--grid", "0x8"], "--grid is '0x8'"),
        (["--grid", "²x2"], "--grid is '²x2'"),
        (["--grid", "1000x1000"], "--grid is '1000x1000'"),
        (["--grid", "9" * 5000 + "x1"], "--grid is '999"),
        (["--class", "dres"], "There is no class 'dres'. Did you mean 'dress'? Choose from: coat, dress, shoe."),
        (["--attribute", "age=3"], "This model has classes (coat, dress, shoe), not attributes."),
        (["--attribute", "age"], "--attribute is 'age', but it must be name=number such as age=30."),
        (["--attribute", "age=old"], "--attribute is 'age=old'"),
        (["--attribute", "age=1", "--attribute", "age=2"], "--attribute gives 'age' twice"),
        (["--class", "coat", "--attribute", "age=3"], "--class is 'coat' and --attribute is given too"),
        (["--batch", "0"], "--batch is 0, but it must be 1 or more."),
        (["--device", "abacus"], "--device is 'abacus', but this machine has:"),
    ],
)
def test_wrong_use(ganvas: Ganvas, class_run: Path, tmp_path: Path, words: list[str], sentence: str) -> None:
    said = ganvas("sample", class_run, "--out", tmp_path, *words, "--json")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {sentence}")
    assert said.err.count("\n") == 1


def test_attributes_that_are_not_numbers(ganvas: Ganvas, attribute_run: Path, tmp_path: Path) -> None:
    said = ganvas("sample", attribute_run, "--attribute", "age=nan", "--out", tmp_path)
    assert (said.code, said.err) == (2, "error: The attribute 'age' is nan, but it must be a finite number.\n")


def test_no_model_and_no_place(ganvas: Ganvas, class_run: Path, tmp_path: Path) -> None:
    assert ganvas("sample", tmp_path / "none").code == 1
    (tmp_path / "file").touch()
    said = ganvas("sample", class_run, "--out", tmp_path / "file")
    assert (said.code, said.out) == (1, "")
    assert "choose another --out" in said.err
