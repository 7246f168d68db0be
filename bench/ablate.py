"""Which recipe for photographs? Options against each other, each with the same processor time, and several seeds.

    python bench/photo_data.py        (it says what to fetch before)
    python bench/ablate.py blocks frequency crop --seconds 180 --seeds 0 1 2 --runs ablate

Trains on the training photographs and compares on the validation ones, with the damages of `photo.py`: PSNR-Y over what
a user has without it, and the distance that `photo.py` measures. `adversarial`, `critic` and `heard` go on from the
faithful end of the installed upscale-4; theirs are the scores of the inventive end they come to. An arm's speed is the
processor time between two short runs of it; beside other work it came out 15 % apart for the same options, so leave the
machine alone. Kept in --runs, a cut sweep goes on.
"""

import argparse
import re
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from photo import FEATURES, SIDE_PX, problems
from photo_data import FOLDER
from photographs import ours
from photographs.crops import photographs
from photographs.field import Task
from photographs.measure import Problem
from photographs.plain_errors import plain_errors
from photographs.scores import distance_of
from PIL import Image
from trained import trained

from ganvas.metric.pairs.psnr import psnr
from ganvas.model.catalogue import installed_for
from ganvas.model.photo import load_photo_model, shrink_model
from ganvas.network.features import load_feature_network

PIXELS = "--pixel-share 1"
UPSCALE, RESTORE = f"--task upscale {PIXELS}", f"--task restore {PIXELS}"


def finish(adversarial: float = 1, batch: int = 4, gamma: float = 16) -> str:
    """The adversarial part alone, from the faithful end of the installed upscale-4."""
    return (
        "--task upscale --scale 4 --size 128 --width 64 --blocks 12 --start-from START --pixel-share 0.002 --lr 2e-4 "
        "--lr-final 5e-5 --features mobilenet-v2 --perceptual-weight 8 "
        f"--adversarial-weight {adversarial:g} --batch {batch} --gamma {gamma:g}"
    )


ARMS: dict[str, dict[str, str]] = {
    "blocks": {
        "dense": f"{RESTORE} --network unet",
        "depthwise": f"{RESTORE} --network unet-depthwise",
        "depthwise, two": f"{RESTORE} --network unet-depthwise --blocks 2",
    },
    "pixel": {"Charbonnier": UPSCALE, "L1": f"l1: {UPSCALE}"},
    "target": {"photograph": UPSCALE, "half a teacher's": f"distilled: {UPSCALE}"},
    "frequency": {"0": f"{UPSCALE} --frequency-weight 0", "1": f"{UPSCALE} --frequency-weight 1", "5": UPSCALE},
    "crop": {"64 px": f"{UPSCALE} --size 64", "96 px": UPSCALE, "128 px": f"{UPSCALE} --size 128"},
    "rate": {f"{rate:g}": f"{RESTORE} --lr {rate:g}" for rate in (5e-4, 1e-3, 2e-3)},
    "batch": {f"{count}": f"{RESTORE} --batch {count}" for count in (8, 16, 32)},
    "average": {f"{kimg:g} kimg": f"{UPSCALE} --ema-kimg {kimg:g}" for kimg in (0.1, 1, 4)},
    "adversarial": {f"{weight:g}": finish(weight) for weight in (0.3, 1, 3)},
    "critic": {
        "half as wide": f"narrow: {finish()}",
        "as it is": finish(),
        "twice as wide": f"wide: {finish()}",
    },
    "heard": {"batch 4, gamma 16": finish(), "batch 16": finish(batch=16), "gamma 130": finish(gamma=130)},
    "network": {"plain": UPSCALE, "compact": f"{UPSCALE} --network compact"},
}
"""Options of each arm; what stands before a colon is an alteration of `altered.py`. Equal arms are trained once."""
SHORT_KIMG = 0.16, 0.96
PACES = ("tick", "evaluate", "sample", "checkpoint")
RARELY = [word for pace in PACES for word in (f"--{pace}-every", "1000")]
"""Two short runs that differ in nothing but steps."""


def judged(model_file: Path, every: int) -> tuple[float, float]:
    """Means over the validation photographs: PSNR-Y over bicubic or over what was given, decibels; and the distance."""
    model = load_photo_model(model_file, device="cpu")
    spec = model.photo
    task: Task = f"upscale{spec.scale}" if spec.scale > 1 else "restore"  # type: ignore[assignment]
    run = ours.painter(model.at(0.0), spec)
    crops = list(photographs(FOLDER / "validation", SIDE_PX[task], every))
    posed = [problem for problem in problems(task, crops, "bicubic") if problem.damage != "clean"]
    distance = distance_of(load_feature_network(FEATURES))
    pairs = [(run(one.given, one.mask), one) for one in posed]
    gains = [_psnr(result, one) - _psnr(_plain(one, spec.scale), one) for result, one in pairs]
    return mean(gains), mean(distance(result, one.crop.pixels) for result, one in pairs)


def _plain(problem: Problem, scale: int) -> np.ndarray:
    height, width = (scale * side for side in problem.given.shape[:2])
    return np.array(Image.fromarray(problem.given).resize((width, height), Image.Resampling.BICUBIC))


def _psnr(picture: np.ndarray, problem: Problem) -> float:
    return float(psnr(picture[None], problem.crop.pixels[None], border_px=problem.border_px, channel="y"))


@plain_errors()
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
    start = runs / "start.safetensors"
    runs.mkdir(parents=True, exist_ok=True)
    if any("START" in words for name in asked.ablations for words in ARMS[name].values()):
        shrink_model(installed_for("upscale", 4), start, faithful_only=True)
    for name in asked.ablations:
        print(f"\n{name}: {asked.seconds:g} processor seconds a run", flush=True)
        print(f"{'arm':16s}   kimg  gain over plain, dB{'distance':>28s}", flush=True)
        for arm, words in ARMS[name].items():
            if words not in arms:
                folder = runs / re.sub("[^a-z0-9.]+", "-", words).strip("-")
                options = words.replace("START", str(start))
                arms[words] = measured(options, folder, asked.seconds, asked.seeds, 4 if asked.quick else 1)
            print(f"{arm:16s}  {arms[words]}", flush=True)


def measured(words: str, runs: Path, seconds: float, seeds: Sequence[int], every: int) -> str:
    """What an arm gains, seed by seed, in words."""
    altered, _, options = words.rpartition(": ")
    train = partial(trained, FOLDER / "training", altered=altered)
    given = options.split()
    kept = runs / f"kimg-{seconds:g}.txt"  # a sweep that was cut goes on with the budget that it measured
    if not kept.is_file():
        _, first, second = (
            train(runs / "short", *given, *RARELY, "--kimg", str(kimg), "--resume", "never").processor_s
            for kimg in (SHORT_KIMG[0], *SHORT_KIMG)  # the first of all may have to pack the photographs
        )
        kept.write_text(f"{seconds * (SHORT_KIMG[1] - SHORT_KIMG[0]) / (second - first):.2g}")
    kimg = float(kept.read_text())
    budgets = [("--kimg", str(kimg), "--seed", str(seed)) for seed in seeds]
    found = [judged(train(runs, *given, *budget).folder / "model.safetensors", every) for budget in budgets]
    return f"{kimg:5g}  " + "  ".join(_told(column) for column in zip(*found, strict=True))


def _told(values: Sequence[float]) -> str:
    spread = stdev(values) if len(values) > 1 else float("nan")
    return f"{mean(values):.3f} +- {spread:.3f} ({', '.join(f'{value:.3f}' for value in values)})"


if __name__ == "__main__":
    main()
