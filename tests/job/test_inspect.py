import hashlib
import json
from pathlib import Path

import pytest

from ganvas.errors import FileError
from ganvas.job.inspect import inspect
from ganvas.job.sample import SampleRequest, sample
from tests.runs import picture


def test_the_card_of_a_model(class_run: Path) -> None:
    facts = inspect(class_run / "model.safetensors")
    assert inspect(class_run) == facts
    assert json.loads(json.dumps(facts)) == facts
    data = (class_run / "model.safetensors").read_bytes()
    assert (facts["bytes"], facts["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert {key: facts[key] for key in ("kind", "task", "size", "channels", "latent_dim", "labels", "label_names")} == {
        "kind": "model", "task": "generate", "size": "8x8", "channels": 3, "latent_dim": 4, "labels": "class",
        "label_names": ["coat", "dress", "shoe"],
    }  # fmt: skip
    assert facts["generators"] == {"generator": "fast"}
    card = facts["card"]
    assert (card["pictures"], card["picture_count"], card["seen_kimg"]) == ("clothes", 60, 0.04)
    assert card["config"]["batch"] == 4
    assert not any("/" in str(value) for key, value in card.items() if key != "config")  # no path of the maker


def test_the_mark_of_a_picture(class_run: Path, tmp_path: Path) -> None:
    (path,) = sample(SampleRequest(class_run, tmp_path, seeds=[4], label="coat"))
    facts = inspect(path)
    assert (facts["kind"], facts["source_type"]) == ("picture", "trainedAlgorithmicMedia")
    assert (facts["recipe"]["seed"], facts["recipe"]["label"]) == (4, "coat")
    assert facts["recipe"]["model"] == hashlib.sha256((class_run / "model.safetensors").read_bytes()).hexdigest()[:16]
    assert json.loads(json.dumps(facts)) == facts
    (tmp_path / "photo.png").write_bytes(picture(1))
    assert inspect(tmp_path / "photo.png") == {"kind": "picture", "source_type": None, "recipe": None}


def test_neither(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        inspect(tmp_path / "none.png")
    (tmp_path / "torn.png").write_bytes(b"no picture")
    with pytest.raises(FileError, match="torn"):
        inspect(tmp_path / "torn.png")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(FileError, match="is no model, or a damaged one"):
        inspect(tmp_path / "notes.txt")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FileError, match="There is no model file"):
        inspect(tmp_path / "folder.png")
