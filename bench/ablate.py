"""Which recipe for photographs? Options against each other, each with the same processor time, and several seeds.

    python bench/photo_data.py        (it says what to fetch before)
    python bench/ablate.py blocks frequency crop --seconds 180 --seeds 0 1 2 --runs ablate

Trains on the training photographs and compares on the validation ones: PSNR-Y of the faithful end over what a user has
without it, with the damages of `photo.py`. An arm's speed is the processor time between two short runs of it; beside
other work it came out 15 % apart for the same options, so leave the machine alone. Kept in --runs, a cut sweep goes on.
"""

import argparse
import re
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from photo import SIDE_PX, problems
from photo_data import FOLDER
from photographs import ours
from photographs.crops import photographs
from photographs.field import Task
from photographs.measure import Problem
from PIL import Image
from trained import trained

from ganvas.metric.pairs.psnr import psnr
from ganvas.model.photo import load_photo_model

UPSCALE = "--task upscale"
ARMS: dict[str, dict[str, str]] = {
    "blocks": {
        "dense": "--task restore --network unet",
        "depthwise": "--task restore --network unet-depthwise",
        "depthwise, two": "--task restore --network unet-depthwise --blocks 2",
    },
    "pixel": {"Charbonnier": UPSCALE, "L1": f"l1: {UPSCALE}"},
    "target": {"photograph": UPSCALE, "half a teacher's": f"distilled: {UPSCALE}"},
    "frequency": {"0": f"{UPSCALE} --frequency-weight 0", "1": f"{UPSCALE} --frequency-weight 1", "5": UPSCALE},
    "crop": {"64 px": f"{UPSCALE} --size 64", "96 px": UPSCALE, "128 px": f"{UPSCALE} --size 128"},
    "rate": {f"{rate:g}": f"--task restore --lr {rate:g}" for rate in (5e-4, 1e-3, 2e-3)},
    "batch": {f"{count}": f"--task restore --batch {count}" for count in (8, 16, 32)},
    "average": {f"{kimg:g} kimg": f"{UPSCALE} --ema-kimg {kimg:g}" for kimg in (0.1, 1, 4)},
    "network": {"plain": UPSCALE, "compact": f"{UPSCALE} --network compact"},
}
"""Options of each arm; what stands before a colon is an alteration of `altered.py`. Equal arms are trained once."""
SHORT_KIMG = 0.16, 0.96
PACES = ("tick", "evaluate", "sample", "checkpoint")
RARELY = [word for pace in PACES for word in (f"--{pace}-every", "1000")]
"""Two short runs that differ in nothing but steps."""


def gain(model_file: Path, every: int) -> float:
    """Mean PSNR-Y over bicubic or over what was given, on the validation photographs, decibels."""
    model = load_photo_model(model_file, device="cpu")
    spec = model.photo
    task: Task = "upscale2" if spec.scale == 2 else "restore"
    run = ours.painter(model.at(1.0), scale=spec.scale, stride_px=spec.stride_px, inputs=spec.inputs, strength=1.0)
    crops = list(photographs(FOLDER / "validation", SIDE_PX[task], every))
    posed = [problem for problem in problems(task, crops, "bicubic") if problem.damage != "clean"]
    return mean(_psnr(run(one.given, one.mask), one) - _psnr(_plain(one, spec.scale), one) for one in posed)


def _plain(problem: Problem, scale: int) -> np.ndarray:
    height, width = (scale * side for side in problem.given.shape[:2])
    return np.array(Image.fromarray(problem.given).resize((width, height), Image.Resampling.BICUBIC))


def _psnr(picture: np.ndarray, problem: Problem) -> float:
    return float(psnr(picture[None], problem.crop.pixels[None], border_px=problem.border_px, channel="y"))


def main() -> None:
    """Train and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ablations", nargs="+", choices=ARMS)
    parser.add_argument("--seconds", type=float, default=180, help="processor time of a run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, help="keep the run folders here")
    parser.add_argument("--quick", action="store_true", help="judge by every fourth photograph")
    asked = parser.parse_args()
    runs = asked.runs or Path(tempfile.mkdtemp(prefix="ganvas-ablate-"))
    arms: dict[str, str] = {}
    for name in asked.ablations:
        print(f"\n{name}: {asked.seconds:g} processor seconds a run", flush=True)
        print("arm               kimg   gain over plain, dB", flush=True)
        for arm, words in ARMS[name].items():
            if words not in arms:
                every = 4 if asked.quick else 1
                folder = runs / re.sub("[^a-z0-9.]+", "-", words).strip("-")
                arms[words] = measured(words, folder, asked.seconds, asked.seeds, every)
            print(f"{arm:16s}  {arms[words]}", flush=True)


def measured(words: str, runs: Path, seconds: float, seeds: Sequence[int], every: int) -> str:
    """What an arm gains, seed by seed, in words."""
    altered, _, options = words.rpartition(": ")
    train = partial(trained, FOLDER / "training", altered=altered)
    given = [*options.split(), "--pixel-share", "1"]
    first, second = (
        train(runs / "short", *given, *RARELY, "--kimg", str(kimg), "--resume", "never").processor_s
        for kimg in SHORT_KIMG
    )
    kimg = float(f"{seconds * (SHORT_KIMG[1] - SHORT_KIMG[0]) / (second - first):.2g}")  # a cut sweep finds its runs
    budgets = [("--kimg", str(kimg), "--seed", str(seed)) for seed in seeds]
    gains = [gain(train(runs, *given, *budget).folder / "model.safetensors", every) for budget in budgets]
    spread = stdev(gains) if len(gains) > 1 else float("nan")
    return f"{kimg:5g}  {mean(gains):.3f} +- {spread:.3f}  ({', '.join(f'{value:.2f}' for value in gains)})"


if __name__ == "__main__":
    main()
