"""Kill a run at twenty moments, let the same command go on each time, and compare the final weights bit for bit.

    python bench/kill.py            # about ten minutes on two cores
    python bench/kill.py --quick    # four kills

Augmentation, averages, spectral normalisation and a held-out set are at work. Some kills wait until the process
packs pictures, writes a checkpoint or evaluates; the others come at random times.
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
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file

from ganvas.data.array import read_idx
from ganvas.data.build import PREFIX

DEMO = Path(__file__).parents[1] / "demo" / "fashion-mnist" / "train-images-idx3-ubyte.gz"
KIMG_A_KILL, CHECKPOINT_KIMG = 0.4, 0.16


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
        "--kimg", str(kimg), "--checkpoint-every", str(CHECKPOINT_KIMG), "--sample-every", "0.32",
        "--tick-every", "0.16", "--augment", "flip,shift,scale,colour,cutout", "--augment-policy", "fixed",
        "--augment-p", "1", "--precision", "float32", "--seed", "3", "--device", "cpu", "--keep-last", "100",
    ]  # fmt: skip


def start(folder: Path, kimg: float) -> subprocess.Popen[bytes]:
    """Start the command with a cache of its own."""
    environment = {**os.environ, "GANVAS_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    log = (folder / "log.txt").open("ab")
    return subprocess.Popen(command(folder, kimg), env=environment, stdout=log, stderr=log)


def packing(folder: Path) -> bool:
    """Whether pictures are being packed: a build in the cache has bytes."""
    return any(path.stat().st_size > 200_000 for path in (folder / "cache").glob(f"{PREFIX}*/images.npy"))


def writing(folder: Path) -> bool:
    """Whether a checkpoint is being written beside its final name."""
    return any((folder / "runs").glob("*/checkpoints/.*.safetensors"))


def evaluating(folder: Path) -> bool:
    """Whether a tick that ends in a checkpoint is on record, but its checkpoint is not there yet."""
    for stats in (folder / "runs").glob("*/stats.jsonl"):
        lines = stats.read_text().count("\n")
        return lines >= len(list((stats.parent / "checkpoints").glob("[0-9]*.safetensors")))
    return False


def kill_when(folder: Path, kimg: float, moment: Callable[[Path], bool], after_s: float, give_up_s: float) -> str:
    """Start, kill -9 at the first sight of the moment after some seconds, and say what was hit."""
    process, started = start(folder, kimg), time.monotonic()
    while process.poll() is None and (passed_s := time.monotonic() - started) < give_up_s:
        if passed_s > after_s and moment(folder):
            break
        time.sleep(0.0005)
    hit = (
        "finished"
        if process.poll() is not None
        else next((name for name, sign in MOMENTS.items() if sign(folder)), "training")
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    return hit


MOMENTS: dict[str, Callable[[Path], bool]] = {"packing": packing, "writing": writing, "evaluating": evaluating}


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
    plan = (
        ["packing", "writing", "evaluating", "random"]
        if asked.quick
        else ["packing"] * 3 + ["writing"] * 5 + ["evaluating"] * 5 + ["random"] * 7
    )
    kimg = KIMG_A_KILL * len(plan)
    started, first_tick_s = time.monotonic(), 0.0
    whole = start(root / "whole", kimg)
    while whole.poll() is None:
        if not first_tick_s and any((root / "whole" / "runs").glob("*/stats.jsonl")):
            first_tick_s = time.monotonic() - started
        time.sleep(0.01)
    assert whole.returncode == 0, (root / "whole" / "log.txt").read_text()[-2000:]
    whole_s = time.monotonic() - started

    hits: Counter[str] = Counter()
    for number, wanted in enumerate(plan):
        later_s = 0.0 if wanted == "packing" else 0.7 * first_tick_s + chance.random() * whole_s / len(plan)
        if wanted == "random":
            hit = kill_when(root / "cut", kimg, lambda folder: True, later_s, 2 * whole_s)
        else:
            hit = kill_when(root / "cut", kimg, MOMENTS[wanted], later_s, 2 * whole_s)
        hits[hit] += 1
        print(f"kill {number + 1} of {len(plan)}: wanted {wanted}, hit {hit}", flush=True)
    assert start(root / "cut", kimg).wait() == 0, (root / "cut" / "log.txt").read_text()[-2000:]

    ours, theirs = final_tensors(root / "whole"), final_tensors(root / "cut")
    assert set(ours) == set(theirs)
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    print(f"kills that hit: {dict(hits)}")
    print(f"{len(ours)} tensors compared, {len(different)} differ {different[:5]}")
    shutil.rmtree(root)
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
