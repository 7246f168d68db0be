"""Out of memory, said in a sentence that names the way out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganvas.device import ran_out_of_memory
from ganvas.errors import OutOfMemory
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World


@contextmanager
def explained_memory(options: TrainingOptions, device: torch.device, world: World) -> Iterator[None]:
    """Turn an allocation that failed into `OutOfMemory` with the next smaller micro-batch."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not ran_out_of_memory(error):
            raise
        rows, smaller = rows_at_once(options, world), smaller_micro_batch(options, world)
        part = f"--micro-batch {smaller} (the same result but for batch normalisation, in longer steps) or --auto-batch"
        way_out = part if smaller else "a smaller --size or --width"
        raise OutOfMemory(
            f"{device} has too little memory for --micro-batch {rows}; run the same command again with {way_out}."
        ) from error


def rows_at_once(options: TrainingOptions, world: World) -> int:
    """Images a process really works on at once."""
    return max(1, min(options.micro_batch, options.batch // world.size))


def smaller_micro_batch(options: TrainingOptions, world: World) -> int:
    """The next micro-batch that needs less memory, half of what a process really works on; 0 where there is none."""
    return rows_at_once(options, world) // 2
