import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.errors import FileError
from ganvas.network.features.state import fill_, fingerprint, read_state
from tests.network.features.networks import shaken


class Small(nn.Module):
    """A convolution and its normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(images))
        return out


class Harmful:
    """What a pickle can do to whoever reads it."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("counters", [True, False])
def test_a_file_fills_a_network_with_or_without_counters(tmp_path: Path, zipped: bool, counters: bool) -> None:
    network = shaken(Small())
    state = {key: value for key, value in network.state_dict().items() if counters or "tracked" not in key}
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with torch.device("meta"):
        other = Small()
    fill_(other, read_state(tmp_path / "w.pth"), "w.pth")
    images = torch.randn(2, 3, 5, 5)
    assert torch.equal(other.eval()(images), network.eval()(images))
    assert not any(value.is_meta for value in other.state_dict().values())


@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_in_a_file_is_executed(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "executed"
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"a": Harmful(mark)}, protocol=protocol))
    torch.save({"a": Harmful(mark)}, tmp_path / "zipped.pth")
    for name in ("w.pth", "zipped.pth"):
        with pytest.raises(FileError, match=f"{name}' is not a readable file of PyTorch weights"):
            read_state(tmp_path / name)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no weights at all", bytes(1000)])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(FileError, match="is not a readable file"):
        read_state(tmp_path / "w.pth")


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    for zipped in (True, False):
        torch.save(Small().state_dict(), tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
        whole = (tmp_path / "w.pth").read_bytes()
        for part in (0.1, 0.5, 0.9, 0.99):
            (tmp_path / "w.pth").write_bytes(whole[: int(part * len(whole))])
            with pytest.raises(FileError, match="get it again"):
                read_state(tmp_path / "w.pth")


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="not a readable file"):
        read_state(tmp_path / "none.pth")


@pytest.mark.parametrize("content", [torch.zeros(3), [torch.zeros(3)], {"a": 1}, {1: torch.zeros(3)}])
def test_anything_but_named_tensors_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(FileError, match="something else than named tensors"):
        read_state(tmp_path / "w.pth")


def without(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if key != "conv.bias"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without, r"weights of another network .*'conv\.bias'"),
        (lambda state: state | {"other": torch.zeros(1)}, r"another network .*'other'"),
        (lambda state: state | {"conv.bias": torch.zeros(1)}, r"'conv\.bias' as \(1,\) .* where \(2,\)"),
        (lambda state: state | {"conv.bias": torch.zeros(2).half()}, "float16 where"),
        (lambda state: state | {"norm.running_var": torch.tensor([1, torch.nan])}, "not finite"),
        (lambda state: {}, "another network"),
    ],
)
def test_values_of_another_network_are_refused(change: Callable[[Any], dict[str, Tensor]], words: str) -> None:
    network = Small()
    before = network.conv.weight.clone()
    with pytest.raises(FileError, match=words) as caught:
        fill_(network, change(network.state_dict()), "w.pth")
    assert "'w.pth'" in str(caught.value)
    assert torch.equal(network.conv.weight, before)


def test_a_fingerprint_is_of_names_shapes_kinds_and_values() -> None:
    first = fingerprint(shaken(Small()))
    assert len(first) == 64
    assert fingerprint(shaken(Small())) == first
    assert fingerprint(shaken(Small()).to(memory_format=torch.channels_last)) == first  # type: ignore[call-overload]
    weight, buffer = shaken(Small()), shaken(Small())
    assert buffer.norm.running_mean is not None
    with torch.no_grad():
        weight.conv.weight[1, 2, 0, 0] += 1e-6
        buffer.norm.running_mean[0] = 1
    renamed, reshaped = nn.Sequential(shaken(Small())), shaken(Small())
    reshaped.conv.weight = nn.Parameter(reshaped.conv.weight.detach().reshape(2, 9, 3, 1))
    others = [fingerprint(one) for one in (weight, buffer, renamed, reshaped, shaken(Small()).double())]
    assert len({first, *others}) == 6


def test_a_counter_of_training_steps_is_no_part_of_a_fingerprint() -> None:
    network = shaken(Small())
    first = fingerprint(network)
    assert network.norm.num_batches_tracked is not None
    network.norm.num_batches_tracked.add_(7)
    assert fingerprint(network) == first
