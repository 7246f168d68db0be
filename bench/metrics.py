"""Speed of the metrics beside what other tools do, alternating in one run; only ratios mean anything.

python bench/fetch.py fashion
pip install prdc==0.2                # without it, that part is left out and says so
python bench/metrics.py
python bench/metrics.py whole        # one part: frechet, features, neighbours, training, whole
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import scipy.linalg
import torch
from fetch import CACHE
from torch import Tensor, nn

from ganvas.data.array import read_idx
from ganvas.data.labels import no_labels
from ganvas.device import place
from ganvas.draw import Draw
from ganvas.events import Event, Looked
from ganvas.job.calibrate import MadeUp
from ganvas.job.evaluate import EvaluateRequest, evaluate
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.metric.frechet import frechet_distance
from ganvas.metric.moments import Moments
from ganvas.network.features.efficientnet_lite import EfficientNetLite
from ganvas.network.features.fold import folded
from ganvas.network.features.inception_v3 import InceptionV3
from ganvas.network.features.mobilenet_v2 import MobileNetV2
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState
from ganvas.training.vitals import scores, vitals_count


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def side_by_side(routes: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each route, alternating."""
    taken: dict[str, list[float]] = {name: [] for name in routes}
    for _ in range(rounds):
        for name, work in routes.items():
            taken[name].append(seconds(work))
    return taken


def features_like_real(count: int, width: int, seed: int, mean: float = 0.0) -> Tensor:
    """Features with a power-law spectrum, as trained networks give."""
    generator = torch.Generator().manual_seed(seed)
    scales = torch.arange(1, width + 1).double() ** -0.7
    return (torch.randn(count, width, generator=generator, dtype=torch.float64) * scales + mean).float()


def frechet(quick: bool) -> None:
    """Ours against SciPy's matrix root and the eigenvalues of the product, 2,048 features."""
    width, count, rounds = (512, 2000, 1) if quick else (2048, 10_000, 3)
    a, b = (Moments.of(features_like_real(count, width, seed, 0.1 * seed)) for seed in (0, 1))
    first, second = a.covariance(), b.covariance()
    plain = (a.mean - b.mean).square().sum() + first.trace() + second.trace()

    def root() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(plain - 2 * np.trace(scipy.linalg.sqrtm(first.numpy() @ second.numpy()).real))

    def eigenvalues() -> float:
        return float(plain - 2 * torch.linalg.eigvals(first @ second).sqrt().real.sum())

    routes = {"ganvas": lambda: frechet_distance(a, b), "scipy sqrtm": root, "torch eigvals": eigenvalues}
    taken = side_by_side(routes, rounds)
    print(f"Fréchet distance, {width} features, {count} pictures a side, {rounds} rounds")
    for name, work in routes.items():
        ratios = [theirs / ours for theirs, ours in zip(taken[name], taken["ganvas"], strict=True)]
        print(f"  {name:14s} {median(taken[name]):7.2f} s  {median(ratios):5.1f} x  value {work():.9f}")


def features(quick: bool) -> None:
    """Folded and channels_last against the plain eager network."""
    rounds = 2 if quick else 8
    networks: dict[str, Callable[[], nn.Module]] = {
        "efficientnet-lite0": EfficientNetLite, "mobilenet-v2": MobileNetV2, "inception-v3": InceptionV3
    }  # fmt: skip
    print(f"Feature networks, batch 8, initial weights, running statistics of noise, {rounds} rounds")
    for name, build in networks.items():
        print(f"  {name:20s} {_folding(build, rounds)}", flush=True)


@torch.inference_mode()
def _folding(build: Callable[[], nn.Module], rounds: int) -> str:
    torch.manual_seed(0)
    plain = build()
    images = torch.randn(8, 3, plain.side_px, plain.side_px)
    plain.train()(images)  # running statistics that are not 0 and 1
    plain.eval()
    fused, last = folded(plain), images.contiguous(memory_format=torch.channels_last)
    wanted, found = plain(images).features, fused(last).features
    error = float((found - wanted).abs().max() / wanted.abs().max())
    taken = side_by_side({"plain": lambda: plain(images), "folded": lambda: fused(last)}, rounds)
    ratios = sorted(a / b for a, b in zip(taken["plain"], taken["folded"], strict=True))
    plain_s, folded_s = (median(taken[route]) for route in ("plain", "folded"))
    spread = f"{median(ratios):.2f} x ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    return f"{8 / plain_s:6.1f} -> {8 / folded_s:6.1f} img/s  {spread}  largest relative error {error:.1e}"


