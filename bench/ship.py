"""Make an installed model of a run: weights in float16, and a card with licence, data and scores.

    FILE=src/ganvas/weights/restore.safetensors
    python bench/ship.py runs/0001-restore $FILE --faithful-only
    python bench/photo.py --tasks restore --restore $FILE --out bench-photo
    python bench/ship.py $FILE $FILE --summary bench-photo/summary.json

The run must have been trained on the training part of `photographs/list.tsv` and nothing else. `--faithful-only` leaves
the other end out, where the critic made nothing better; `--ends 0.25 0.75` cuts the line between the ends where
`fidelity.py` found its best distance and its best PSNR on the validation photographs. Nothing is shipped by this
script: look at the pictures first.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from photographs.split import LIST, read_list

from ganvas.model.photo import shrink_model

LICENCE = "CC-BY-SA-4.0"
PLAIN = ("input", "bicubic", "biharmonic")
"""What a user has without us; their scores stand beside ours."""


def data() -> dict[str, Any]:
    """What the card says of the photographs."""
    photographs = [one for one in read_list() if one.part == "training"]
    pixels = sum(one.width * one.height for one in photographs)
    return {
        "licence": LICENCE,
        "data": f"{len(photographs)} photographs, {pixels / 1e6:.0f} MP: public domain, Pexels, CC-BY, CC-BY-SA; "
        "the training part of bench/photographs/list.tsv; pages of drawn text",
        "data_list_sha256": hashlib.sha256(LIST.read_bytes()).hexdigest(),
    }


def scores(summary: Path, name: str) -> dict[str, Any]:
    """Lines of `photo.py` about this model and about what one has without it, by problem and method."""
    found = json.loads(summary.read_text())
    lines: dict[str, Any] = {}
    measured = False
    for row in (row for rows in found["tasks"].values() for row in rows):
        method = row.get("method", row.get("finder", ""))
        ours = method == name or method.startswith(f"{name} ")
        if not ours and method not in PLAIN:
            continue
        measured |= ours
        if "damage" in row:
            values = {"psnr_y_db": row["psnr_y"], "ssim": row["ssim"], "distance": row["perceptual"]}
            lines[f"{row['damage']}, {row['group']}, {method}"] = {
                key: round(value, 4) for key, value in values.items()
            }
        else:
            lines[method] = {key: row[key] for key in ("scratched", "worn", "unharmed", "text")}
    if not measured:
        raise SystemExit(f"'{summary}' has no line about '{name}'; measure the file under this name first.")
    rest = {key: found["protocol"][key] for key in ("features", "kernel", "quick", "strengths", "precision")}
    return {"protocol": {"command": "bench/photo.py", **rest}, **lines}


def main() -> None:
    """Ship one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--faithful-only", action="store_true")
    parser.add_argument("--faithful", type=Path, help="take the faithful end from this run, which SOURCE started from")
    parser.add_argument("--ends", nargs=2, type=float, default=[0.0, 1.0], metavar=("INVENTIVE", "FAITHFUL"))
    parser.add_argument("--summary", type=Path)
    asked = parser.parse_args()
    source, faithful = (
        path / "model.safetensors" if path is not None and path.is_dir() else path
        for path in (asked.source, asked.faithful)
    )
    card = data()
    if asked.summary is not None:
        card["scores"] = scores(asked.summary, asked.target.stem)
    ends = (asked.ends[0], asked.ends[1])
    shrink_model(source, asked.target, faithful_only=asked.faithful_only, faithful=faithful, ends=ends, card=card)
    print(f"{asked.target}: {asked.target.stat().st_size / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
