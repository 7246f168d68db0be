from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ganvas.draw import Draw
from ganvas.errors import FileError, UsageError
from ganvas.job.carry import Warmth, inherited, read_warmth
from ganvas.model.descriptor import Descriptor, GeneratorSpec
from ganvas.model.load import load_model
from ganvas.model.save import save_model
from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator
from ganvas.network.layers.widths import r3_widths
from ganvas.tensors import to_levels
from ganvas.training.checkpoint import checkpoint_path, checkpoint_steps, read_checkpoint
from tests.network.architectures import NAMES, perturbed


def generator(name: str = "mlp", size: int = 8, label_dim: int = 0, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    own = {"r3": {"widths": [16] * (2 if size == 8 else 3), "blocks": 1}}.get(name, {"width": 4})
    shape = {"size": [size, size], "channels": 3, "latent_dim": 5, "label_dim": label_dim}
    return build_generator(name, {**shape, **own})


def warmed(
    old: nn.Module, new: nn.Module, old_labels: tuple[str, ...] = (), new_labels: tuple[str, ...] = ()
) -> list[str]:
    said: list[str] = []
    network = Warmth({"generator": old.state_dict()}, old_labels, new_labels, said.append).warm_(new, "generator")
    assert network is new
    return said


@pytest.mark.parametrize("name", NAMES)
def test_an_equal_network_becomes_the_old_one(name: str) -> None:
    old, new = generator(name), generator(name, seed=1)
    assert not all(torch.equal(a, b) for a, b in zip(old.parameters(), new.parameters(), strict=True))
    (sentence,) = warmed(old, new)
    count = len(old.state_dict())
    assert sentence == f"generator: {count} of {count} tensors carried over."
    latent = Draw(0, 3).normal(5)
    assert torch.equal(old.eval()(latent), new.eval()(latent))


@pytest.mark.parametrize("name", NAMES)
def test_a_class_is_carried_by_its_name(name: str) -> None:
    """Of a, b, c the new model knows c, a and a new one: each must be painted as the old model paints it."""
    old, new = perturbed(generator(name, label_dim=3)), generator(name, label_dim=3, seed=1)
    warmed(old, new, ("a", "b", "c"), ("c", "new", "a"))
    latent, classes = Draw(0, 3).normal(5), torch.eye(3)
    before, after = old.eval()(latent, classes[[2, 1, 0]]), new.eval()(latent, classes)
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    assert not torch.equal(after[1], before[1])


def test_a_critic_keeps_the_classes_it_knows() -> None:
    arguments = {"size": [8, 8], "channels": 1, "width": 4}
    old = build_discriminator("fast", {**arguments, "label_dim": 2})
    new = build_discriminator("fast", {**arguments, "label_dim": 4})
    said: list[str] = []
    labels = ("a", "b"), ("0", "1", "b", "3")
    Warmth({"discriminator": old.state_dict()}, *labels, said.append).warm_(new, "discriminator")
    assert "new are" not in said[0]
    images = Draw(0, 2).normal(1, 8, 8)
    before = old(images, torch.eye(2)[[1, 1]]).score()
    after = new(images, torch.eye(4)[[2, 2]]).score()
    torch.testing.assert_close(before, after)


def test_what_is_new_is_said() -> None:
    old, new = generator("fast"), generator("fast", label_dim=2)
    fresh = {key: value.clone() for key, value in new.state_dict().items()}
    (sentence,) = warmed(old, new, (), ("a", "b"))
    total = len(new.state_dict())
    assert (
        sentence == f"generator: {total - 2} of {total} tensors carried over, new are {', '.join(changed(fresh, new))}."
    )
    (sentence,) = warmed(generator("mlp"), generator("fast"))
    assert sentence.startswith("generator: 0 of ")
    assert sentence.endswith(" ….")


def changed(before: dict[str, torch.Tensor], network: nn.Module) -> list[str]:
    """The tensors a network still has as they were built, by an independent look."""
    return [key for key, value in network.state_dict().items() if torch.equal(before[key], value) and value.any()]


def test_no_shared_class_means_a_new_layer() -> None:
    (sentence,) = warmed(generator(label_dim=2), generator(label_dim=2), ("a", "b"), ("c", "d"))
    assert "new are latent.embed.weight" in sentence


def test_another_size_keeps_what_fits() -> None:
    old, new = generator("dcgan"), generator("dcgan", size=16)
    (sentence,) = warmed(old, new)
    assert sentence.startswith("generator: ")
    assert new(Draw(0, 2).normal(5)).shape == (2, 3, 16, 16)


def described(path: Path, size: tuple[int, int] = (8, 8), **config: Any) -> Path:
    """A model file whose card says how it was trained."""
    description = Descriptor(
        "generation", size, 3, 5, {"generator": GeneratorSpec("custom", {})}, card={"config": config}
    )
    save_model(path / "model.safetensors", description, {"generator": nn.Linear(2, 2)})
    return path


@pytest.mark.parametrize("name", ["fast", "dcgan", "resnet", "r3"])
@pytest.mark.parametrize("larger", [True, False])
def test_another_size_keeps_the_coarse_stages(name: str, larger: bool, tmp_path: Path) -> None:
    """Four stages of 32 pixels are the coarse ones of the five of 64, in both networks and in both directions."""
    old_px, new_px = (32, 64) if larger else (64, 32)
    options = {"generator": name, "discriminator": name, "width": 8, "blocks": 1, "latent_dim": 5}
    model = described(tmp_path, (old_px, old_px), **options)
    new_width = inherited(model, {}, (new_px, new_px))["width"]
    for kind, build, own in (
        ("generator", build_generator, {"latent_dim": 5}),
        ("discriminator", build_discriminator, {}),
    ):
        old, new = (
            build(name, {"size": [px, px], "channels": 3, **own, **widths(name, px, width)})
            for px, width in ((old_px, 8), (new_px, new_width))
        )
        source = perturbed(old).state_dict()
        Warmth({kind: source}, (), (), lambda sentence: None).warm_(new, kind)
        carried = [
            key
            for key, value in new.state_dict().items()
            if key in source and source[key].shape == value.shape and torch.equal(source[key], value)
        ]
        assert len(carried) >= 0.85 * min(len(source), len(new.state_dict()))


def widths(name: str, px: int, width: int) -> dict[str, Any]:
    return {"widths": list(r3_widths((px, px), width)), "blocks": 1} if name == "r3" else {"width": width}


def test_the_old_architecture_is_taken_unless_another_is_asked_for(tmp_path: Path) -> None:
    options: dict[str, Any] = {"generator": "fast", "discriminator": "r3", "width": 32, "blocks": 2, "latent_dim": 5}
    model = described(tmp_path, **options, kimg=3)
    assert inherited(model, {}, (8, 8)) == options
    assert inherited(model, {"width": 8, "lr": 0.1}, (8, 8)) == {k: v for k, v in options.items() if k != "width"}
    assert inherited(model, {"network": "mlp"}, (8, 8)) == {}
    assert inherited(model, {"discriminator": "fast"}, (8, 8)) == {}
    assert inherited(model, {"generator": "custom"}, (8, 8)) == {}
    assert [inherited(model, {}, (px, px))["width"] for px in (4, 16, 32, 1024)] == [64, 16, 8, 4]


def test_a_model_of_its_authors_own_says_nothing_of_networks(tmp_path: Path) -> None:
    assert inherited(described(tmp_path, generator="custom", discriminator="fast"), {}, (8, 8)) == {}
    assert inherited(described(tmp_path), {}, (8, 8)) == {}


def test_a_card_from_elsewhere_is_not_trusted(tmp_path: Path) -> None:
    model = described(tmp_path, generator="fast", discriminator="fast", width="wide")
    with pytest.raises(UsageError, match=r"--width is 'wide' in the card of '.*', but it must be a number"):
        inherited(model, {}, (8, 8))


def test_a_run_gives_both_networks_and_a_file_alone_the_generator(class_run: Path, tmp_path: Path) -> None:
    newest = checkpoint_path(class_run / "checkpoints", checkpoint_steps(class_run / "checkpoints")[-1])
    checkpoint, _ = read_checkpoint(newest)
    warmth = read_warmth(class_run)
    assert set(warmth.networks) == {"generator", "discriminator"}
    for key, value in warmth.networks["discriminator"].items():
        assert torch.equal(value, checkpoint[f"network.discriminator/{key}"])
    for key, value in warmth.networks["generator"].items():
        assert torch.equal(value, checkpoint[f"average.generator/{key}"])
    assert warmth.old_labels == ("coat", "dress", "shoe")
    (tmp_path / "alone.safetensors").write_bytes((class_run / "model.safetensors").read_bytes())
    assert set(read_warmth(tmp_path / "alone.safetensors").networks) == {"generator"}


def test_the_old_model_stays_as_it_is(plain_run: Path) -> None:
    before = to_levels(load_model(plain_run / "model.safetensors").sample([1]))
    warmth = read_warmth(plain_run)
    network = load_model(plain_run / "model.safetensors").generators["generator"]
    with torch.no_grad():
        for parameter in warmth.warm_(network, "generator").parameters():
            parameter.zero_()
    assert (to_levels(load_model(plain_run / "model.safetensors").sample([1])) == before).all()


def test_there_must_be_a_generator(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no model file"):
        read_warmth(tmp_path)
    description = Descriptor("two-way", (8, 8), 3, 4, {"a_to_b": GeneratorSpec("custom", {})})
    save_model(tmp_path / "model.safetensors", description, {"a_to_b": nn.Linear(2, 2)})
    with pytest.raises(FileError, match="has no generator to start from; it was trained for 'two-way'"):
        read_warmth(tmp_path)
