"""Ten healthy runs: how many false alarms? And three sick ones: are they noticed?

    python bench/fetch.py fashion digits emoji
    python bench/health.py --kimg 16

Every line is one `ganvas train` in a process of its own. The sick runs have a discriminator whose weights are held at
nothing, one without any penalty at a wild learning rate, and augmentation that no picture escapes.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fetch import CACHE

FASHION = CACHE / "fashion" / "train-images-idx3-ubyte.gz"
HEALTHY: list[tuple[Path, list[str]]] = [
    *((FASHION, ["--seed", str(seed)]) for seed in (0, 1, 2)),
    (FASHION, ["--loss", "hinge"]),
    (FASHION, ["--loss", "non-saturating"]),
    (FASHION, ["--augment", "flip,shift,colour", "--augment-policy", "adaptive", "--augment-p", "0.8"]),
    *((CACHE / "digits", ["--seed", str(seed)]) for seed in (0, 1)),
    *((CACHE / "emoji", ["--size", "32", "--seed", str(seed)]) for seed in (0, 1)),
]
SICK: list[tuple[str, list[str]]] = [
    ("discriminator clipped to nothing", ["--loss", "non-saturating", "--penalty", "clip", "--clip-limit", "1e-6"]),
    ("no penalty, wild steps", ["--penalty", "none", "--lr", "0.02"]),
    ("every picture augmented", ["--augment", "colour,cutout", "--augment-policy", "fixed", "--augment-p", "1"]),
]


def alarms(pictures: Path, runs: Path, kimg: float, options: list[str]) -> tuple[Counter[str], int]:
    """How often each alarm stood in a run, and its ticks."""
    words = [sys.executable, "-m", "ganvas", "train", str(pictures), "--runs", str(runs), "--json"]
    budget = ["--kimg", str(kimg), "--tick-every", "1", "--checkpoint-every", str(kimg)]
    done = subprocess.run([*words, *budget, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    lines = (Path(json.loads(done.stdout)["run"]) / "health.jsonl").read_text().splitlines()
    return Counter(alarm["kind"] for line in lines for alarm in json.loads(line)["alarms"]), len(lines)


def main() -> None:
    """Run them all and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kimg", type=float, default=16)
    parser.add_argument("--runs", type=Path, help="keep the run folders here, so that a cut run resumes")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    kimg = 0.5 if asked.quick else asked.kimg
    runs = asked.runs or Path(tempfile.mkdtemp(prefix="ganvas-health-"))
    false = 0
    for pictures, options in HEALTHY:
        found, ticks = alarms(pictures, runs, kimg, options)
        false += bool(found)
        name = pictures.name if pictures.is_dir() else pictures.parent.name
        print(f"healthy  {name} {' '.join(options)}: {dict(found) or 'no alarm'} in {ticks} ticks", flush=True)
    print(f"{false} of {len(HEALTHY)} healthy runs raised an alarm")
    for name, options in SICK:
        found, ticks = alarms(FASHION, runs, kimg, options)
        print(f"sick     {name}: {dict(found) or 'NOTHING NOTICED'} in {ticks} ticks", flush=True)
    if asked.runs is None:
        shutil.rmtree(runs)


if __name__ == "__main__":
    main()
