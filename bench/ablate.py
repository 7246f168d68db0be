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

ARMS: dict[str, dict[str, str]] = {
    "blocks": {
        "dense": "--task restore --network unet",
        "depthwise": "--task restore --network unet-depthwise",
        "depthwise, two": "--task restore --network unet-depthwise --blocks 2",
    },
    "frequency": {f"{weight:g}": f"--task upscale --frequency-weight {weight:g}" for weight in (0, 1, 5)},
    "crop": {f"{side} px": f"--task upscale --size {side}" for side in (64, 96, 128)},
    "rate": {f"{rate:g}": f"--task restore --lr {rate:g}" for rate in (5e-4, 1e-3, 2e-3)},
    "batch": {f"{count}": f"--task restore --batch {count}" for count in (8, 16, 32)},
    "average": {f"{kimg:g} kimg": f"--task upscale --ema-kimg {kimg:g}" for kimg in (0.1, 1, 4)},
    "network": {name: f"--task upscale --network {name}" for name in ("plain", "compact")},
    "pixel": {"Charbonnier": "--task upscale", "L1": "l1: --task upscale"},
    "target": {"photograph": "--task upscale", "half a teacher's": "distilled: --task upscale"},
}
"""Options of each arm; what stands before a colon is an alteration of `altered.py`."""
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
    for name in asked.ablations:
        print(
            f"\n{name}: {asked.seconds:g} processor seconds a run\narm               kimg   gain over plain, dB",
            flush=True,
        )
        for arm, words in ARMS[name].items():
            altered, _, words = words.rpartition(": ")
            options = [*words.split(), "--pixel-share", "1"]
            folder = runs / name / re.sub("[^A-Za-z0-9.]+", "-", arm)
            first, second = (
                trained(
                    *(FOLDER / "training", folder / "short", *options, *RARELY, "--kimg", str(kimg)),
                    *("--resume", "never"),
                    altered=altered,
                )
                for kimg in SHORT_KIMG
            )
            kimg = asked.seconds * (SHORT_KIMG[1] - SHORT_KIMG[0]) / (second.processor_s - first.processor_s)
            kimg = float(f"{kimg:.2g}")  # a cut sweep finds its runs again
            gains = []
            for seed in asked.seeds:
                budget = ("--kimg", str(kimg), "--seed", str(seed))
                run = trained(FOLDER / "training", folder, *options, *budget, altered=altered)
                gains.append(gain(run.folder / "model.safetensors", 4 if asked.quick else 1))
            spread = stdev(gains) if len(gains) > 1 else float("nan")
            each = ", ".join(f"{value:.2f}" for value in gains)
            print(f"{arm:16s}  {kimg:5g}  {mean(gains):.3f} +- {spread:.3f}  ({each})", flush=True)


if __name__ == "__main__":
    main()
