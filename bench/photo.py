"""Upscaling, restoring, repairing and finding scratches, beside classical methods and other projects' networks.

    python bench/photo_data.py        (it says what to fetch before)
    python bench/fetch.py waifu2x realesrgan realcugan
    python bench/photo.py --upscale2 MODEL --restore MODEL --repair MODEL      (any of them, or none; or --installed)

Needs the extras `bench` and `features` (`pip install '.[bench,features]'`). All work on the same crops of the test
photographs in one run and with the same threads; damages, kernels and masks are the benchmark's own. Leaves
`scores.csv` (a line a crop), `summary.json` and contact sheets in --out. Seconds and memory are measured apart, each
competitor in a fresh process on 512 x 512 px of result. Rows marked T are rendered text. See docs/photo-data.md for the
pictures.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np
from fetch import CACHE
from photo_data import FOLDER
from photographs import ours, report
from photographs.cost import cost, limit_threads
from photographs.crops import Crop, photographs, written
from photographs.damage import KERNELS
from photographs.field import TASKS, Setting, Task, finders, installed, methods
from photographs.measure import Problem, Result, repairing, restoring, seek, solve, upscaling
from photographs.method import Picture
from photographs.plain_errors import plain_errors
from photographs.scores import distance_of

from ganvas.device import choose_precision
from ganvas.job.photo_options import PrecisionChoice
from ganvas.network.features import load_feature_network

SIDE_PX: dict[Task, int] = {"upscale2": 384, "upscale4": 384, "restore": 192, "repair": 256, "find-scratches": 384}
FEATURES = "efficientnet-lite0"
SHEETS = {
    "upscale2": ("x2",),
    "upscale4": ("x4",),
    "restore": ("jpeg-10", "noise-25", "clean"),
    "repair": ("thin", "thick", "boxes"),
}


COST_PX = 512
"""Side of the picture that seconds and memory are measured on."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for task in TASKS:
        parser.add_argument(f"--{task}", nargs="+", type=Path, default=[], metavar="FILE", help="our models")
    parser.add_argument("--installed", action="store_true", help="our models that came with ganvas, too")
    parser.add_argument("--strengths", nargs="+", type=float, default=[1.0], help="told to our restorers")
    parser.add_argument(
        "--precision", choices=get_args(PrecisionChoice), default="auto", help="of ours, as for the verbs"
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--kernel", choices=KERNELS, default="bicubic", help="how pictures are made smaller")
    parser.add_argument("--photographs", type=Path, default=FOLDER / "test", help="folder of pictures to measure on")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("bench-photo"))
    parser.add_argument("--quick", action="store_true", help="every eighth photograph, without the largest peer")
    parser.add_argument("--no-cost", action="store_true", help="measure no seconds and no memory")
    return parser.parse_args()


def problems(task: Task, crops: Sequence[Crop], kernel: str) -> Iterator[Problem]:
    """What a task asks for."""
    if task == "restore":
        return restoring(crops)
    if task == "repair":
        return repairing(crops)
    return upscaling(crops, int(task[-1]), kernel)


def cost_picture(folder: Path) -> Picture:
    """What costs are measured on: the first photograph that is large enough."""
    first = next(photographs(folder, COST_PX), None)
    if first is None:
        raise SystemExit(f"No picture in '{folder}' has {COST_PX} px a side, as costs need; give --no-cost.")
    return first.pixels


@plain_errors()
def main() -> None:
    """Measure, print, write."""
    asked = arguments()
    started = time.perf_counter()
    models: dict[Task, tuple[Path, ...]] = {task: tuple(getattr(asked, task.replace("-", "_"))) for task in TASKS}
    for task, paths in installed().items() if asked.installed else ():
        models[task] += paths
    precision = choose_precision(asked.precision, ours.CPU)
    setting = Setting(CACHE, asked.threads, models, tuple(asked.strengths), asked.quick, precision)
    limit_threads(asked.threads)
    picture = None if asked.no_cost else cost_picture(asked.photographs)
    distance = distance_of(load_feature_network(FEATURES))
    asked.out.mkdir(parents=True, exist_ok=True)
    tasks: dict[str, Any] = {}
    every: list[Result] = []
    for task in asked.tasks:
        side_px = SIDE_PX[task]
        crops = [*photographs(asked.photographs, side_px, 8 if asked.quick else 1), *written(side_px)]
        print(f"\n{task}: {len(crops)} crops of {side_px} px", flush=True)
        if task == "find-scratches":
            sought = seek(crops, finders(setting))
            print(report.sought_table(sought), flush=True)
            tasks[task] = [asdict(one) for one in sought]
            continue
        some = methods(task, setting)
        results = solve(problems(task, crops, asked.kernel), some, distance)
        timed = [one.name for one in some if one.name != "input"]
        taken = {} if picture is None else {name: cost(task, name, setting, picture) for name in timed}
        rows = report.summary(results, taken, {one.name: one.parameters for one in some})
        print(report.table(rows), flush=True)
        tasks[task] = rows
        every += results
        report.write_sheets(asked.out, task, results, SHEETS[task])
    report.write_csv(asked.out / "scores.csv", every)
    protocol = {
        "features": FEATURES, "kernel": asked.kernel, "threads": asked.threads,
        "strengths": asked.strengths, "precision": precision, "quick": asked.quick,
        "side_px": SIDE_PX, "models": {task: [path.name for path in paths] for task, paths in models.items()},
        "numpy": np.__version__, "seconds": time.perf_counter() - started,
    }  # fmt: skip
    report.write_json(asked.out / "summary.json", protocol, tasks)
    print(f"\n{asked.out}: scores.csv, summary.json and contact sheets; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
