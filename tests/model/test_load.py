import json
import pickle
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganvas.errors import FileError, GanvasError, UnknownName, UsageError
from ganvas.model import load as module
from ganvas.model.descriptor import Descriptor, GeneratorSpec
from ganvas.model.load import load_model, read_descriptor
from ganvas.model.save import FORMAT, save_model
from ganvas.network.generator import build_generator
from tests.model.models import (
    LABELS,
    described_as,
    description,
    header_of,
    safetensors,
    small_network,
    write_model,
)
from tests.network.architectures import LATENT_DIM, NAMES

every_network = pytest.mark.parametrize("name", NAMES)


def refused(path: Path, words: str | None = None) -> str:
    """The one sentence a file is refused with."""
    with pytest.raises(FileError, match=words) as caught:
        load_model(path, device="cpu")
    assert str(path) in str(caught.value)
    return str(caught.value)


def redescribed(path: Path, **changes: Any) -> Path:
    """A good model whose description says something else."""
    write_model(path)
    raw = json.loads(description().to_json())
    return described_as(path, json.dumps({**raw, **changes}))


def with_arguments(path: Path, **arguments: Any) -> Path:
    raw = json.loads(description().to_json())
    raw["generators"]["generator"]["arguments"] |= arguments
    return redescribed(path, generators=raw["generators"])


def header_description(path: Path) -> Any:
    """The description in a file, as plain values."""
    return json.loads(header_of(path)[0]["__metadata__"]["descriptor"])


@every_network
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("channels", [1, 4])
def test_a_loaded_network_is_the_saved_one(tmp_path: Path, name: str, kind: str, channels: int) -> None:
    network = small_network(name, kind, channels)
    save_model(tmp_path / "m.safetensors", description(name, kind, channels), {"generator": network})
    model = load_model(tmp_path / "m.safetensors", device="cpu")
    assert model.descriptor == description(name, kind, channels)
    loaded = model.generators["generator"]
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    ours, theirs = network.state_dict(), loaded.state_dict()
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert all(tensor.device.type == "cpu" for tensor in (*loaded.parameters(), *loaded.buffers()))
    latents = torch.randn(3, LATENT_DIM, generator=torch.Generator().manual_seed(1))
    condition = torch.randn(3, len(LABELS[kind].names)) if kind != "none" else None
    with torch.no_grad():
        layout = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        assert torch.equal(loaded(latents, condition), layout(latents, condition))


def test_weights_outlive_their_file(tmp_path: Path) -> None:
    """Nothing stays mapped: Windows could not replace the file, and a shortened one would end the process."""
    path = write_model(tmp_path / "m.safetensors")
    model = load_model(path)
    before = model.sample([1])
    if sys.platform == "linux":
        assert str(path) not in Path("/proc/self/maps").read_text()
    path.write_bytes(b"")
    assert torch.equal(model.sample([1]), before)


def test_snapshots_by_name(tmp_path: Path) -> None:
    final, early = small_network(), small_network()
    with torch.no_grad():
        for parameter in early.parameters():
            parameter.mul_(0.5)
    kept = {f"early/generator/{key}": value for key, value in early.state_dict().items()}
    save_model(tmp_path / "m.safetensors", description(), {"generator": final}, kept)
    loaded = load_model(tmp_path / "m.safetensors", snapshot="early").generators["generator"].state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in early.state_dict().items())
    for name in ("late", "", "early/generator"):
        with pytest.raises(UsageError, match=f"has no snapshot '{name.split('/')[0]}'|does not hold"):
            load_model(tmp_path / "m.safetensors", snapshot=name)


def test_a_network_of_ones_own_must_be_handed_in(tmp_path: Path) -> None:
    described = Descriptor("generate", (9, 12), 3, LATENT_DIM, {"generator": GeneratorSpec("custom", {})})
    own = small_network()
    save_model(tmp_path / "m.safetensors", described, {"generator": own})
    with pytest.raises(UsageError, match=r"pass it as generators=\{'generator': network\}"):
        load_model(tmp_path / "m.safetensors")
    blank = small_network()
    with torch.no_grad():
        for parameter in blank.parameters():
            parameter.zero_()
    model = load_model(tmp_path / "m.safetensors", generators={"generator": blank})
    assert model.generators["generator"] is blank
    assert all(torch.equal(blank.state_dict()[key], value) for key, value in own.state_dict().items())
    with pytest.raises(FileError, match="does not hold the weights"):
        load_model(tmp_path / "m.safetensors", generators={"generator": nn.Linear(2, 2)})
    with pytest.raises(UnknownName, match=r"generator 'generater' in this model. Did you mean 'generator'"):
        load_model(tmp_path / "m.safetensors", generators={"generater": blank})


