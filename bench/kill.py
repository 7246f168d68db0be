"""Kill a run at twenty moments, let the same command go on each time, and compare the final weights bit for bit.

    python bench/kill.py            # about ten minutes on two cores
    python bench/kill.py --quick    # four kills

Augmentation, averages, spectral normalisation and a held-out set are at work. Each kill waits for its tick of the run,
told by the run's own files and not by the clock, and then for its moment: while pictures are packed, a checkpoint is
written, samples are painted, or at any time at all. The process is stopped first and looked at, so what is counted as
hit was hit.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

from ganvas.data.array import read_idx
from ganvas.data.build import PREFIX

DEMO = Path(__file__).parents[1] / "demo" / "fashion-mnist" / "train-images-idx3-ubyte.gz"
TICK_KIMG, TICKS_A_KILL = 0.16, 3
"""At each tick a checkpoint is written, too."""
LAST_TICKS = 3
"""No kill waits for these, so that each hits a run that still has something to do."""


def write_pictures(folder: Path, count: int = 4000) -> None:
    """Clothes as single PNG files, so that packing takes a moment."""
    pictures = read_idx(DEMO)
    labels = read_idx(DEMO.with_name(DEMO.name.replace("images-idx3", "labels-idx1")))
    for number in range(count):
        path = folder / str(labels[number]) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pictures[number]).save(path)


def command(folder: Path, kimg: float) -> list[str]:
    """The command that is killed and typed again."""
    return [
        sys.executable, "-m", "ganvas", "train", str(folder.parent / "pictures"),
        "--runs", str(folder / "runs"), "--name", "kill",
        "--network", "resnet", "--width", "16", "--loss", "hinge", "--penalty", "r1", "--batch", "16",
        "--kimg", str(kimg), "--checkpoint-every", str(TICK_KIMG), "--sample-every", "0.32",
        "--tick-every", str(TICK_KIMG), "--augment", "flip,shift,scale,colour,cutout", "--augment-policy", "fixed",
        "--augment-p", "1", "--precision", "float32", "--seed", "3", "--device", "cpu", "--keep-last", "100",
    ]  # fmt: skip


def start(folder: Path, kimg: float) -> subprocess.Popen[bytes]:
    """Start the command with a cache of its own."""
    environment = {**os.environ, "GANVAS_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    log = (folder / "log.txt").open("ab")
    return subprocess.Popen(command(folder, kimg), env=environment, stdout=log, stderr=log)


def half_written(folder: Path) -> set[Path]:
    """What is being packed, and checkpoints that have no final name yet; or were when their process was killed."""
    builds = (path for path in (folder / "cache").glob(f"{PREFIX}*/images.npy") if size_bytes(path) > 200_000)
    return {*builds, *(folder / "runs").glob("*/checkpoints/.*.safetensors")}


def size_bytes(path: Path) -> int:
    """Of a file that may be gone already."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def ticks(folder: Path) -> int:
    """Ticks on record."""
    return sum(stats.read_bytes().count(b"\n") for stats in (folder / "runs").glob("*/stats.jsonl"))


def moment_of(folder: Path, left_over: set[Path]) -> str:
    """What a process does: packing, writing a checkpoint, evaluating or training.

    Args:
        folder: With its runs and its cache.
        left_over: `half_written` before it was started.
    """
    paths = half_written(folder) - left_over
    if any(path.name == "images.npy" for path in paths):
        return "packing"
    if paths:
        return "writing"
    checkpoints = list((folder / "runs").glob("*/checkpoints/[0-9]*.safetensors"))  # one before the first step
    between = len(checkpoints) > 0 and ticks(folder) >= len(checkpoints)  # a tick's checkpoint comes last
    return "evaluating" if between else "training"


def kill_at(folder: Path, kimg: float, tick: int, moment: str | None, later_s: float) -> str | None:
    """Start, kill -9 in a moment once a tick is on record, and say what was hit.

    Args:
        folder: With the runs and the cache.
        kimg: The run's budget.
        tick: Wait until so many ticks are on record.
        moment: See `moment_of`; None for whatever it is.
        later_s: Seconds to wait after the tick.

    Returns:
        The moment, or None where the run had ended.
    """
    left_over, process = half_written(folder), start(folder, kimg)
    while process.poll() is None and ticks(folder) < tick:
        time.sleep(0.001)
    time.sleep(later_s)
    while process.poll() is None:
        if moment in (None, moment_of(folder, left_over)):
            process.send_signal(signal.SIGSTOP)
            found = moment_of(folder, left_over)
            if moment in (None, found):
                process.send_signal(signal.SIGKILL)
                return found if process.wait() == -signal.SIGKILL else None
            process.send_signal(signal.SIGCONT)  # the moment was over
        time.sleep(0.0005)
    return None


def final_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """The restart set and the model at the end of the run."""
    (run,) = (path.parent for path in (folder / "runs").glob("*/run.json"))
    last = sorted((run / "checkpoints").glob("[0-9]*.safetensors"))[-1]
    return {**load_file(last), **{f"model/{k}": v for k, v in load_file(run / "model.safetensors").items()}}


def main() -> None:
    """Kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    root = Path(tempfile.mkdtemp(prefix="ganvas-kill-"))
    write_pictures(root / "pictures")
    for name in ("whole", "cut"):
        (root / name).mkdir()
    early, later = (1, [1, 1, 1]) if asked.quick else (3, [5, 5, 7])
    moments = [name for name, count in zip(("writing", "evaluating", None), later, strict=True) for _ in range(count)]
    chance.shuffle(moments)
    all_ticks = TICKS_A_KILL * len(moments) + LAST_TICKS
    plan = [(0, "packing")] * early + [(TICKS_A_KILL * row + 1, moment) for row, moment in enumerate(moments)]
    kimg = TICK_KIMG * all_ticks
    whole, started = start(root / "whole", kimg), time.monotonic()
    while ticks(root / "whole") == 0 and whole.poll() is None:
        time.sleep(0.01)
    first_s = time.monotonic() - started
    assert whole.wait() == 0, (root / "whole" / "log.txt").read_text()[-2000:]
    tick_s = (time.monotonic() - started - first_s) / (all_ticks - 1)

    hits: Counter[str] = Counter()
    for number, (tick, moment) in enumerate(plan, start=1):
        later_s = chance.random() * tick_s if moment is None else 0.0
        hit = kill_at(root / "cut", kimg, tick, moment, later_s)
        hits[hit or "nothing"] += 1
        where = f"after tick {tick}, {moment or 'at any moment'}"
        print(f"kill {number} of {len(plan)}: wanted {where}; hit {hit or 'nothing, the run had ended'}", flush=True)
    assert start(root / "cut", kimg).wait() == 0, (root / "cut" / "log.txt").read_text()[-2000:]
    living = len(plan) - hits["nothing"]

    ours, theirs = final_tensors(root / "whole"), final_tensors(root / "cut")
    assert set(ours) == set(theirs)
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    print(f"{living} of {len(plan)} kills hit a living run: {dict(hits)}")
    print(f"{len(ours)} tensors compared, {len(different)} differ {different[:5]}")
    shutil.rmtree(root)
    sys.exit(bool(different) or living < len(plan))


if __name__ == "__main__":
    main()
