"""Measure a few steps of the very run that is planned, on made-up pictures of its size."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from ganvas.device import place
from ganvas.draw import Draw
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Task
from ganvas.training.vitals import examine, vitals_count

WARM_UP_STEPS = 2
MEASURED_S = 4.0
MOST_STEPS = 30


@dataclass(frozen=True)
class Calibration:
    """What a run will cost.

    Attributes:
        step_s: Seconds a training step.
        tick_s: Seconds of statistics and health a tick.
        memory_bytes: Largest memory of the process (CPU) or of the device's allocations (CUDA); None on Windows.
        state_bytes: Size of one checkpoint.
    """

    step_s: float
    tick_s: float
    memory_bytes: int | None
    state_bytes: int

    def run_s(self, config: TrainConfig) -> float:
        """Predicted seconds of a whole run."""
        options = config.training
        ticks = options.total_steps / options.steps_every(options.tick_kimg)
        return options.total_steps * self.step_s + ticks * self.tick_s


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


def calibrate(task: Task, config: TrainConfig, label_dim: int, device: torch.device, world: World) -> Calibration:
    """Train a throw-away copy of the networks for a few seconds.

    The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        players = task.players()
        for network in players.networks().values():
            place(network, device).train()
        state = TrainingState.begin(players, config.training)
        state.counters.augment_p = config.training.augment_p
        source = MadeUp(config, label_dim)
        table = Table(task, source, config.training, task.stages[-1], device, world)
        for _ in range(WARM_UP_STEPS):
            play_step(table, state)
        step_s = _seconds(lambda: play_step(table, state), device)
        draw = Draw(0, vitals_count(config.training), device=device)
        batches = {"training": (source.at(0, draw), draw), "heldout": (source.at(1, draw), draw)}
        tick_s = _seconds(lambda: examine(task, state, batches, config.training, {}), device, most=3)
        state_bytes = sum(tensor.nbytes for tensor in state.tensors(world).values())
    return Calibration(step_s, tick_s, _largest_memory_bytes(device), state_bytes)


def kimg_for(minutes: float, calibration: Calibration, config: TrainConfig) -> float:
    """The budget in kimg that fills so many minutes, to two digits."""
    per_step_s = calibration.run_s(config) / config.training.total_steps
    steps = max(1.0, minutes * 60 / per_step_s)
    return float(f"{steps * config.training.images_per_step / 1000:.2g}")


def _seconds(work: Callable[[], object], device: torch.device, most: int = MOST_STEPS) -> float:
    taken: list[float] = []
    while len(taken) < 3 or (sum(taken) < MEASURED_S and len(taken) < most):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
        if sum(taken) > 5 * MEASURED_S:
            break
    return median(taken)


def _largest_memory_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource  # absent on Windows

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
