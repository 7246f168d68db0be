"""Seconds and memory of a competitor, medians of several processes of its own."""

import multiprocessing
import time
from dataclasses import astuple, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import numpy as np

from ganvas.heap import keep_freed_memory
from photographs.damage import Picture, noisy, reduced
from photographs.field import Setting, Task, methods
from photographs.masks import thick_strokes
from photographs.method import nothing_missing

SIDE_PX = 512
"""Of the result."""
WARM_PX = 64
PROCESSES = 3
"""On a shared machine one of them is often half as fast again."""


@dataclass(frozen=True)
class Cost:
    """What a competitor takes.

    Attributes:
        seconds_per_megapixel: Of the result, by the clock on the wall.
        processor_s_per_megapixel: Likewise, summed over threads: what a busy machine does not falsify.
        peak_mb: Memory for a result of 512 x 512 px above that of a process that has loaded no network; nan where the
            system does not say.
    """

    seconds_per_megapixel: float
    processor_s_per_megapixel: float
    peak_mb: float


def memory_mb(field: str) -> float:
    """``VmRSS`` or ``VmHWM`` of this process, from Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Let the kernel count the peak from now on."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")


def measured(task: Task, name: str, setting: Setting, picture: Picture) -> Cost:
    """The cost of one competitor for one picture, after a smaller one to warm up.

    Args:
        task: What is done.
        name: Of the competitor.
        setting: As for the run.
        picture: ``(512, 512, 3)``.
    """
    limit_threads(setting.threads)
    keep_freed_memory()  # for all of them, as `ganvas` does for itself
    methods(task, setting)  # so that what is imported on the way does not count
    forget_peak()
    before = memory_mb("VmRSS")
    run = next(method.run for method in methods(task, setting) if method.name == name)
    scale = int(task[-1]) if task.startswith("upscale") else 1
    chance = np.random.default_rng(0)
    given = reduced(picture, scale, "bicubic") if scale > 1 else picture
    given = noisy(given, chance, sigma=25) if task == "restore" else given
    mask = thick_strokes(len(given), chance) if task == "repair" else nothing_missing(given)
    run(given[:WARM_PX, :WARM_PX].copy(), mask[:WARM_PX, :WARM_PX].copy())
    started = time.perf_counter(), time.process_time()
    run(given, mask)
    taken_s = time.perf_counter() - started[0], time.process_time() - started[1]
    megapixels = picture.shape[0] * picture.shape[1] / 1e6
    return Cost(taken_s[0] / megapixels, taken_s[1] / megapixels, memory_mb("VmHWM") - before)


def limit_threads(threads: int) -> None:
    """The same number for torch and OpenCV; ncnn is told when its network is loaded."""
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _child(pipe: Connection, task: Task, name: str, setting: Setting, picture: Picture) -> None:
    pipe.send(measured(task, name, setting, picture))
    pipe.close()


def cost(task: Task, name: str, setting: Setting, picture: Picture) -> Cost:
    """`measured` in fresh processes, the median of each figure."""
    found = [astuple(_alone(task, name, setting, picture)) for _ in range(PROCESSES)]
    return Cost(*map(median, zip(*found, strict=True)))


def _alone(task: Task, name: str, setting: Setting, picture: Picture) -> Cost:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, task, name, setting, picture))
    process.start()
    there.close()
    try:
        result = here.recv()
    except EOFError:
        raise SystemExit(f"'{name}' did not get through {task} in a process of its own.") from None
    finally:
        process.join()
    assert isinstance(result, Cost)
    return result