NEIGHBOURS = {
    "ganvas": "from ganvas.metric.manifold import manifold_scores; import torch\n"
    "print([round(s.value, 6) for s in manifold_scores(torch.from_numpy(x), torch.from_numpy(y), prefix='')])",
    "prdc": "from prdc import compute_prdc\nprint(compute_prdc(real_features=y, fake_features=x, nearest_k=5))",
}


def neighbours(quick: bool) -> None:
    """Precision, recall, density, coverage of 10,000 against 10,000, each in a process of its own."""
    count = 1000 if quick else 10_000
    print(f"Precision, recall, density, coverage: {count} x {count}, 2,048 features (prdc has no errors and one k)")
    with tempfile.TemporaryDirectory() as folder:
        for name, seed in (("x", 0), ("y", 1)):
            np.save(Path(folder) / f"{name}.npy", features_like_real(count, 2048, seed).numpy())
        for route, work in NEIGHBOURS.items():
            if route == "prdc" and find_spec("prdc") is None:
                print("  prdc is not installed: pip install prdc==0.2")
                continue
            load = f"import numpy as np; x = np.load('{folder}/x.npy'); y = np.load('{folder}/y.npy')\n"
            measure = "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
            base = _peak_bytes(load + measure)
            started = time.perf_counter()
            printed = _output(load + work + measure)
            took_s = time.perf_counter() - started
            beyond_mb = (int(printed[-1]) - base) / 1e6
            print(f"  {route:8s} {took_s:6.1f} s, {beyond_mb:6.0f} MB beyond the features  {printed[-2]}")


def _output(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()


def _peak_bytes(code: str) -> int:
    return int(_output(code)[-1])


def whole(quick: bool) -> None:
    """A whole evaluation of real pictures, and the share of each part."""
    count = 300 if quick else 10_000
    pictures = read_idx(CACHE / "fashion" / "train-images-idx3-ubyte.gz")
    parts: dict[str, float] = {}
    last = {"what": "start", "time": time.perf_counter()}

    def note(event: Event) -> None:
        now = time.perf_counter()
        if isinstance(event, Looked):
            parts[f"looking at {event.what}"] = parts.get(f"looking at {event.what}", 0.0) + now - last["time"]
        last["time"] = now

    with tempfile.TemporaryDirectory() as folder:
        for name, rows in (("reals", slice(0, count)), ("fakes", slice(count, 2 * count))):
            np.save(Path(folder) / f"{name}.npy", np.ascontiguousarray(pictures[rows][..., None]))
        for again in (False, True):
            parts.clear()
            last["time"] = started = time.perf_counter()
            done = evaluate(
                EvaluateRequest(Path(folder) / "fakes.npy", Path(folder) / "reals.npy", out=Path(folder) / "out"),
                report=note,
            )
            total_s = time.perf_counter() - started
            parts["scores, copies and page"] = total_s - sum(parts.values())
            shares = ", ".join(f"{what} {part_s / total_s:.0%}" for what, part_s in parts.items())
            network = done.result.stamp.network
            when = "again" if again else "first time"
            print(f"Whole evaluation, {count} x {count}, {network}, {when}: {total_s:.0f} s: {shares}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"  peak memory of this process {peak / 1e9:.2f} GB")


def training(quick: bool) -> None:
    """What the default score of a run costs beside the steps between two of them."""
    device = torch.device("cpu")
    config = complete({"width": 32}, Pictures(12_000, (28, 28), 1), device)
    task = build_task(config, no_labels(12_000, "the benchmark"))
    players = task.players()
    for network in players.networks().values():
        place(network, device).train()
    state = TrainingState.begin(players, config.training)
    source = MadeUp(config, 0)
    table = Table(task, source, config.training, task.stages[0], device, World())
    draw = Draw(0, vitals_count(config.training))
    batches = {"training": (source.at(0, draw), draw)}
    routes: dict[str, Callable[[], object]] = {
        "step": lambda: play_step(table, state), "score": lambda: scores(task, state, batches)
    }  # fmt: skip
    side_by_side(routes, 2)
    taken = side_by_side(routes, 3 if quick else 20)
    steps = config.training.steps_every(config.training.evaluate_every_kimg)
    score_s, between_s = median(taken["score"]), steps * median(taken["step"])
    print(
        f"Scoring during training: {score_s:.2f} s beside {between_s:.0f} s of {steps} steps, "
        f"{score_s / between_s:.2%} of the time"
    )


PARTS: dict[str, Callable[[bool], None]] = {
    "frechet": frechet, "features": features, "neighbours": neighbours, "training": training, "whole": whole
}  # fmt: skip


def main() -> None:
    """Measure all parts, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS, nargs="?")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for name, part in PARTS.items():
        if asked.part in (None, name):
            part(asked.quick)


if __name__ == "__main__":
    main()
