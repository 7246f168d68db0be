from pathlib import Path

import pytest

from ganvas.errors import FileError
from ganvas.model.catalogue import FOLDER, installed_for, installed_models
from tests.photo_models import write_model


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("weights")
    write_model(root / "upscale-x2.safetensors", "upscale")
    write_model(root / "upscale-x3.safetensors", "upscale", scale=3)
    write_model(root / "restore-1.safetensors", "restore")
    write_model(root / "restore-2.safetensors", "restore", faithful=0.1)
    (root / "README.md").write_text("not a model")
    return root


def test_the_model_for_a_task(shelf: Path) -> None:
    assert installed_for("upscale", 2, shelf).name == "upscale-x2.safetensors"
    assert installed_for("upscale", 3, shelf).name == "upscale-x3.safetensors"
    assert installed_for("restore", 1, shelf).name == "restore-2.safetensors"


@pytest.mark.parametrize(
    ("task", "scale", "sentence"),
    [
        (
            "upscale",
            4,
            r"No model for upscale ×4 is installed; train one \(ganvas train PHOTOS --task upscale --scale 4\)",
        ),
        ("repair", 1, r"No model for repair is installed; train one \(ganvas train PHOTOS --task repair\)"),
        ("find-scratches", 1, r"No model for find-scratches is installed"),
    ],
)
def test_none_for_a_task(shelf: Path, task: str, scale: int, sentence: str) -> None:
    with pytest.raises(FileError, match=sentence):
        installed_for(task, scale, shelf)


def test_what_is_told_of_each(shelf: Path) -> None:
    found = {one.path.stem: one for one in installed_models(shelf)}
    assert list(found) == ["restore-1", "restore-2", "upscale-x2", "upscale-x3"]
    facts = found["upscale-x2"].facts()
    assert (facts["task"], facts["scale"], facts["licence"], facts["data"]) == ("upscale", 2, "CC0", "drawn")
    assert facts["size_bytes"] == (shelf / "upscale-x2.safetensors").stat().st_size
    assert len(facts["sha256"]) == 64
    assert found["restore-1"].parameters == found["restore-2"].parameters  # snapshots are not counted
    assert found["restore-1"].sha256 != found["restore-2"].sha256


def test_no_folder_no_models(tmp_path: Path) -> None:
    assert installed_models(tmp_path / "none") == []


def test_what_is_shipped_is_sound() -> None:
    for one in installed_models(FOLDER):
        assert one.facts()["licence"]
        assert one.descriptor.photo is not None
