"""Every generator, discriminator, loss and penalty play three steps together, or are refused by name."""

import re
from itertools import product
from typing import NamedTuple

import pytest
import torch

from ganvas.data.labels import Labels, attribute_labels, class_labels, no_labels
from ganvas.errors import UsageError
from ganvas.job.calibrate import MadeUp
from ganvas.job.networks import build_task
from ganvas.job.plan import NETWORKS, Pictures, complete
from ganvas.objective.adversarial import LOSSES
from ganvas.objective.penalty import PENALTIES, PER_SAMPLE_PENALTIES
from ganvas.training.config import TrainConfig, TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState

CPU = torch.device("cpu")
WIDTHS = {"mlp": 16, "dcgan": 4, "resnet": 8, "r3": 16, "fast": 4}
CLASSES = class_labels(["cat", "dog", "dog"], "the test")
ATTRIBUTES = attribute_labels(["age", "height"], torch.tensor([[1.0, 2.0], [2.0, 5.0], [4.0, 3.0]]).numpy(), "the test")

PAIRS = list(product(NETWORKS, NETWORKS))
LABELS = (no_labels(3, "the test"), CLASSES, ATTRIBUTES)
KINDS = tuple(labels.kind for labels in LABELS)
CHANNELS = (1, 3, 4)
ESTIMATORS = ("exact", "directional")


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


class Game(NamedTuple):
    """What two networks play, and on which pictures."""

    loss: str
    penalty: str
    estimator: str
    labels: Labels
    channels: int


def games(pair: int) -> list[Game]:
    """Every loss with every penalty for the pair of networks of this number, under labels, channels and estimators
    that are dealt out so that none of them goes with one penalty, one loss or one another.
    """
    return [
        Game(
            loss,
            penalty,
            ESTIMATORS[(row + pair) % 2],
            LABELS[(row + column) % 3],
            CHANNELS[(row + 2 * column + pair) % 3],
        )
        for (row, loss), (column, penalty) in product(enumerate(LOSSES), enumerate(PENALTIES))
    ]


@pytest.mark.parametrize("pair", range(len(PAIRS)), ids=["-".join(pair) for pair in PAIRS])
def test_every_pair_of_networks_plays_every_game(pair: int) -> None:
    torch.manual_seed(0)
    for game in games(pair):
        state = three_steps(
            game.labels,
            channels=game.channels,
            generator=PAIRS[pair][0],
            discriminator=PAIRS[pair][1],
            width=8 if "resnet" in PAIRS[pair] else 16,
            loss=game.loss,
            penalty=game.penalty,
            estimator=game.estimator,
        )
        assert finite(state), game


def test_every_pair_meets_the_default_penalty_and_every_value_every_penalty() -> None:
    for pair in range(len(PAIRS)):
        played = games(pair)
        assert len(played) == len(LOSSES) * len(PENALTIES)
        assert (TrainingOptions.penalty, TrainingOptions.estimator) in {
            (game.penalty, game.estimator) for game in played
        }
        for column, values in ((0, LOSSES), (2, ESTIMATORS), (4, CHANNELS)):
            assert {(game.penalty, game[column]) for game in played} == set(product(PENALTIES, values))
        assert {(game.penalty, game.labels.kind) for game in played} == set(product(PENALTIES, KINDS))
    everything = {
        (g.penalty, g.estimator, g.labels.kind, g.channels) for pair in range(len(PAIRS)) for g in games(pair)
    }
    assert everything == set(product(PENALTIES, ESTIMATORS, KINDS, CHANNELS))


@pytest.mark.parametrize("penalty", PER_SAMPLE_PENALTIES)
def test_a_batchnorm_critic_is_refused_by_name(penalty: str) -> None:
    with pytest.raises(UsageError, match=f"'{re.escape(penalty)}'.*--batchnorm"):
        three_steps(CLASSES, size=(32, 32), network="dcgan", width=4, batchnorm=True, penalty=penalty)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (17, 33), (40, 24)])
def test_every_network_takes_every_shape(network: str, size: tuple[int, int]) -> None:
    state = three_steps(CLASSES, size=size, network=network, width=WIDTHS[network])
    assert finite(state)