def test_no_model_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        refused(path, "There is no model file")


def test_files_of_other_kinds(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    for content in (b"", b"\0", b"PK\3\4" + bytes(99), b"\x89PNG\r\n\x1a\n" + bytes(99), b"{}", bytes(64)):
        path.write_bytes(content)
        refused(path, "is no model, or a damaged one")
    save_file({"weight": torch.zeros(2)}, path)
    refused(path, "not a ganvas model")
    save_file({"weight": torch.zeros(2)}, path, metadata={"format": FORMAT})
    refused(path, "not a ganvas model")
    save_file({"weight": torch.zeros(2)}, path, metadata={"format": "ganvas-model-2", "descriptor": "{}"})
    refused(path, "not a ganvas model")


class Bomb:
    """Unpickled, it would leave a file behind."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path.touch, (self.proof,))


def test_pickles_are_not_executed(tmp_path: Path) -> None:
    proof, path = tmp_path / "executed", tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps(Bomb(proof)))
    refused(path)
    torch.save({"generator": Bomb(proof)}, path)
    refused(path)
    redescribed(path, generators={"generator": {"architecture": "os.system", "arguments": {"command": "true"}}})
    refused(path, "no generator 'os.system'")
    assert not proof.exists()
    pickle.loads(pickle.dumps(Bomb(proof)))
    assert proof.exists()  # the bomb is a real one


@pytest.mark.parametrize("length", [2, 10**8 + 1, 2**40, 2**62, 2**64 - 1])
def test_a_header_that_lies_about_its_length(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{}"[:1])
    refused(path, "is no model, or a damaged one")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]},
        {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]},
        {"dtype": "F32", "shape": [1], "data_offsets": [2**63, 2**63 + 4]},
        {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32"},
        [],
        None,
    ],
)
def test_tensors_that_lie_about_their_place(tmp_path: Path, entry: Any) -> None:
    path = tmp_path / "m.safetensors"
    metadata = {"format": FORMAT, "descriptor": description().to_json()}
    path.write_bytes(safetensors({"__metadata__": metadata, "generator/x": entry}, bytes(4)))
    refused(path, "is no model, or a damaged one")


def test_cut_off_anywhere(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "m.safetensors").read_bytes()
    for length in (0, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "m.safetensors").write_bytes(whole[:length])
        refused(tmp_path / "m.safetensors")


def test_a_description_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.safetensors")
    refused(described_as(path, "[" * 2_000_000), "under 1 MB")
    refused(described_as(path, "[" * 900_000), "damaged")
    refused(described_as(path, '{"a":' * 150_000), "damaged")


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 10**9}, {"width": 2**70}, {"width": 0}, {"width": "12"}, {"width": 1.5}, {"width": True},
        {"width": [12]}, {"depth": 10**6}, {"size": [8192, 8192], "width": 8192}, {"size": [10**6, 10**6]},
        {"size": [0, 0]}, {"size": [9]}, {"size": "9x12"}, {"channels": 2}, {"latent_dim": 0}, {"label_dim": -1},
        {"bounded": "yes"}, {"__class__": "x"}, {"command": "true"}, {"size": [[9], [12]]}, {"depth": None},
    ],
)  # fmt: skip
def test_absurd_arguments_allocate_nothing(
    tmp_path: Path, arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_shapes(tensor: Tensor, *rest: Any, **more: Any) -> Tensor:
        raise AssertionError("weights were drawn")

    monkeypatch.setattr(module, "_fill_", only_shapes)
    refused(with_arguments(tmp_path / "m.safetensors", **arguments))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The generators built since, by architecture."""
    names: list[str] = []

    def watched(name: str, arguments: Any) -> nn.Module:
        names.append(name)
        return build_generator(name, arguments)

    monkeypatch.setattr(module, "build_generator", watched)
    return names


@pytest.mark.parametrize("missing", ["no key", "an empty tensor", "too few elements"])
def test_nothing_is_built_where_weights_are_missing(tmp_path: Path, built: list[str], missing: str) -> None:
    """A few kilobytes that describe many large networks must not keep the processor busy."""
    path = tmp_path / "m.safetensors"
    spec = json.loads(description().to_json())["generators"]["generator"]
    redescribed(path, generators={"generator": spec, "other": spec})
    tensors = load_file(path)
    if missing != "no key":
        tensors["other/x"] = torch.zeros(0 if missing == "an empty tensor" else LATENT_DIM - 1)
    save_file(tensors, path, metadata={"format": FORMAT, "descriptor": json.dumps(header_description(path))})
    count = len(tensors["other/x"]) if "other/x" in tensors else 0
    refused(path, rf"does not hold the weights it describes \({count} of 'other', which needs {LATENT_DIM} or more\)")
    assert built == []


def test_the_first_network_that_does_not_fit_is_the_last_one_built(tmp_path: Path, built: list[str]) -> None:
    path = tmp_path / "m.safetensors"
    spec = json.loads(description().to_json())["generators"]["generator"]
    names = [f"g{number}" for number in range(16)]
    redescribed(path, generators=dict.fromkeys(["generator", *names[1:]], spec))
    text = json.dumps(header_description(path))
    tensors = {**load_file(path), **{f"{name}/x": torch.zeros(LATENT_DIM) for name in names}}
    save_file(tensors, path, metadata={"format": FORMAT, "descriptor": text})
    refused(path, "first differences")
    assert built == ["mlp", "mlp"]


def test_networks_are_laid_out_without_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A description of two gigabytes of weights beside a file that holds none."""
    seen: list[str] = []

    def watched(name: str, arguments: Any) -> nn.Module:
        network = build_generator(name, arguments)
        seen.extend(parameter.device.type for parameter in network.parameters())
        return network

    monkeypatch.setattr(module, "build_generator", watched)
    refused(
        with_arguments(tmp_path / "m.safetensors", width=8192, depth=7), "has 'hidden.0.weight' as|first differences"
    )
    assert set(seen) == {"meta"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": [12, 9]}, "size"),
        ({"channels": 1}, "channels"),
        ({"latent_dim": 7}, "latent_dim"),
        ({"labels": {"kind": "class", "names": ["a"], "mean": [], "std": []}}, "label_dim"),
    ],
)
def test_a_description_that_contradicts_itself(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    refused(redescribed(tmp_path / "m.safetensors", **changes), rf"in two ways \({words} of 'generator'\)")


def rewritten(path: Path, change: Callable[[dict[str, Tensor]], None]) -> Path:
    from safetensors.torch import load_file

    write_model(path)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": FORMAT, "descriptor": description().to_json()})
    return path


KEY = "generator/hidden.0.weight"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop(KEY), "first differences: 'hidden.0.weight'"),
        (lambda t: t.update({"generator/extra": torch.zeros(1)}), "first differences: 'extra'"),
        (lambda t: t.update({"generator/" + "x" * 5000: torch.zeros(1)}), "first differences: 'xxx"),
        (lambda t: t.update({KEY: t[KEY].T.contiguous()}), r"'hidden.0.weight' as \(6, 12\), .* means \(12, 6\)"),
        (lambda t: t.update({KEY: torch.zeros(0)}), r"as \(0,\)"),
        (lambda t: t.update({KEY: t[KEY].double()}), "in torch.float64, but its description means torch.float32"),
        (lambda t: t.update({KEY: t[KEY].bool()}), "in torch.bool"),
        (lambda t: t.update({KEY: t[KEY].half()}), "in torch.float16"),
        (lambda t: t.clear(), "0 of 'generator'"),
    ],
)
def test_weights_that_do_not_fit_the_description(
    tmp_path: Path, change: Callable[[dict[str, Tensor]], None], words: str
) -> None:
    sentence = refused(rewritten(tmp_path / "m.safetensors", change), words)
    assert len(sentence) < 400 + len(str(tmp_path))


def test_tensors_of_nobody_are_left_alone(tmp_path: Path) -> None:
    path = rewritten(tmp_path / "m.safetensors", lambda t: t.update({"other/x": torch.zeros(1)}))
    assert load_model(path).sample([0]).shape == (1, 3, 9, 12)


@pytest.mark.parametrize("seed", range(4))
def test_fuzzed_bytes_are_refused_or_read(tmp_path: Path, seed: int) -> None:
    """Any change of a file ends in a sentence or in a model that paints; never in another exception."""
    chance = random.Random(seed)
    path = write_model(tmp_path / "m.safetensors", kind="attributes")
    whole = path.read_bytes()
    header_bytes = 8 + int.from_bytes(whole[:8], "little")
    refusals = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            position = chance.randrange(header_bytes if chance.random() < 0.8 else len(content))
            content[position] = chance.choice([chance.randrange(256), content[position] ^ 1 << chance.randrange(8)])
        path.write_bytes(content)
        try:
            assert load_model(path, device="cpu").sample([0, 1]).shape[0] == 2
        except GanvasError:
            refusals += 1
    assert refusals > 20


def test_reading_the_description_reads_no_weights(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.safetensors", "fast", "class")
    header, data = header_of(path)
    path.write_bytes(safetensors(header, np.full(len(data), 255, np.uint8).tobytes()))
    assert read_descriptor(path) == description("fast", "class")
