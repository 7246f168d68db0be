from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ganvas.errors import FileError, UsageError
from ganvas.image.provenance import SourceType
from ganvas.job.open_model import open_model
from ganvas.job.photo_options import PhotoOptions, PrecisionChoice
from ganvas.job.upscale import UpscaleRequest, upscale
from tests.job.conftest import Models
from tests.model.test_foreign import srvgg
from tests.photo_models import noise, read_picture, write_picture


def test_ours(models: Models) -> None:
    opened = open_model(models.shifted, "upscale", 2, "cpu", "float32")
    assert (opened.name, opened.scale, opened.stride_px, opened.two_ends) == ("shifted", 2, 1, True)
    given = torch.zeros(1, 3, 2, 2)
    assert opened.filter(1.0)(given).allclose(torch.zeros(()))
    assert opened.filter(0.0)(given).allclose(torch.tensor(0.1))
    assert not open_model(models.upscale, "upscale", 2, "cpu").two_ends


def test_a_run_folder_is_named_by_the_run(models: Models, tmp_path: Path) -> None:
    run = tmp_path / "0007-lakes"
    run.mkdir()
    (run / "model.safetensors").write_bytes(models.restore.read_bytes())
    assert open_model(run, "restore", 1, "cpu").name == "0007-lakes"


def test_a_network_of_others_enlarges_a_photograph(tmp_path: Path) -> None:
    state = srvgg(scale=2, width=8, depth=1)
    state["body.4.weight"].zero_()
    state["body.4.bias"].zero_()
    torch.save({"params": state}, tmp_path / "theirs.pth")
    pixels = noise(9, 9)
    source = write_picture(tmp_path / "in.png", pixels)
    options = PhotoOptions(model=tmp_path / "theirs.pth", device="cpu", tile="4")
    (receipt,) = upscale(UpscaleRequest(source, tmp_path / "out.png", options=options)).receipts
    assert receipt.models[0]["name"] == "theirs"
    assert receipt.source_type == SourceType.COMPOSITE  # nobody knows whether it invents
    assert np.array_equal(read_picture(tmp_path / "out.png").pixels, pixels.repeat(2, 0).repeat(2, 1))
    with pytest.raises(UsageError, match="enlarges ×2 and is no model for restore"):
        open_model(tmp_path / "theirs.pth", "restore", 1, "cpu")


def test_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"1234")
    with pytest.raises(FileError, match="is no model, or a damaged one"):
        open_model(tmp_path / "cut.safetensors", "upscale", 2, "cpu")


class Spied(torch.nn.Module):
    """A network of one convolution; tells whether it ran in bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.seen: list[bool] = []

    def forward(self, given: Tensor) -> Tensor:
        self.seen.append(torch.is_autocast_enabled("cpu"))
        painted: Tensor = self.body(given)
        return painted


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_that_of_the_network_alone(models: Models, precision: PrecisionChoice) -> None:
    spied = Spied()
    opened = replace(open_model(models.upscale, "upscale", 2, "cpu", precision), at=lambda fidelity: spied)
    given = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        painted, exact = opened.filter()(given), spied.body(given)
    assert spied.seen == [precision == "bfloat16"]
    assert painted.dtype == torch.float32
    assert torch.equal(painted, exact) == (precision == "float32")
    torch.testing.assert_close(painted, exact, atol=0.02, rtol=0)


@pytest.mark.parametrize("gains", [True, False])
def test_automatic_precision(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gains: bool) -> None:
    monkeypatch.setattr("ganvas.device.gains_from_bfloat16", lambda device: gains)
    assert open_model(models.upscale, "upscale", 2, "cpu").precision == ("bfloat16" if gains else "float32")
    assert open_model(models.upscale, "upscale", 2, "cpu", "float32").precision == "float32"
    torch.save({"params": srvgg(scale=2, width=8, depth=1)}, tmp_path / "theirs.pth")
    assert open_model(tmp_path / "theirs.pth", "upscale", 2, "cpu").precision == "float32"
    assert open_model(tmp_path / "theirs.pth", "upscale", 2, "cpu", "bfloat16").precision == "bfloat16"
