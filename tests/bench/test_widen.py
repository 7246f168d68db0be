"""A wider network that begins as a narrower one."""

from pathlib import Path

import pytest
import torch
import widen
from torch import nn

from ganvas.model.photo import load_photo_model
from ganvas.network.image_to_image import build_image_to_image
from tests.photo_models import write_model

ARGUMENTS = {"inputs": ["strength"], "channels_out": 3, "width": 8, "max_width": 32, "blocks": 2, "block": "depthwise"}


def network(seed: int, width: int = 8) -> nn.Module:
    torch.manual_seed(seed)
    built = build_image_to_image("unet", {**ARGUMENTS, "width": width, "max_width": 4 * width})
    for parameter in built.parameters():
        nn.init.normal_(parameter, std=0.1)  # so that branches and the last convolution, which start at zero, count
    return built.eval()


def without_norm(built: nn.Module) -> nn.Module:
    for module in list(built.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.LayerNorm):
                setattr(module, name, nn.Identity())
    return built


def test_but_for_the_norms_it_paints_the_same() -> None:
    narrow, wide = network(0), network(1, 12)
    wide.load_state_dict(widen.wider_restorer(narrow.state_dict(), 12))
    given = torch.rand(1, 4, 32, 32)
    with torch.no_grad():
        assert not torch.allclose(narrow(given), given[:, :3], atol=0.1)
        torch.testing.assert_close(without_norm(wide)(given), without_norm(narrow)(given), atol=1e-4, rtol=1e-4)


def test_twice_as_wide_it_paints_the_same() -> None:
    narrow, wide = network(0), network(1, 16)
    wide.load_state_dict(widen.wider_restorer(narrow.state_dict(), 16))
    given = torch.rand(1, 4, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(wide(given), narrow(given), atol=1e-4, rtol=1e-4)


def test_a_wider_upscaler_paints_the_same() -> None:
    torch.manual_seed(0)
    narrow = build_image_to_image("plain", {"scale": 2, "width": 8, "depth": 3})
    for parameter in narrow.parameters():
        nn.init.normal_(parameter, std=0.1)
    wide = build_image_to_image("plain", {"scale": 2, "width": 12, "depth": 3})
    wide.load_state_dict(widen.wider_upscaler(narrow.state_dict(), 12))
    given = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert not torch.allclose(narrow(given), given.repeat_interleave(2, 2).repeat_interleave(2, 3), atol=0.1)
        torch.testing.assert_close(wide(given), narrow(given), atol=1e-4, rtol=1e-4)


def test_copies_have_lives_of_their_own() -> None:
    wide = network(1, 16)
    wide.load_state_dict(widen.wider_restorer(network(0).state_dict(), 16))
    wide(torch.rand(1, 4, 32, 32)).square().mean().backward()
    gradient = wide.get_parameter("from_image.weight").grad
    assert gradient is not None
    assert (gradient[:8] - gradient[8:]).abs().max() > 0.01 * gradient.abs().max()


def test_a_file_is_widened_and_others_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "restore.safetensors", tmp_path / "wide.safetensors"
    write_model(source, "restore", bias=0.25, block="depthwise")
    call(monkeypatch, source, target, "--width", "12")
    model, wide = load_photo_model(source, device="cpu"), load_photo_model(target, device="cpu")
    assert wide.descriptor.generators["generator"].arguments["width"] == 12
    assert wide.photo == model.photo
    assert wide.descriptor.card == {"licence": "CC0", "data": "drawn", "config": {"width": 12}}
    given = torch.rand(1, 4, 16, 16)
    torch.testing.assert_close(wide.at(1)(given), model.at(1)(given))
    dense = write_model(tmp_path / "dense.safetensors", "restore")
    for path, width, why in (
        (dense, "12", "only these are widened"),
        (source, "8", "must be 9 to 16"),
        (source, "17", "9"),
    ):
        with pytest.raises(SystemExit, match=why):
            call(monkeypatch, path, tmp_path / "none.safetensors", "--width", width)
    assert not (tmp_path / "none.safetensors").exists()


def call(monkeypatch: pytest.MonkeyPatch, *arguments: Path | str) -> None:
    monkeypatch.setattr("sys.argv", ["widen.py", *map(str, arguments)])
    widen.main()
