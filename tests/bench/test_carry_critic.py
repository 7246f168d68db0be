from pathlib import Path

import carry_critic
import pytest
import torch

from ganvas.model.load import read_descriptor
from ganvas.model.photo import load_photo_model
from tests.photo_models import write_model


def call(monkeypatch: pytest.MonkeyPatch, *arguments: Path | str) -> None:
    monkeypatch.setattr("sys.argv", ["carry_critic.py", *map(str, arguments)])
    carry_critic.main()


def test_the_change_of_a_critic_is_added_to_another_faithful_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_model(tmp_path / "source.safetensors", "upscale", bias=0.5)
    critic = write_model(tmp_path / "critic.safetensors", "upscale", bias=0.25, faithful=0.125)
    target = tmp_path / "both.safetensors"
    call(monkeypatch, source, critic, target, "--share", "0.5")
    before, both, other = (load_photo_model(path, device="cpu") for path in (source, target, critic))
    assert both.two_ends
    for key, value in before.faithful.items():
        assert torch.equal(both.faithful[key], value)
        torch.testing.assert_close(both.inventive[key], value + (other.inventive[key] - other.faithful[key]) / 2)
    card = read_descriptor(target).card
    assert card["critic_from"]["share"] == 0.5
    assert "scores" not in card


def test_models_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_model(tmp_path / "source.safetensors", "upscale")
    restore = write_model(tmp_path / "restore.safetensors", "restore", faithful=0.125)
    for critic, why in ((restore, "holds another network than"), (source, "has one end, so no critic changed")):
        with pytest.raises(SystemExit, match=why):
            call(monkeypatch, source, critic, tmp_path / "none.safetensors")
    assert not (tmp_path / "none.safetensors").exists()
