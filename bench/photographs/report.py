"""What a run leaves: a table to read, every number as CSV and JSON, and contact sheets."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from photographs.cost import Cost
from photographs.measure import Result, Sought
from photographs.scores import NAMES, mean, worst_tenth
from photographs.sheet import write_sheet

SHEET_ROWS = (
    "gcompris-erase-cheetah",
    "gcompris-explore_monuments-france-citedeCarcassonne",
    "ai-benchmark-enhancement-10",
    "ai-benchmark-segmentation-25",
    "ai-benchmark-segmentation-5",
    "interiors-pexels-5386834",
    "text-dark",
)
"""Fur, brick, foliage, a street sign, whiskers, cloth, and print."""


def summary(
    results: Sequence[Result], costs: Mapping[str, Cost], parameters: Mapping[str, int]
) -> list[dict[str, Any]]:
    """A row a damage, group and competitor: means and worst tenths over crops."""
    rows = []
    keys = dict.fromkeys((one.problem.damage, one.problem.crop.rendered, one.method) for one in results)
    for damage, rendered, method in keys:
        some = [
            asdict(one.scores)
            for one in results
            if (one.problem.damage, one.problem.crop.rendered, one.method) == (damage, rendered, method)
        ]
        values = {name: [one[name] for one in some] for name in NAMES}
        cost = costs.get(method)
        rows.append(
            {
                "damage": damage,
                "group": "text" if rendered else "photographs",
                "method": method,
                "crops": len(some),
                **{name: mean(numbers) for name, numbers in values.items()},
                **{f"{name}_worst": worst_tenth(name, numbers) for name, numbers in values.items()},
                "s_per_mp": cost.seconds_per_megapixel if cost else None,
                "processor_s_per_mp": cost.processor_s_per_megapixel if cost else None,
                "peak_mb": cost.peak_mb if cost else None,
                "parameters": parameters[method],
            }
        )
    return rows


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The summary for people; the worst tenth stands behind each mean."""
    head = (
        f"{'damage':<9} {'method':<28} {'PSNR-Y':>6} {'worst':>6} {'SSIM':>6} {'worst':>6} {'dist.':>6} {'worst':>6} "
        f"{'colour':>6} {'seam':>5} {'s/MP':>7} {'CPU-s':>7} {'MB':>6} {'param.':>7}"
    )
    lines = [head]
    for row in rows:
        where = row["damage"] if row["group"] == "photographs" else f"{row['damage']} T"
        cost = " " * 22
        if row["s_per_mp"] is not None:
            cost = f"{row['s_per_mp']:7.2f} {row['processor_s_per_mp']:7.2f} {row['peak_mb']:6.0f}"
        lines.append(
            f"{where:<9} {row['method']:<28} {row['psnr_y']:6.2f} {row['psnr_y_worst']:6.2f} {row['ssim']:6.4f} "
            f"{row['ssim_worst']:6.4f} {row['perceptual']:6.3f} {row['perceptual_worst']:6.3f} {row['colour']:6.2f} "
            f"{row['seam']:5.2f} {cost} {row['parameters'] / 1e6:6.2f}M"
        )
    return "\n".join(lines)


def sought_table(sought: Sequence[Sought]) -> str:
    """Precision and recall on photographs and on worn prints, and what is marked where there is nothing."""
    heads = (
        f"{'precision':>9} {'recall':>7} {'worn: precision':>15} {'recall':>7} {'marked unharmed':>15} {'on text':>8}"
    )
    lines = [f"{'scratches':<28} {heads}"]
    for one in sought:
        lines.append(
            f"{one.finder:<28} {one.scratched.precision:9.3f} {one.scratched.recall:7.3f} "
            f"{one.worn.precision:15.3f} {one.worn.recall:7.3f} "
            f"{one.unharmed.marked_share:15.3%} {one.text.marked_share:8.3%}"
        )
    return "\n".join(lines)


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """A line a result."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["damage", "crop", "method", *NAMES])
        for one in results:
            numbers = [f"{value:.6g}" for value in asdict(one.scores).values()]
            writer.writerow([one.problem.damage, one.problem.crop.name, one.method, *numbers])


def write_json(path: Path, protocol: Mapping[str, Any], tasks: Mapping[str, Any]) -> None:
    """All that is known of a run."""
    path.write_text(json.dumps({"protocol": protocol, "tasks": tasks}, indent=1) + "\n", encoding="utf-8")


def write_sheets(folder: Path, task: str, results: Sequence[Result], damages: Sequence[str]) -> None:
    """One sheet a damage: every competitor on the crops that show most, and the original."""
    for damage in damages:
        rows = []
        for name in SHEET_ROWS:
            some = [one for one in results if (one.problem.crop.name, one.problem.damage) == (name, damage)]
            if not some:
                continue
            shown = [(one.method, one.picture) for one in some]
            if task == "repair":
                shown.insert(0, ("given", some[0].problem.given))
            rows.append((name, [*shown, ("original", some[0].problem.crop.pixels)]))
        write_sheet(folder / f"{task}-{damage}.png", rows)
