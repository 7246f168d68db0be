"""Is the plan right? Predicted against measured time and memory, and the penalty weight against a sweep.

    python bench/fetch.py fashion digits emoji photographs
    python bench/planner.py cost                 # four data sets, a few minutes each
    python bench/planner.py gamma --kimg 24      # each with gamma x1/4, x1/2, x1, x2, x4

Every line is one `ganvas train` in a process of its own. The sweep compares `random_feature_distance` of the last
three checkpoints, lower is better; it is the score the best checkpoint is chosen by, and no FID.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from fetch import CACHE
from trained import trained

DATA = {
    "fashion": CACHE / "fashion" / "train-images-idx3-ubyte.gz",
    "digits": CACHE / "digits",
    "emoji": CACHE / "emoji",
    "photographs": CACHE / "photographs",
}
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)


def cost(names: Sequence[str], runs: Path, kimg: float) -> None:
    """Predicted and measured time and memory."""
    print("data          size     predicted s  measured s  ratio   predicted GB  measured GB  ratio")
    for name, pictures in ((name, DATA[name]) for name in names):
        trained(pictures, runs / "warm", "--kimg", "0.1")  # packing is paid once and not part of the prediction
        run = trained(pictures, runs, "--kimg", str(kimg), "--resume", "never")
        plan, memory = run.plan, run.peak_bytes
        measured_s = json.loads((run.folder / "stats.jsonl").read_text().splitlines()[-1])["elapsed_s"]
        height, width = plan["config"]["size"]
        predicted_s, predicted = float(plan["predicted_s"]), float(plan["predicted_memory_bytes"])
        print(
            f"{name:12s}  {height}x{width:<5d}  {predicted_s:11.0f}  {measured_s:10.0f}  {measured_s / predicted_s:.2f}"
            f"  {predicted / 1e9:13.2f}  {memory / 1e9:11.2f}  {memory / predicted:5.2f}",
            flush=True,
        )


def gamma(names: Sequence[str], runs: Path, kimg: float, seed: int) -> None:
    """The rule's penalty weight and four around it."""
    print(f"data          rule    {'  '.join(f'x{factor:<6g}' for factor in FACTORS)}   (random-feature distance)")
    for name, pictures in ((name, DATA[name]) for name in names):
        plan = trained(pictures, runs / "warm", "--kimg", "0.1", "--resume", "never").plan
        rule = float(plan["config"]["gamma"])
        row = []
        for factor in FACTORS:
            weights = ("--gamma", str(rule * factor), "--gamma-final", str(rule * factor / 10))
            budget = ("--kimg", str(kimg), "--checkpoint-every", str(kimg / 12), "--seed", str(seed))
            # in a folder of its own: a run goes on with another gamma, it does not begin anew
            run = trained(pictures, runs / f"gamma-{factor:g}", *weights, *budget)
            lines = (run.folder / "scores.jsonl").read_text().splitlines()[-3:]
            row.append(mean(json.loads(line)["random_feature_distance"] for line in lines))
        print(f"{name:12s}  {rule:<6g}  {'  '.join(f'{value:<7.3f}' for value in row)}", flush=True)


def main() -> None:
    """Run one of the two questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=("cost", "gamma"), nargs="?", default="cost")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA), metavar="NAME")
    parser.add_argument("--kimg", type=float, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, help="keep the run folders here, so that a cut sweep resumes")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    kimg = 0.5 if asked.quick else asked.kimg
    runs = asked.runs or Path(tempfile.mkdtemp(prefix="ganvas-planner-"))
    if asked.question == "cost":
        cost(asked.data, runs, kimg)
    else:
        gamma(asked.data, runs, kimg, asked.seed)
    if asked.runs is None:
        shutil.rmtree(runs)


if __name__ == "__main__":
    main()
