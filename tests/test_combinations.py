"""Every generator, discriminator, loss and penalty play three steps together, or are refused by name."""

from itertools import product

import pytest
import torch

from ganvas.data.labels import Labels, attribute_labels, class_labels, no_labels
from ganvas.errors import UsageError
from ganvas.job.calibrate import MadeUp
from ganvas.job.networks import build_task
from ganvas.job.plan import NETWORKS, Pictures, complete
from ganvas.objective.adversarial import LOSSES
from ganvas.objective.penalty import PENALTIES, PER_SAMPLE_PENALTIES
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState

CPU = torch.device("cpu")
WIDTHS = {"mlp": 16, "dcgan": 4, "resnet": 8, "r3": 16, "fast": 4}
CLASSES = class_labels(["cat", "dog", "dog"], "the test")
ATTRIBUTES = attribute_labels(["age", "height"], torch.tensor([[1.0, 2.0], [2.0, 5.0], [4.0, 3.0]]).numpy(), "the test")


def three_steps(labels: Labels, size: tuple[int, int] = (8, 12), channels: int = 3, **given: object) -> TrainingState:
    pictures = Pictures(count=100, size=size, channels=channels, label_dim=len(labels.names))
    base = {"batch": 4, "latent_dim": 8, "kimg": 1.0, "precision": "float32", "blocks": 1}
    config: TrainConfig = complete({**base, **given}, pictures, CPU)
    task = build_task(config, labels)
    state = TrainingState.begin(task.players(), config.training)
    table = Table(task, MadeUp(config, len(labels.names)), config.training, task.stages[0], CPU, World())
    for _ in range(3):
        play_step(table, state)
    return state


def finite(state: TrainingState) -> bool:
    networks = state.trained_networks().values()
    return all(bool(torch.isfinite(tensor).all()) for net in networks for tensor in net.state_dict().values())


def has_batchnorm(discriminator: str, penalty: str) -> bool:
    """The plan gives dcgan batch normalisation only where the penalty permits it."""
    return discriminator == "dcgan" and penalty not in PER_SAMPLE_PENALTIES


@pytest.mark.parametrize(("generator", "discriminator"), list(product(NETWORKS, NETWORKS)))
def test_every_pair_of_networks_plays_every_game(generator: str, discriminator: str) -> None:
    torch.manual_seed(0)
    for number, (loss, penalty) in enumerate(product(LOSSES, PENALTIES)):
        state = three_steps(
            (no_labels(3, "the test"), CLASSES, ATTRIBUTES)[number % 3],
            channels=(1, 3, 4)[number % 3],
            generator=generator,
            discriminator=discriminator,
            width=8 if "resnet" in (generator, discriminator) else 16,
            loss=loss,
            penalty=penalty,
            estimator=("exact", "directional")[number % 2],
        )
        assert finite(state), (loss, penalty)


@pytest.mark.parametrize("penalty", PER_SAMPLE_PENALTIES)
def test_a_batchnorm_critic_is_refused_by_name(penalty: str) -> None:
    with pytest.raises(UsageError, match=f"dcgan.*BatchNorm.*{penalty.replace('+', '.')}"):
        three_steps(CLASSES, size=(32, 32), network="dcgan", width=4, batchnorm=True, penalty=penalty)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (17, 33), (40, 24)])
def test_every_network_takes_every_shape(network: str, size: tuple[int, int]) -> None:
    state = three_steps(CLASSES, size=size, network=network, width=WIDTHS[network])
    assert finite(state)
