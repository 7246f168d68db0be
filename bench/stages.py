"""Where the time of a training step on photographs goes, and how much of the device's matrix rate it reaches.

    python bench/stages.py
    python bench/stages.py --tasks restore --batch 64 --size 128 --device cuda

On made-up photographs, with the network and batch that `ganvas train --task` would choose. The matrix rate is that of a
large product in the same arithmetic, measured in turn with the steps. Shares are of the whole step; what is left over
are the losses, the optimizer and the average.
"""

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, cast

import numpy as np
import torch
from throughput import seconds
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ganvas.data.crops import Crops
from ganvas.data.dataset import Dataset
from ganvas.data.labels import no_labels
from ganvas.device import autocast, choose_device, place
from ganvas.draw import Draw
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.task.photo import PhotoTask
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState

TASKS = "restore", "upscale", "repair"
TILES = 64
MATRIX = 2048


def tiles(config: TrainConfig, device: torch.device) -> Crops:
    """Made-up photographs, packed."""
    height, width = config.data.size
    pixels = np.random.default_rng(0).integers(0, 256, (TILES, 2 * height, 2 * width, 3), np.uint8)
    dataset = Dataset(pixels, no_labels(TILES, ""), tuple(map(str, range(TILES))), (), "key")
    return Crops(dataset, np.arange(TILES), config.data.size, 0, device)


def product(precision: str, device: torch.device) -> Callable[[], Tensor]:
    """A matrix product, ``2 * MATRIX**3`` operations."""
    dtype = getattr(torch, precision)
    left, right = (torch.randn(MATRIX, MATRIX, device=device, dtype=dtype) for _ in range(2))
    return lambda: left @ right


def stages(kind: str, options: dict[str, Any], device: torch.device, rounds: int) -> str:
    """The line of a task."""
    config = complete(
        {"kind": kind, "pixel_share": 1.0, **options}, Pictures(TILES, (512, 512), 3, short_px=512), device
    )
    task = cast(PhotoTask, build_task(config, no_labels(TILES, "the benchmark")))
    players = task.players()
    for network in players.networks().values():
        place(network, device).train()
    state, source, training = TrainingState.begin(players, config.training), tiles(config, device), config.training
    table = Table(task, source, training, task.stages[0], device, World())
    draw = Draw(0, training.batch, device=device)
    batch = source.at(0, draw)
    problem = task.problem(batch, draw)

    def network_alone() -> None:
        with autocast(device, training.precision):
            painted = task.paint(players.networks(), problem)["image"]
        painted.sum().backward()

    steps: dict[str, Callable[[], object]] = {
        "whole": lambda: play_step(table, state),
        "crops": lambda: source.at(0, draw),
        "damage": lambda: task.problem(batch, draw),
        "network": network_alone,
        "matrix": product(training.precision, device),
    }
    for step in steps.values():
        step()
    with FlopCounterMode(display=False) as counter:
        network_alone()
    taken = {name: median(column) for name, column in zip(steps, _rounds(steps, device, rounds), strict=True)}
    whole, rate = taken["whole"], 2 * MATRIX**3 / taken["matrix"]
    shares = [taken[name] / whole for name in ("crops", "damage", "network")]
    return (
        f"{kind:14s}  {training.batch:5d}  {config.data.size[0]:4d}  {training.batch / whole:8.1f}"
        f"  {'  '.join(f'{share:7.0%}' for share in (*shares, 1 - sum(shares)))}"
        f"  {counter.get_total_flops() / training.batch / 1e9:9.2f}  {counter.get_total_flops() / whole / rate:6.1%}"
    )


def _rounds(steps: dict[str, Callable[[], object]], device: torch.device, rounds: int) -> list[tuple[float, ...]]:
    """Seconds of each step, all in turn; a column a step."""
    timed = [partial(seconds, step, device) for step in steps.values()]
    return list(zip(*([one() for one in timed] for _ in range(rounds)), strict=True))


def main() -> None:
    """Print a line a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--size", type=int, help="side of a crop, pixels")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    device = choose_device(asked.device)
    options: dict[str, Any] = {} if asked.batch is None else {"batch": asked.batch}
    options |= {} if asked.size is None else {"size": (asked.size, asked.size)}
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print("task            batch    px  images/s    crops   damage  network     rest  GFLOP/image  of the matrix rate")
    for kind in asked.tasks:
        print(stages(kind, options, device, 3 if asked.quick else 12), flush=True)


if __name__ == "__main__":
    main()
