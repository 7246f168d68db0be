"""The examples run as they stand, at a tiny size."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image

import ganvas
from ganvas.errors import UsageError
from tests.data.pictures import encoded, scene, write_folder
from tests.runs import plain_folder

EXAMPLES = Path(__file__).parents[1] / "examples"
TINY = {
    "kimg": 0.024, "batch": 4, "precision": "float32", "checkpoint_every": 0.012, "sample_every": 0.024,
    "preview_count": 8,
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("quick")


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_own_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = example("own_network")
    own.main(plain_folder(tmp_path / "x", 12), tmp_path / "out", runs=tmp_path / "runs", **TINY)
    assert "512 pixels gives (512, 512)" in capsys.readouterr().out
    painted = sorted((tmp_path / "out").iterdir())
    assert len(painted) == 16
    with Image.open(painted[0]) as picture:
        assert (picture.mode, picture.size) == ("RGB", (32, 32))
    model = tmp_path / "runs" / "0001-x" / "model.safetensors"
    with pytest.raises(UsageError, match="network of its author's own"):
        ganvas.load(model)
    again = ganvas.load(model, generators={"generator": own.Waves()}).pictures([0])[0]
    with Image.open(painted[0]) as picture:
        assert again.tobytes() == picture.tobytes()


def test_an_own_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = example("own_task")
    settings = {**TINY, "size": 16, "lr": 1e-3, "lr_final": 1e-3, "kimg": 0.8, "burn_in_kimg": 0, "ema_kimg": 0.01}
    folder = write_folder(tmp_path / "x", {f"{row}.png": encoded(scene(row, 16, 16)) for row in range(12)})
    network = own.main(folder, runs=tmp_path / "runs", **settings)
    assert "0001-x/samples" in capsys.readouterr().out.replace("\\", "/")
    images = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert network(own.blur(images)).shape == images.shape
    scores = [json.loads(line) for line in (tmp_path / "runs" / "0001-x" / "scores.jsonl").read_text().splitlines()]
    assert min(score["pixels"] for score in scores) < 0.5 * scores[0]["pixels"]
    early = ganvas.load(
        tmp_path / "runs" / "0001-x" / "model.safetensors",
        generators={"sharpener": own.sharpener()},
        snapshot="faithful",
    )
    kept = early.generators["sharpener"]
    assert not torch.equal(kept(images), network(images))
    with pytest.raises(UsageError, match="trained for 'sharpen' and has no 'generator'"):
        early.sample([0])
