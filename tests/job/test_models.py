from pathlib import Path

from ganvas.job.models import models
from tests.photo_models import write_model


def test_facts_of_what_is_installed(tmp_path: Path) -> None:
    write_model(tmp_path / "lakes.safetensors", "upscale")
    (facts,) = models(tmp_path)
    assert (facts["name"], facts["task"], facts["scale"]) == ("lakes", "upscale", 2)
    assert facts["scores"] == {"psnr": 30.5}
    assert facts["path"] == str(tmp_path / "lakes.safetensors")
