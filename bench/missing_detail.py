"""What would bring an enlarged photograph nearer to its original in the eyes of a network: grain, or the true detail?

    python bench/missing_detail.py --photographs VALIDATION

To the faithful end of the installed upscale-4 is added either noise of the missing frequencies, as strong around every
pixel as what is missing there (no network could know that better), or a share of what is truly missing.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from photo import FEATURES, SIDE_PX, problems
from photo_data import FOLDER
from photographs import ours
from photographs.crops import photographs
from photographs.plain_errors import plain_errors
from photographs.scores import distance_of, scored
from scipy.ndimage import gaussian_filter

from ganvas.model.catalogue import installed_for
from ganvas.model.photo import load_photo_model
from ganvas.network.features import load_feature_network

KEPT_PX, AROUND_PX = 1.8, 6.0
"""Deviations of Gaussians: what is broader is there at a quarter of the size; how far "around a pixel" is."""
SHARES = (0.1, 0.3, 0.5, 1.0)
Levels = NDArray[np.float64]


def smooth(planes: Levels, width_px: float) -> Levels:
    return np.asarray(gaussian_filter(planes, (width_px, width_px, 0)))


def noise(painted: Levels, original: Levels, generator: np.random.Generator) -> Levels:
    """Grey noise without broad shapes, of the local deviation of what is missing without broad shapes."""
    missing = original - painted
    missing = (missing - smooth(missing, KEPT_PX)).mean(2, keepdims=True)
    grain = generator.normal(size=missing.shape)
    grain -= smooth(grain, KEPT_PX)
    return np.asarray(np.sqrt(smooth(missing**2, AROUND_PX)) * grain / grain.std())


@plain_errors()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, default=FOLDER / "validation")
    asked = parser.parse_args()
    model = load_photo_model(installed_for("upscale", 4), device="cpu")
    paint = ours.painter(model.at(1.0), model.photo)
    distance = distance_of(load_feature_network(FEATURES))
    posed = list(problems("upscale4", list(photographs(asked.photographs, SIDE_PX["upscale4"], 1)), "bicubic"))
    painted = [paint(problem.given, problem.mask).astype(np.float64) for problem in posed]
    print("added                 PSNR-Y  distance")
    for what in ("noise", "true detail"):
        for share in SHARES if what == "noise" else SHARES[:-1]:
            generator, scores = np.random.default_rng(0), []
            for problem, picture in zip(posed, painted, strict=True):
                original = problem.crop.pixels.astype(np.float64)
                more = noise(picture, original, generator) if what == "noise" else original - picture
                levels = (picture + share * more).round().clip(0, 255).astype(np.uint8)
                scores.append(scored(levels, problem.crop.pixels, problem.mask, problem.border_px, distance))
            psnr, seen = np.mean([one.psnr_y for one in scores]), np.mean([one.perceptual for one in scores])
            print(f"{share:4g} of {what:12s}  {psnr:6.3f}  {seen:8.4f}", flush=True)


if __name__ == "__main__":
    main()
