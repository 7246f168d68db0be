import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ganvas, Said
from tests.evaluations import two_folders

QUICK = ["--features", "random", "--groups", "3", "--device", "cpu", "--json"]


@pytest.fixture
def results(ganvas: Ganvas, tmp_path: Path) -> tuple[Path, Path]:
    """Of noise like the reals, and of reals themselves."""
    reals, fakes = two_folders(tmp_path)
    files = []
    for number, subject in enumerate((fakes, reals)):
        path = tmp_path / f"{number}.json"
        said = ganvas("evaluate", subject, "--data", reals, "--out", tmp_path / "out", *QUICK)
        path.write_text(said.out)
        files.append(path)
    return files[0], files[1]


def refused(said: Said) -> str:
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err


def test_what_evaluate_prints_is_compared(ganvas: Ganvas, results: tuple[Path, Path]) -> None:
    said = ganvas("compare", *results)
    assert (said.code, said.err) == (0, "")
    heading, *rows = said.out.splitlines()
    assert heading.split() == ["score", "A", "B", "B", "-", "A", "p", "verdict"]
    assert [row.split()[0] for row in rows] == [
        f"random-{name}"
        for name in ("fd", "kd", "precision", "recall", "density", "coverage", "diversity", "authenticity")
    ]
    assert any(row.endswith("is better") for row in rows)


def test_as_json(ganvas: Ganvas, results: tuple[Path, Path]) -> None:
    said = ganvas("compare", *results, "--json")
    assert (said.code, said.err, said.out.count("\n")) == (0, "", 1)
    told = json.loads(said.out)
    assert (told["a"], told["b"]) == tuple(map(str, results))
    first = told["differences"][0]
    assert first["name"] == "random-fd"
    assert first["difference"] == pytest.approx(first["b"] - first["a"])
    assert first["verdict"]


@pytest.mark.parametrize(
    ("options", "field"),
    [(["--protocol", "tf"], "protocol"), (["--seed", "1"], "seed"), (["--precision", "bfloat16"], "precision")],
)
def test_other_options_are_not_compared(
    ganvas: Ganvas, results: tuple[Path, Path], tmp_path: Path, options: list[str], field: str
) -> None:
    said = ganvas(
        "evaluate", tmp_path / "fakes", "--data", tmp_path / "reals", "--out", tmp_path / "out", *QUICK, *options
    )
    other = tmp_path / "other.json"
    other.write_text(said.out)
    assert f"{field} (" in refused(ganvas("compare", results[0], other))
    assert "were not measured alike" in refused(ganvas("compare", other, results[0], "--json"))


def test_other_sets_are_not_compared(ganvas: Ganvas, results: tuple[Path, Path], tmp_path: Path) -> None:
    reals, fakes = two_folders(tmp_path / "more", 25)
    other = tmp_path / "other.json"
    other.write_text(ganvas("evaluate", fakes, "--data", reals, "--out", tmp_path / "out", *QUICK).out)
    sentence = refused(ganvas("compare", results[0], other))
    for field in ("real_key (", "real_count (24 against 25)", "fake_count (24 against 25)"):
        assert field in sentence


def test_files_that_are_no_results(ganvas: Ganvas, results: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("no JSON")
    for path in (tmp_path / "gone.json", tmp_path / "text.json", tmp_path):
        said = ganvas("compare", results[0], path)
        assert (said.code, said.out) == (1, "")
        assert str(path) in said.err
        assert said.err.count("\n") == 1
    assert ganvas("compare", results[0]).code == 2
