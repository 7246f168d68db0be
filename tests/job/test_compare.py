import json
from pathlib import Path

import pytest

from ganvas.errors import FileError, UsageError
from ganvas.job.compare import compare_files
from tests.data.pictures import write_folder
from tests.evaluations import small_evaluation, two_folders
from tests.runs import picture, plain_folder


@pytest.fixture(scope="module")
def reals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_folders(tmp_path_factory.mktemp("sets"))[0]


@pytest.fixture(scope="module")
def result(reals: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of noise, as the reals are."""
    return small_evaluation(reals.with_name("fakes"), reals, tmp_path_factory.mktemp("out"), groups=10).file


def test_two_evaluations_side_by_side(reals: Path, result: Path, tmp_path: Path) -> None:
    """Grey noise against coloured: worse beyond chance by the kernel distance, which few pictures do not mislead."""
    grey = write_folder(tmp_path / "grey", {f"{row}.png": picture(row, channels=1) for row in range(24)})
    other = small_evaluation(grey, reals, tmp_path / "out", groups=10).file
    found = {one.name: one for one in compare_files(result, other)}
    names = [score["name"] for score in json.loads(result.read_bytes())["scores"]]
    assert list(found) == names
    kernel = found["random-kd"]
    assert kernel.difference == kernel.b - kernel.a > 0
    assert kernel.significant
    assert kernel.verdict == "A is better"
    back = {one.name: one for one in compare_files(other, result)}
    assert back["random-kd"].verdict == "B is better"
    same = compare_files(result, result)
    assert {one.verdict for one in same} == {"no difference"}
    assert not any(one.significant for one in same)


def test_other_measures_are_not_compared(reals: Path, result: Path, tmp_path: Path) -> None:
    fakes = reals.with_name("fakes")
    more = plain_folder(tmp_path / "more", 25)
    others = {
        "protocol": small_evaluation(fakes, reals, tmp_path / "a", protocol="tf"),
        "real_key": small_evaluation(fakes, fakes, tmp_path / "b"),
        "fake_count": small_evaluation(more, reals, tmp_path / "c"),
        "seed": small_evaluation(fakes, reals, tmp_path / "d", seed=1),
        "precision": small_evaluation(fakes, reals, tmp_path / "e", precision="bfloat16"),
    }
    for field, other in others.items():
        with pytest.raises(UsageError, match=rf"they differ in .*{field} \("):
            compare_files(result, other.file)


def test_files_that_are_no_results(result: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Cannot read"):
        compare_files(result, tmp_path / "gone.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(FileError, match=r"list\.json"):
        compare_files(tmp_path / "list.json", result)
