"""Holes deeper than the network has learned to fill: patches of the photograph against what else there is.

    python bench/photo_data.py        (it says what to fetch before)
    python bench/photo_holes.py --out photo-holes      (--photographs FOLDER for others, --quick for every eighth)

One oval somewhere in a square of each test photograph: as they are taken out of a picture, though never the whole of
an object. The network alone is what `ganvas repair` would do without patches. The distance is that of `photo.py`,
within 48 px of the hole; of detail see `ganvas.task.photo.detail_distance`. The truth is one of many answers here, so
look at the sheet: it is what counts.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from photo import FEATURES
from photo_data import FOLDER
from photographs import classical, ours
from photographs.crops import photographs
from photographs.masks import oval
from photographs.measure import chance_of
from photographs.method import Method
from photographs.plain_errors import plain_errors
from photographs.scores import distance_of, scored
from photographs.sheet import write_sheet

from ganvas.model.catalogue import installed_for
from ganvas.model.photo import load_photo_model
from ganvas.network.features import load_feature_network
from ganvas.task.photo import detail_distance

SIDE_PX = 448
ACROSS_PX = 60, 120, 200
AROUND_PX = 48


def methods() -> list[Method]:
    """Three that learned nothing, the network, and all that the verb does."""
    model = load_photo_model(installed_for("repair", 1), device="cpu")
    spec, network = model.photo, model.at(0.0)
    alone = Method("network alone", ours.painter(network, spec))
    return [*classical.repairers(), alone, Method("repair", ours.repairer(network, spec, fidelity=0.0))]


@plain_errors()
def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, default=FOLDER / "test")
    parser.add_argument("--out", type=Path, default=Path("photo-holes"))
    parser.add_argument("--quick", action="store_true", help="every eighth photograph")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    distance, some = distance_of(load_feature_network(FEATURES)), methods()
    crops = list(photographs(asked.photographs, SIDE_PX, 8 if asked.quick else 1))
    print(f"{len(crops)} squares of {SIDE_PX} px\nacross  method          PSNR-Y  distance  seam  detail")
    for across_px in ACROSS_PX:
        masks = [oval(SIDE_PX, chance_of(crop.name, str(across_px)), across_px) for crop in crops]
        holes = torch.from_numpy(np.stack(masks))[:, None].float()
        targets = torch.cat([ours.images(crop.pixels) for crop in crops])
        rows = [(crop.name, [("given", np.where(mask[..., None], np.uint8(128), crop.pixels))])
                for crop, mask in zip(crops, masks, strict=True)]  # fmt: skip
        for method in some:
            answers, scores = [], []
            for crop, mask, (_, columns) in zip(crops, masks, rows, strict=True):
                given = np.where(mask[..., None], np.uint8(0), crop.pixels)
                answer = np.where(mask[..., None], method.run(given, mask), crop.pixels)
                near = tuple(
                    slice(max(0, int(at.min()) - AROUND_PX), int(at.max()) + AROUND_PX) for at in mask.nonzero()
                )
                scores.append(scored(answer[near], crop.pixels[near], mask[near], 0, distance))
                answers.append(ours.images(answer))
                columns.append((method.name, answer))
            psnr, seen, seam = (
                np.mean([getattr(one, key) for one in scores]) for key in ("psnr_y", "perceptual", "seam")
            )
            detail = detail_distance(torch.cat(answers), targets, holes)
            print(
                f"{across_px:6d}  {method.name:14s}  {psnr:6.2f}  {seen:8.3f}  {seam:4.2f}  {detail:6.3f}", flush=True
            )
        write_sheet(asked.out / f"holes-{across_px}.png", rows)


if __name__ == "__main__":
    main()
