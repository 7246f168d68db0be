import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from ganvas.errors import FileError, UsageError
from ganvas.model.foreign import load_foreign


def srvgg(scale: int = 2, width: int = 24, depth: int = 3) -> dict[str, Tensor]:
    """Weights under the documented names of Real-ESRGAN's SRVGGNetCompact."""
    generator = torch.Generator().manual_seed(0)

    def conv(index: int, outside: int, inside: int) -> dict[str, Tensor]:
        weight = torch.randn(outside, inside, 3, 3, generator=generator) * 0.1
        return {f"body.{index}.weight": weight, f"body.{index}.bias": torch.randn(outside, generator=generator) * 0.1}

    state = conv(0, width, 3) | {"body.1.weight": torch.full((width,), 0.2)}
    for layer in range(depth):
        state |= conv(2 * layer + 2, width, width) | {f"body.{2 * layer + 3}.weight": torch.full((width,), 0.2)}
    return state | conv(2 * depth + 2, 3 * scale**2, width)


def published(state: dict[str, Tensor], picture: Tensor, scale: int) -> Tensor:
    """The network as its paper's repository has it, of pictures in [0, 1]."""
    x, last = picture, max(int(key.split(".")[1]) for key in state)
    for index in range(0, last + 1, 2):
        x = F.conv2d(x, state[f"body.{index}.weight"], state[f"body.{index}.bias"], padding=1)
        if index < last:
            x = F.prelu(x, state[f"body.{index + 1}.weight"])
    return F.pixel_shuffle(x, scale) + F.interpolate(picture, scale_factor=scale, mode="nearest")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("inside", [None, "params", "params_ema"])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_compact_networks_paint_as_published(tmp_path: Path, suffix: str, inside: str | None, scale: int) -> None:
    state, path = srvgg(scale), tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state if inside is None else {inside: state, "step": 7}, path)
    network: Any = load_foreign(path)
    assert (network.scale, network.stride_px, network.inputs) == (scale, 1, ())
    picture = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(1))
    wanted = published(state, picture, scale) * 2 - 1
    assert torch.allclose(network(picture * 2 - 1), wanted, atol=1e-5)


def test_half_precision_files_are_read(tmp_path: Path) -> None:
    save_file({key: value.half() for key, value in srvgg().items()}, tmp_path / "net.safetensors")
    assert all(weight.dtype == torch.float32 for weight in load_foreign(tmp_path / "net.safetensors").parameters())


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("evil-was-here"),))


def test_nothing_in_a_pickle_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": srvgg(), "extra": Evil()}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Evil()))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(FileError, match="holds more than weights, which is not read") as told:
            load_foreign(tmp_path / name)
        assert "weights_only" not in str(told.value)  # torch's own advice runs the file
    assert not (tmp_path / "evil-was-here").exists()


def test_files_that_are_no_networks(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"a": 1}, tmp_path / "numbers.pth")
    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04")
    (tmp_path / "cut.safetensors").write_bytes(b"123")
    for name in ("list.pth", "numbers.pth", "cut.pth", "cut.safetensors", "none.pth"):
        with pytest.raises(FileError):
            load_foreign(tmp_path / name)
    broken = srvgg()
    broken["body.2.weight"] = broken["body.2.weight"][:, :5]
    save_file({key: value.contiguous() for key, value in broken.items()}, tmp_path / "broken.safetensors")
    with pytest.raises(FileError, match="looks like a Compact network and is none that can be built"):
        load_foreign(tmp_path / "broken.safetensors")


@pytest.mark.parametrize("key", ["body.20000.weight", "body.2000000000.weight", f"body.{'9' * 5000}.weight"])
def test_layers_are_believed_only_where_all_of_them_are(tmp_path: Path, key: str) -> None:
    save_file(srvgg() | {key: torch.zeros(12, 24, 3, 3)}, tmp_path / "far.safetensors")
    with pytest.raises(FileError, match=r"looks like a Compact network .*Unexpected key") as told:
        load_foreign(tmp_path / "far.safetensors")
    assert len(str(told.value)) < 400
    few = {name: value for name, value in srvgg().items() if name.startswith("body.0")}
    save_file(few | {key: torch.zeros(12, 24, 3, 3)}, tmp_path / "few.safetensors")
    with pytest.raises(FileError, match="looks like a Compact network"):
        load_foreign(tmp_path / "few.safetensors")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"scale": 9}, "'scale' .* is 9, but .* from 1 to 8"), ({"depth": 33}, "'depth' .* is 33, but .* from 1 to 32")],
)
def test_a_network_larger_than_ours_may_be_is_refused(tmp_path: Path, arguments: dict[str, int], words: str) -> None:
    save_file(srvgg(width=2, **arguments), tmp_path / "large.safetensors")
    with pytest.raises(FileError, match=f"none that can be built .*{words}"):
        load_foreign(tmp_path / "large.safetensors")


def test_keys_that_are_no_names_are_refused(tmp_path: Path) -> None:
    state: dict[Any, Tensor] = {**srvgg(), 7: torch.zeros(1)}
    torch.save(state, tmp_path / "seven.pth")
    with pytest.raises(FileError, match="does not hold the weights of a network"):
        load_foreign(tmp_path / "seven.pth")


def test_without_spandrel_its_networks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.save({"conv.weight": torch.zeros(3, 3, 3, 3)}, tmp_path / "net.pth")
    with pytest.raises(UsageError, match=r"install 'ganvas\[spandrel\]' to read it"):
        load_foreign(tmp_path / "net.pth")


class Described(SimpleNamespace):
    """What spandrel says of a network, under the names it documents."""


class Loader:
    def __init__(self, device: str):
        assert device == "cpu"

    def load_from_state_dict(self, state: dict[str, Tensor]) -> Described:
        if "conv.weight" not in state:
            raise ValueError("unsupported")
        model = nn.Upsample(scale_factor=2)
        channels = int(state["conv.weight"].shape[0])
        sides = SimpleNamespace(multiple_of=4)
        return Described(model=model, scale=2, input_channels=3, output_channels=channels, size_requirements=sides)


def test_with_spandrel_they_are_brought_to_our_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("spandrel")
    fake.ModelLoader, fake.ImageModelDescriptor = Loader, Described  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spandrel", fake)
    torch.save({"conv.weight": torch.zeros(3, 3, 3, 3)}, tmp_path / "net.pth")
    network: Any = load_foreign(tmp_path / "net.pth")
    assert (network.scale, network.stride_px) == (2, 4)
    picture = torch.linspace(-1, 1, 48).view(1, 3, 4, 4)
    assert torch.allclose(network(picture), picture.repeat_interleave(2, 2).repeat_interleave(2, 3), atol=1e-6)
    torch.save({"conv.weight": torch.zeros(1, 3, 3, 3)}, tmp_path / "grey.pth")
    with pytest.raises(FileError, match="does not paint RGB pictures from RGB pictures"):
        load_foreign(tmp_path / "grey.pth")
    torch.save({"other.weight": torch.zeros(1)}, tmp_path / "odd.pth")
    with pytest.raises(FileError, match=r"spandrel does not know \(unsupported\)"):
        load_foreign(tmp_path / "odd.pth")
