"""Measure a few steps of the very run that is planned, on made-up pictures of its size."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from torch import Tensor

from ganvas.device import forget_peak, peak_memory_bytes, place
from ganvas.draw import Draw
from ganvas.job.score_model import FeatureScore
from ganvas.training.config import TrainConfig, TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Task
from ganvas.training.vitals import examine, vitals_count

WARM_UP_STEPS = 2
MEASURED_S = 4.0
MOST_STEPS = 30
SCORED = 10
"""Pictures that are painted and looked at to see what scoring costs."""
ROUNDS = 50
"""Towards the budget that fills a time; each leaves as much of the error as does not grow with the budget."""


@dataclass(frozen=True)
class Calibration:
    """What a run will cost.

    Attributes:
        step_s: Seconds a training step, mean over the stages by their shares of the budget.
        tick_s: Seconds of statistics and health a tick.
        memory_bytes: Largest memory of the process (CPU) or of the device's allocations (CUDA); None on Windows.
        state_bytes: Size of one checkpoint.
        model_bytes: Size of one model file.
        score_s: Seconds an evaluation by a feature network.
        reals_s: Seconds of its look at the reals before the first step, where their features are not kept from before.
    """

    step_s: float
    tick_s: float
    memory_bytes: int | None
    state_bytes: int
    model_bytes: int = 0
    score_s: float = 0.0
    reals_s: float = 0.0

    def run_s(self, config: TrainConfig) -> float:
        """Predicted seconds of a whole run."""
        options = config.training
        ticks = options.total_steps / options.steps_every(options.tick_kimg)
        return options.total_steps * self.step_s + ticks * self.tick_s + self.scoring_s(config)

    def scoring_s(self, config: TrainConfig) -> float:
        """Those of them in which a feature network looks."""
        options = config.training
        # One more shows before the first step that the score asked for is there; the last comes at the end.
        scores = 1 + math.ceil(options.total_steps / options.steps_every(options.evaluate_every_kimg))
        return self.reals_s + scores * self.score_s

    def disk_bytes(self, config: TrainConfig) -> int:
        """Predicted size of a whole run's checkpoints and of its two models (the last and the best)."""
        return checkpoints_kept(config.training) * self.state_bytes + 2 * self.model_bytes


def checkpoints_kept(options: TrainingOptions) -> int:
    """The most checkpoints that lie in a run's folder: the last ones, the best one, and those of ``--keep-every``."""
    every = options.steps_every(options.checkpoint_every_kimg)
    written = math.ceil(options.total_steps / every) + 1  # one before the first step
    kept = options.keep_last + 1
    if options.keep_every_kimg:
        kept += options.total_steps // math.lcm(every, options.steps_every(options.keep_every_kimg)) + 1
    return min(written, kept)


@dataclass(frozen=True)
class MadeUp:
    """Random pictures and labels of the planned shape."""

    config: TrainConfig
    label_dim: int

    def at(self, position: int, draw: Draw) -> Batch:
        """A batch of noise."""
        height, width = self.config.data.size
        image = draw.named("image").uniform(self.config.data.channels, height, width, low=-1.0)
        batch: dict[str, Tensor] = {
            "image": image.to(memory_format=torch.channels_last),
            "index": draw.named("index").integers(1),
        }
        if self.label_dim:
            classes = draw.named("label").integers(self.label_dim)
            batch["label"] = torch.nn.functional.one_hot(classes, self.label_dim).float()
        return batch


def calibrate(
    task: Task,
    config: TrainConfig,
    label_dim: int,
    device: torch.device,
    world: World,
    score: FeatureScore | None = None,
) -> Calibration:
    """Train a throw-away copy of the networks for a few seconds, and score a few of its pictures.

    This process alone plays its share of each step, ``batch / world.size`` images, while the others wait. What comes
    on top with several processes is not measured: averaging the gradients (all-reduce), and what they cost each other
    where they share cores or memory. The global random state is left as it was.

    Args:
        task: The run's.
        config: The run's.
        label_dim: Numbers a label.
        device: Where the run will be.
        world: The processes that will share it.
        score: From `made_up_score`, where a feature network will look.

    Raises:
        UsageError: The batch does not divide over the processes.
    """
    first, last = world.shard(config.training.batch)
    config = replace(config, training=replace(config.training, batch=last - first))
    alone = World()
    forget_peak(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        players = task.players()
        for network in players.networks().values():
            place(network, device).train()
        state = TrainingState.begin(players, config.training)
        state.counters.augment_p = config.training.augment_p
        source = MadeUp(config, label_dim)
        tables = [Table(task, source, config.training, stage, device, alone) for stage in task.stages]
        step_s = sum(table.stage.share * _step_s(table, state) for table in tables)
        draw = Draw(0, vitals_count(config.training), device=device)
        batches = {"training": (source.at(0, draw), draw), "heldout": (source.at(1, draw), draw)}
        tick_s = _seconds(lambda: examine(task, state, batches, config.training, {}), device, most=3)
        score_s, reals_s = _scoring(score, state, config, device) if score else (0.0, 0.0)
        state_bytes = sum(tensor.nbytes for tensor in state.tensors(alone).values())
        weights_bytes = sum(t.nbytes for average in state.averages.values() for t in average.state_dict().values())
        model_bytes = weights_bytes * (1 + sum(stage.snapshot is not None for stage in task.stages))
    return Calibration(step_s, tick_s, peak_memory_bytes(device), state_bytes, model_bytes, score_s, reals_s)


def _step_s(table: Table, state: TrainingState) -> float:
    """Seconds a step of a stage."""
    for _ in range(WARM_UP_STEPS):
        play_step(table, state)
    return _seconds(lambda: play_step(table, state), table.device)


def _scoring(
    score: FeatureScore, state: TrainingState, config: TrainConfig, device: torch.device
) -> tuple[float, float]:
    """Seconds an evaluation, and those of the look at the reals before the first."""
    fakes, reals = len(score.conditions), len(score.reals)
    generator = state.averages["generator"].eval()
    blank = np.zeros((SCORED, *config.data.size, config.data.channels), np.uint8)
    painted_s = _seconds(lambda: score.painted(generator, SCORED), device, most=3)
    looked_s = _seconds(lambda: score.looked(blank), device, most=3)
    apart_s = _seconds(lambda: score.distances(torch.randn(fakes, score.reals.shape[1])), device, least=1, most=1)
    return painted_s / SCORED * fakes + apart_s, looked_s / SCORED * reals


def kimg_for(minutes: float, calibration: Calibration, config_for: Callable[[float], TrainConfig]) -> float:
    """The budget in kimg that fills so many minutes, to two digits; at least one step.

    Args:
        minutes: The time to fill.
        calibration: What things cost.
        config_for: The run of a budget: how often it looks at itself depends on that.
    """
    images = config_for(1.0).training.images_per_step
    steps = minutes * 60 / calibration.step_s
    for _ in range(ROUNDS):
        steps = max(1.0, steps * minutes * 60 / calibration.run_s(config_for(max(1.0, steps) * images / 1000)))
    return float(f"{steps * images / 1000:.2g}")


def _seconds(work: Callable[[], object], device: torch.device, most: int = MOST_STEPS, least: int = 3) -> float:
    taken: list[float] = []
    while len(taken) < least or (sum(taken) < MEASURED_S and len(taken) < most):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
        if sum(taken) > 5 * MEASURED_S:
            break
    return median(taken)
