import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ganvas.errors import DataError, FileError
from ganvas.model.descriptor import Descriptor, LabelSpec
from ganvas.model.save import FORMAT, save_model
from tests.model.models import description, header_of, small_network


def test_the_file_holds_weights_and_description(tmp_path: Path) -> None:
    network = small_network("dcgan")
    snapshots = {"faithful/generator/x": torch.arange(3.0)}
    save_model(tmp_path / "m.safetensors", description("dcgan"), {"generator": network}, snapshots)
    header, _ = header_of(tmp_path / "m.safetensors")
    assert set(header["__metadata__"]) == {"format", "descriptor"}
    assert header["__metadata__"]["format"] == FORMAT
    assert json.loads(header["__metadata__"]["descriptor"]) == json.loads(description("dcgan").to_json())
    tensors = load_file(tmp_path / "m.safetensors")
    weights = {f"generator/{key}": value for key, value in network.state_dict().items()}
    assert set(tensors) == {*weights, "snapshot/faithful/generator/x"}
    assert all(torch.equal(tensors[key], value) for key, value in weights.items())


def test_any_layout_of_weights_can_be_written(tmp_path: Path) -> None:
    """Weights that share memory, lie in channels_last or are slices."""
    network = nn.Module()
    whole = nn.Parameter(torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last))
    network.register_parameter("whole", whole)
    network.register_parameter("same", whole)
    network.register_buffer("slice", whole.detach()[..., ::2])
    save_model(tmp_path / "m.safetensors", description(), {"generator": network})
    tensors = load_file(tmp_path / "m.safetensors")
    assert torch.equal(tensors["generator/whole"], torch.arange(24.0).view(1, 2, 3, 4))
    assert torch.equal(tensors["generator/same"], tensors["generator/whole"])
    assert torch.equal(tensors["generator/slice"], tensors["generator/whole"][..., ::2])


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, description(), {"generator": small_network()})
    before = path.read_bytes()
    many = LabelSpec("class", tuple(f"{number:0200d}" for number in range(6000)))
    with pytest.raises(DataError):
        save_model(path, Descriptor("generate", (9, 12), 3, 6, {}, many), {"generator": small_network()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileError, match="Cannot write"):
        save_model(tmp_path / "none" / "m.safetensors", description(), {"generator": small_network()})
