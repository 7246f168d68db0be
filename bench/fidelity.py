"""Does --fidelity do what it says, and does --map show where a picture is wrong? For a model with two ends.

    python bench/fidelity.py runs/0003-photos                    (or a model file; --photographs FOLDER for others)

On crops of the test photographs, for five fidelities: PSNR-Y, the LPIPS-form distance in EfficientNet-Lite0 and the
distance of detail (see `ganvas.task.photo.detail_distance`; of repairs in the holes alone). The first should rise from
step to step and one of the others with it. The map is the disagreement of the ends; its rank correlation (Spearman)
with the true error of the faithful end is taken over blocks of 8 px, once within each picture and once over all, beside
that of the local contrast of what was given, which costs nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from photo import FEATURES, SIDE_PX, problems
from photo_data import FOLDER
from photographs import ours
from photographs.crops import photographs
from photographs.measure import Problem
from photographs.plain_errors import plain_errors
from photographs.scores import distance_of, scored
from scipy import ndimage, stats

from ganvas.model.photo import PhotoModel, load_photo_model
from ganvas.network.features import load_feature_network
from ganvas.task.photo import detail_distance

FIDELITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
BLOCK_PX = 8
Plane = NDArray[np.float64]


def painted(model: PhotoModel, fidelity: float, asked: Sequence[Problem]) -> list[NDArray[np.uint8]]:
    """All answers at one fidelity."""
    network, spec = model.at(fidelity), model.photo
    repairs = model.descriptor.task == "repair"
    run = ours.repairer(network, spec, fidelity=fidelity) if repairs else ours.painter(network, spec)
    return [run(problem.given, problem.mask) for problem in asked]


def blocks(plane: NDArray[np.generic]) -> Plane:
    """Means of blocks of a plane, as a row."""
    height, width = (side // BLOCK_PX for side in plane.shape)
    cut = plane[: height * BLOCK_PX, : width * BLOCK_PX].astype(np.float64)
    return np.asarray(cut.reshape(height, BLOCK_PX, width, BLOCK_PX).mean((1, 3)).ravel())


def off(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Plane:
    """Mean absolute difference over colours."""
    return np.asarray(np.abs(a.astype(np.float64) - b).mean(2))


def contrast(problem: Problem, scale: int) -> Plane:
    """How much a pixel of what was given differs from its neighbourhood, at the size of the result."""
    grey = problem.given.mean(2)
    return np.asarray(np.kron(np.abs(grey - ndimage.uniform_filter(grey, 5)), np.ones((scale, scale))))


@plain_errors()
def main() -> None:
    """Measure one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--photographs", type=Path, default=FOLDER / "test")
    parser.add_argument("--quick", action="store_true", help="every eighth photograph")
    asked = parser.parse_args()
    path = asked.model / "model.safetensors" if asked.model.is_dir() else asked.model
    model = load_photo_model(path, device="cpu")
    if not model.two_ends:
        raise SystemExit(f"'{path}' has one end: fidelity changes nothing.")
    scale = model.photo.scale
    task = f"upscale{scale}" if scale > 1 else model.descriptor.task
    if task not in SIDE_PX:
        raise SystemExit(f"'{path}' enlarges {scale} times; fidelity is measured at two and four.")
    crops = list(photographs(asked.photographs, SIDE_PX[task], 8 if asked.quick else 1))
    posed = [problem for problem in problems(task, crops, "bicubic") if problem.damage != "clean"]
    targets = torch.stack([_image(problem.crop.pixels) for problem in posed])
    holes = None
    if task == "repair":
        holes = torch.stack([torch.from_numpy(problem.mask)[None].float() for problem in posed])
    distance = distance_of(load_feature_network(FEATURES))
    answers = {fidelity: painted(model, fidelity, posed) for fidelity in FIDELITIES}
    print("fidelity  PSNR-Y  distance  detail")
    for fidelity, results in answers.items():
        scores = [
            scored(result, problem.crop.pixels, problem.mask, problem.border_px, distance)
            for result, problem in zip(results, posed, strict=True)
        ]
        painted_images = torch.stack([_image(result) for result in results])
        detail = detail_distance(painted_images, targets, holes)
        psnr, seen = (np.mean([getattr(one, name) for one in scores]) for name in ("psnr_y", "perceptual"))
        print(f"{fidelity:8g}  {psnr:6.3f}  {seen:8.4f}  {detail:6.4f}", flush=True)
    maps, plain, errors = [], [], []
    for inventive, faithful, problem in zip(answers[0.0], answers[1.0], posed, strict=True):
        inside = blocks(np.ones(problem.crop.pixels.shape[:2]) if scale > 1 or not problem.mask.any() else problem.mask)
        kept = inside > 0
        maps.append(blocks(off(inventive, faithful))[kept])
        plain.append(blocks(contrast(problem, scale))[kept])
        errors.append(blocks(off(faithful, problem.crop.pixels))[kept])
    for name, planes in (("map", maps), ("contrast", plain)):
        each = [stats.spearmanr(plane, error).statistic for plane, error in zip(planes, errors, strict=True)]
        whole = stats.spearmanr(np.concatenate(planes), np.concatenate(errors)).statistic
        print(f"{name} and error: {np.nanmean(each):.2f} within a picture, {whole:.2f} over all blocks")


def _image(levels: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(levels.astype(np.float32)).permute(2, 0, 1) / 127.5 - 1


if __name__ == "__main__":
    main()
