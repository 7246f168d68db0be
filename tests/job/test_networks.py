import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganvas.data.labels import Labels, attribute_labels, class_labels, no_labels
from ganvas.draw import Draw
from ganvas.errors import UsageError
from ganvas.job.networks import Own, build_task, describe, fingerprint
from ganvas.job.plan import NETWORKS, Pictures, complete
from ganvas.network.generator import build_generator
from ganvas.tensors import Judgement
from ganvas.training.config import TrainConfig

NONE = no_labels(4, "")
CLASSES = class_labels(["a", "b", "c", "b"], "")
ATTRIBUTES = attribute_labels(["age", "height"], np.array([[1.0, 5], [2, 5], [3, 6], [6, 8]]), "")
every_label = pytest.mark.parametrize("labels", [NONE, CLASSES, ATTRIBUTES], ids=["none", "class", "attributes"])


def config(**given: Any) -> TrainConfig:
    base = {"width": 16 if given.get("network") == "r3" else 4, "latent_dim": 6, "precision": "float32"}
    return complete({**base, **given}, Pictures(100, (8, 12), 3), torch.device("cpu"))


class Squares(nn.Module):
    """Somebody's own generator."""

    def __init__(self) -> None:
        super().__init__()
        self.paint = nn.Linear(6, 3 * 8 * 12)

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = torch.tanh(self.paint(latents)).unflatten(1, (3, 8, 12))
        return images


class Taste(nn.Module):
    """Somebody's own discriminator."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Linear(3 * 8 * 12, 1)

    def forward(self, images: Tensor) -> Judgement:
        return Judgement((self.judge(images.flatten(1)).squeeze(1),))


@every_label
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_fit_pictures_and_labels(network: str, labels: Labels) -> None:
    task = build_task(config(network=network), labels)
    players = task.players().networks()
    condition = torch.eye(3)[:2, : len(labels.names)] if labels.names else None
    images = players["generator"](Draw(0, 2).normal(6), condition)
    assert images.shape == (2, 3, 8, 12)
    assert players["discriminator"](images, condition).score().shape == (2,)


@every_label
@pytest.mark.parametrize("network", NETWORKS)
def test_the_description_rebuilds_the_generator(network: str, labels: Labels) -> None:
    settings = config(network=network)
    task = build_task(settings, labels)
    described = describe(task, ["generator"], settings, labels, {})
    spec = json.loads(described.to_json())["generators"]["generator"]
    rebuilt, built = build_generator(spec["architecture"], spec["arguments"]), task.players().generators["generator"]
    assert repr(rebuilt) == repr(built)
    assert {k: v.shape for k, v in rebuilt.state_dict().items()} == {k: v.shape for k, v in built.state_dict().items()}
    assert (described.labels.kind, described.labels.names) == (labels.kind, labels.names)
    assert (described.size, described.channels, described.latent_dim) == ((8, 12), 3, 6)


def test_attributes_are_described_with_their_scale() -> None:
    settings = config()
    spec = describe(build_task(settings, ATTRIBUTES), ["generator"], settings, ATTRIBUTES, {}).labels
    assert spec.mean == (3.0, 6.0)
    np.testing.assert_allclose(spec.std, [np.sqrt(3.5), np.sqrt(1.5)])


def test_the_two_networks_may_differ() -> None:
    players = build_task(config(generator="mlp", discriminator="dcgan"), NONE).players().networks()
    assert [type(players[name]).__name__ for name in ("generator", "discriminator")] == [
        "MlpGenerator",
        "DcganDiscriminator",
    ]


def test_batchnorm_is_refused_where_the_penalty_looks_at_each_picture() -> None:
    with pytest.raises(UsageError, match=r"--penalty is 'r1'.*--no-batchnorm"):
        build_task(config(network="dcgan", batchnorm=True, penalty="r1", size=(16, 16)), NONE).players()
    build_task(config(network="dcgan", batchnorm=True, penalty="none", size=(16, 16)), NONE).players()


def test_own_networks_are_copied_at_every_start() -> None:
    own = Own(Squares(), Taste())
    before = {key: value.clone() for key, value in Squares().state_dict().items()}
    own_generator = own.generator
    assert own_generator is not None
    own_generator.load_state_dict(before)
    task = build_task(config(generator="custom", discriminator="custom"), NONE, own)
    players = task.players().networks()
    with torch.no_grad():
        for network in players.values():
            for parameter in network.parameters():
                parameter.zero_()
    assert all(torch.equal(value, before[key]) for key, value in own_generator.state_dict().items())
    assert all(p.any() for p in task.players().networks()["discriminator"].parameters())
    assert task.descriptor() == {}
    described = describe(task, ["generator"], config(), NONE, {})
    assert described.generators["generator"].architecture == "custom"


def test_one_own_network_plays_against_a_built_one() -> None:
    players = build_task(config(generator="custom"), NONE, Own(Squares())).players().networks()
    assert isinstance(players["generator"], Squares)
    assert type(players["discriminator"]).__name__ == "FastDiscriminator"


def test_own_objects_are_told_apart_by_class_and_by_what_their_checkpoints_fit() -> None:
    first, same, wider = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(3, 5)
    assert fingerprint(first) == fingerprint(same)
    names = {fingerprint(network) for network in (first, wider, nn.Linear(3, 4, bias=False), nn.Bilinear(1, 3, 4))}
    assert len(names) == 4
    assert fingerprint(Squares()).startswith("Squares ")
    assert Own().names() == dict.fromkeys(("own_generator", "own_discriminator", "own_task"))
    assert Own(Squares(), Taste()).names() == {
        "own_generator": fingerprint(Squares()),
        "own_discriminator": fingerprint(Taste()),
        "own_task": None,
    }
    assert Own(task=build_task(config(), NONE)).names()["own_task"] == "generate (Generation)"


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_a_network_of_somebodys_own_must_be_there(name: str) -> None:
    with pytest.raises(UsageError, match=rf"has a {name} of its author's own; .* ganvas.train\({name}=...\)"):
        build_task(config(**{name: "custom"}), NONE)
