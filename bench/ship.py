"""Make an installed model of a run: weights in float16, and a card with licence, data and scores.

    FILE=src/ganvas/weights/restore.safetensors
    python bench/ship.py runs/0001-restore $FILE --faithful-only
    python bench/photo.py --tasks restore --restore $FILE --out bench-photo
    python bench/stages.py --models $FILE --out speed.json
    python bench/ship.py $FILE $FILE --summary bench-photo/summary.json --speed speed.json

The run must have been trained on the training part of `photographs/list.tsv` and nothing else. `--faithful-only` leaves
the other end out, where the critic made nothing better; `--ends 0.25 0.75` cuts the line between the ends where
`fidelity.py` found its best distance and its best PSNR on the validation photographs. Nothing is shipped by this
script: look at the pictures first. Of models whose cards are older than `started_from`, `photographs/earlier.json`
tells the runs before the last.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from photographs.plain_errors import plain_errors
from photographs.split import LIST, read_list

from ganvas.model.load import read_descriptor
from ganvas.model.photo import shrink_model

LICENCE = "CC-BY-SA-4.0"
PLAIN = ("input", "bicubic", "biharmonic")
"""What a user has without us; their scores stand beside ours."""
WORDS = {"psnr_y": "psnr_y_db", "ssim": "ssim", "perceptual": "distance", "colour": "colour_levels"}
"""Scores of a card by their names in the summary; beside each mean that of the worst tenth."""
SEAM = {"seam": "seam"}
"""The step across the edge of a hole, which repairs alone have."""
EARLIER = Path(__file__).parent / "photographs" / "earlier.json"


def data(source: Path) -> dict[str, Any]:
    """What the card says of the photographs; that of a model that was shipped before keeps what it says."""
    card = read_descriptor(source).card
    if "data_list_sha256" in card:
        return {}
    photographs = [one for one in read_list() if one.part == "training"]
    pixels, pages = sum(one.pixels for one in photographs), card["picture_count"] - len(photographs)
    if pages < 0:
        raise SystemExit(
            f"'{source}' was trained on {card['picture_count']} pictures, but the list has {len(photographs)}; "
            "train it on all of them."
        )
    return {
        "licence": LICENCE,
        "data": f"{len(photographs)} photographs, {pixels / 1e6:.0f} MP: public domain, Pexels, CC0, CC-BY, CC-BY-SA, "
        "BSD-2-Clause; the training part of bench/photographs/list.tsv"
        + (f"; {pages} pages of drawn text" if pages else ""),
        "data_list_sha256": hashlib.sha256(LIST.read_bytes()).hexdigest(),
    }


def before(source: Path, name: str) -> dict[str, Any]:
    """The runs before the last one: those the card tells of, after those that were before cards did.

    Those have no hash, and come back shortened where a run started from a model that was shipped.
    """
    earlier: list[dict[str, Any]] = json.loads(EARLIER.read_text()).get(name, [])
    told = read_descriptor(source).card.get("started_from", [])
    runs = [*earlier, *(one for one in told if "sha256" in one)]
    return {"started_from": runs} if runs else {}


def scores(summary: Path, name: str) -> dict[str, Any]:
    """Lines of `photo.py` about this model and about what one has without it, by problem and method."""
    found = json.loads(summary.read_text())
    words = {**WORDS, **SEAM} if name == "repair" else WORDS
    lines: dict[str, Any] = {}
    for rows in found["tasks"].values():
        methods = [row.get("method", row.get("finder", "")) for row in rows]
        ours = {method for method in methods if method == name or method.startswith(f"{name} ")}
        for method, row in zip(methods, rows, strict=True) if ours else ():
            if method in ours and "finder" in row:
                lines[method] = {key: row[key] for key in ("scratched", "worn", "unharmed", "text")}
            elif method in ours or method in PLAIN:
                lines[f"{row['damage']}, {row['group']}, {method}"] = {
                    f"{word}{tenth}": round(row[f"{key}{tenth}"], 4)
                    for key, word in words.items()
                    for tenth in ("", "_worst")
                }
    if not lines:
        raise SystemExit(f"'{summary}' has no line about '{name}'; measure the file under this name first.")
    rest = {key: found["protocol"][key] for key in ("features", "kernel", "quick", "strengths", "precision")}
    return {"protocol": {"command": "bench/photo.py", **rest}, **lines}


def speed(found: Path, name: str) -> dict[str, Any]:
    """What `stages.py` measured of a step like this model's last."""
    speeds: dict[str, dict[str, Any]] = json.loads(found.read_text())
    if name not in speeds:
        raise SystemExit(f"'{found}' has no line about '{name}'; measure the file under this name first.")
    return speeds[name]


@plain_errors()
def main() -> None:
    """Ship one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--faithful-only", action="store_true")
    parser.add_argument("--faithful", type=Path, help="take the faithful end from this run, which SOURCE started from")
    parser.add_argument("--ends", nargs=2, type=float, default=[0.0, 1.0], metavar=("INVENTIVE", "FAITHFUL"))
    parser.add_argument("--summary", type=Path)
    parser.add_argument("--speed", type=Path)
    asked = parser.parse_args()
    source, faithful = (
        path / "model.safetensors" if path is not None and path.is_dir() else path
        for path in (asked.source, asked.faithful)
    )
    name = asked.target.stem
    card = {**data(source), **before(source, name)}
    if asked.summary is not None:
        card["scores"] = scores(asked.summary, name)
    if asked.speed is not None:
        card["speed"] = speed(asked.speed, name)
    ends = (asked.ends[0], asked.ends[1])
    shrink_model(source, asked.target, faithful_only=asked.faithful_only, faithful=faithful, ends=ends, card=card)
    print(f"{asked.target}: {asked.target.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
