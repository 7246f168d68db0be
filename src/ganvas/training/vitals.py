"""The vital signs of a run, read from its own networks and pictures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from ganvas.augment.transform import draw_transform
from ganvas.device import autocast
from ganvas.draw import Draw
from ganvas.metric.diversity import diversity, effective_rank, random_feature_distance, random_features
from ganvas.objective.adversarial import LOSSES
from ganvas.tensors import Images, Judgement, PerSample
from ganvas.training.config import TrainingOptions
from ganvas.training.health import Vitals, overfitting_gap
from ganvas.training.leak import augmentation_leak
from ganvas.training.state import TrainingState
from ganvas.training.step import judged_by
from ganvas.training.task import Batch, Networks, Row, Task

FixedBatches = Mapping[str, tuple[Batch, Draw]]
"""``training`` and, where some pictures are held out, ``heldout``: the same at every call."""


OWN_SCORE = "random_feature_distance"
"""The score that every task with a critic has."""

MOST_IMAGES = 128
"""Enough for a verdict, few enough that a tick costs little."""


def vitals_count(options: TrainingOptions) -> int:
    """How many pictures are looked at; without gradients, some micro-batches fit at once."""
    return min(MOST_IMAGES, 4 * options.micro_batch)


def examine(
    task: Task,
    state: TrainingState,
    batches: FixedBatches,
    options: TrainingOptions,
    stats: Mapping[str, float],
) -> dict[str, Vitals]:
    """The vital signs of every critic's game, by critic name.

    Args:
        task: The task being trained.
        state: Its networks; nothing in it is changed.
        batches: The pictures to look at.
        options: What the augmentation and precision are.
        stats: Means of the steps since the last look, as `play_step` names them.
    """
    stage = task.stages[state.counters.stage].name
    with resting(state) as networks, torch.no_grad():
        rows = {name: _rows(task, networks, *batches[name]) for name in batches}
        return {
            row.critic: _vitals(row, number, rows, networks, state, options, stats, stage)
            for number, row in enumerate(rows["training"])
        }


def scores(task: Task, state: TrainingState, batches: FixedBatches) -> dict[str, float]:
    """What checkpoints are compared by: the distance of random features, and the task's own scores."""
    with resting(state) as networks, torch.no_grad():
        distances = [
            random_feature_distance(random_features(row.fake), random_features(row.real))
            for row in _rows(task, networks, *batches["training"])
        ]
        own = task.evaluate(networks, *batches.get("heldout", batches["training"]))
    return {**({OWN_SCORE: sum(distances) / len(distances)} if distances else {}), **own}


def first_rows(task: Task, state: TrainingState, batches: FixedBatches) -> list[Row]:
    """Who judges what in the fixed batch of training pictures."""
    with resting(state) as networks, torch.no_grad():
        return _rows(task, networks, *batches["training"])


@contextmanager
def resting(state: TrainingState) -> Iterator[Networks]:
    """All networks in eval mode, averages in the generators' place."""
    trained = state.trained_networks()
    for network in trained.values():
        network.eval()
    try:
        yield {**state.players.networks(), **state.averages}
    finally:
        for network in trained.values():
            network.train()


def _rows(task: Task, networks: Networks, batch: Batch, draw: Draw) -> list[Row]:
    problem = task.problem(batch, draw.named("problem"))
    return list(task.rows(problem, task.paint(networks, problem)))


def _vitals(
    row: Row,
    number: int,
    rows: Mapping[str, list[Row]],
    networks: Networks,
    state: TrainingState,
    options: TrainingOptions,
    stats: Mapping[str, float],
    stage: str,
) -> Vitals:
    real, fake = random_features(row.real), random_features(row.fake)

    def judge(images: Images, condition: torch.Tensor | None) -> PerSample:
        with autocast(images.device, options.precision):
            return judged_by(networks[row.critic], images, condition, row.masked).score()

    gap = None
    if "heldout" in rows:
        heldout = rows["heldout"][number]
        gap = overfitting_gap(
            judge(row.real, row.real_condition),
            judge(heldout.real, heldout.real_condition),
            judge(row.fake, row.fake_condition),
        )
    leak = None
    if options.augment and state.counters.augment_p > 0:
        leak = augmentation_leak(real, random_features(_augmented(row.real, state, options)), fake)
    return Vitals(
        seen_kimg=state.counters.seen_images / 1000,
        diversity=diversity(fake, real),
        effective_rank_ratio=effective_rank(fake) / effective_rank(real),
        sign_statistic=stats.get(f"{row.critic}/sign", 0.0),
        overfitting_gap=gap,
        generator_gradient_norm=stats.get("gradient_norm/generators", 0.0),
        critic_gradient_norm=stats.get("gradient_norm/critics", 0.0),
        critic_loss=stats.get(f"{row.critic}/loss", 0.0),
        generator_loss=stats.get(f"{row.critic}/generator_loss", 0.0),
        leak=leak,
        augment_p=state.counters.augment_p,
        penalised=options.penalised,
        guessing_loss=guessing_loss(options),
        stage=stage,
    )


def guessing_loss(options: TrainingOptions) -> float:
    """The loss of a critic that gives every picture the logit between real and fake."""
    loss = LOSSES[options.loss]
    guess = Judgement((torch.full((1,), loss.boundary or 0.0),))
    return float(loss.critic(guess, guess))


def _augmented(images: Images, state: TrainingState, options: TrainingOptions) -> Images:
    draw = Draw(options.seed, len(images), device=images.device).named("leak")
    size = (images.shape[-2], images.shape[-1])
    return draw_transform(options.augment, state.counters.augment_p, draw, size, images.shape[1]).apply(images)
