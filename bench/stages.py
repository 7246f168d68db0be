"""Where the time of a training step on photographs goes, and how much of the device's matrix rate it reaches.

    python bench/stages.py
    python bench/stages.py --tasks restore --batch 64 --size 128 --device cuda
    python bench/stages.py --models src/ganvas/weights/*.safetensors --out speed.json

On made-up photographs, with the network and batch that `ganvas train --task` would choose, or as the card of a model
says that it was trained, in its last stage; `ship.py --speed` puts that into the card. The matrix rate is that of a
large product in the same arithmetic, measured in turn with the steps. Shares are of the whole step; what is left over
are critic, feature network, losses, optimizer and average, as far as there are any.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
import torch
from photographs.plain_errors import plain_errors
from throughput import seconds
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganvas.data.crops import Crops
from ganvas.data.dataset import Dataset
from ganvas.data.labels import no_labels
from ganvas.device import autocast, choose_device, place
from ganvas.draw import Draw
from ganvas.job.networks import build_task
from ganvas.job.photo_networks import equipped
from ganvas.job.plan import Pictures, complete
from ganvas.job.resume import recorded_config
from ganvas.model.load import read_descriptor
from ganvas.task.find_scratches import FindScratches
from ganvas.task.photo import PhotoTask
from ganvas.training.config import TrainConfig
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.stages import fill_buffers_
from ganvas.training.state import TrainingState

TASKS = "restore", "upscale", "repair"
TILES = 64
MATRIX = 2048


@dataclass(frozen=True)
class Speed:
    """Of a training step, with the shares of it that its parts take.

    Attributes:
        stage: Which of the task's stages the step belongs to.
        batch: Pictures a step.
        side_px: Of a crop.
        images_per_s: Pictures a second.
        crops: Share of drawing crops.
        damage: Share of making problems of them.
        network: Share of the generator, forward and backward.
        rest: What is left.
        gflop_per_image: Floating-point operations of the whole step, in 1e9.
        of_matrix_rate: Their rate beside that of a large matrix product.
    """

    stage: str
    batch: int
    side_px: int
    images_per_s: float
    crops: float
    damage: float
    network: float
    rest: float
    gflop_per_image: float
    of_matrix_rate: float


class Operations(TorchDispatchMode):
    """Count floating-point operations; torch's own counter does not go through a gradient penalty."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count it."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func.overloadpacket in flop_registry:
            self.total += flop_registry[func.overloadpacket](*args, **kwargs, out_val=result)
        return result


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


def speed(config: TrainConfig, device: torch.device, rounds: int) -> Speed:
    """Time a step of the last stage that a configuration describes, and its parts."""
    built = build_task(config, no_labels(TILES, "the benchmark"))
    task = cast(PhotoTask | FindScratches, equipped(built, config, device, lambda event: None))
    players = task.players()
    for network in (*players.networks().values(), *players.frozen.values()):
        place(network, device).train()
    stage, training = task.stages[-1], config.training
    state, source = TrainingState.begin(players, training), tiles(config, device)
    fill_buffers_([*state.trained_networks().values(), *state.averages.values()], stage)
    table = Table(task, source, training, stage, device, World())
    draw = Draw(0, training.batch, device=device)
    batch = source.at(0, draw)
    problem = task.problem(batch, draw)
    turns = training.penalty_interval if stage.critics else 1  # the penalty is paid once in so many steps

    def steps_alone() -> None:
        for _ in range(turns):
            play_step(table, state)

    def network_alone() -> None:
        with autocast(device, training.precision):
            painted = task.paint(players.networks(), problem)
        torch.stack([values.float().sum() for values in painted.values()]).sum().backward()

    steps: dict[str, Callable[[], object]] = {
        "whole": steps_alone,
        "crops": lambda: source.at(0, draw),
        "damage": lambda: task.problem(batch, draw),
        "network": network_alone,
        "matrix": product(training.precision, device),
    }
    for step in steps.values():
        step()
    with Operations() as counted:
        steps_alone()
    taken = {name: median(column) for name, column in zip(steps, _rounds(steps, device, rounds), strict=True)}
    whole, rate = taken["whole"] / turns, 2 * MATRIX**3 / taken["matrix"]
    operations = counted.total / turns
    shares = [taken[name] / whole for name in ("crops", "damage", "network")]
    return Speed(
        stage.name,
        training.batch,
        config.data.size[0],
        training.batch / whole,
        *shares,
        1 - sum(shares),
        operations / training.batch / 1e9,
        operations / whole / rate,
    )


def _rounds(steps: dict[str, Callable[[], object]], device: torch.device, rounds: int) -> list[tuple[float, ...]]:
    """Seconds of each step, all in turn; a column a step."""
    timed = [partial(seconds, step, device) for step in steps.values()]
    return list(zip(*([one() for one in timed] for _ in range(rounds)), strict=True))


def line(name: str, found: Speed) -> str:
    """A row of the table."""
    shares = "  ".join(f"{share:7.0%}" for share in (found.crops, found.damage, found.network, found.rest))
    return (
        f"{name:14s}  {found.stage:6s}  {found.batch:5d}  {found.side_px:4d}  {found.images_per_s:8.1f}  {shares}"
        f"  {found.gflop_per_image:11.2f}  {found.of_matrix_rate:6.1%}"
    )


def written(found: Speed) -> dict[str, Any]:
    """As it stands in a card."""
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(found).items()}


@plain_errors()
def main() -> None:
    """Print a line a task or model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument(
        "--models", nargs="+", type=Path, metavar="FILE", help="as these were trained, in place of tasks"
    )
    parser.add_argument("--batch", type=int)
    parser.add_argument("--size", type=int, help="side of a crop, pixels")
    parser.add_argument("--compile", action="store_true", help="the networks that paint, with torch.compile")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, help="a JSON file of the numbers")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if asked.models and (asked.batch or asked.size):
        parser.error("--batch and --size are told by the cards of --models; leave them out.")
    if asked.threads is not None:
        torch.set_num_threads(asked.threads)
    device = choose_device(asked.device)
    options: dict[str, Any] = {} if asked.batch is None else {"batch": asked.batch}
    options |= {} if asked.size is None else {"size": (asked.size, asked.size)}
    pictures = Pictures(TILES, (512, 512), 3, short_px=512)
    configs = {path.stem: recorded_config(read_descriptor(path).card) for path in asked.models or ()} or {
        kind: complete({"kind": kind, "pixel_share": 1.0, **options}, pictures, device) for kind in asked.tasks
    }
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        "                stage   batch    px  images/s    crops   damage  network     rest"
        "  GFLOP/image  of the matrix rate"
    )
    protocol = {
        "command": "bench/stages.py", "device": str(device), "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }  # fmt: skip
    speeds = {}
    for name, config in configs.items():
        config = replace(config, training=replace(config.training, compile=asked.compile))
        found = speed(config, device, 3 if asked.quick else 12)
        speeds[name] = {"protocol": {**protocol, "precision": config.training.precision}, **written(found)}
        print(line(name, found), flush=True)
    if asked.out is not None:
        asked.out.write_text(json.dumps(speeds, indent=1) + "\n")


if __name__ == "__main__":
    main()
