"""Training speed: a ganvas step beside a plain PyTorch statement of the same step, alternating in one run.

    python bench/throughput.py
    python bench/throughput.py --quick

The plain step uses the same networks in float32, NCHW, with double backward and unfused Adam, written out below. The
ganvas step is what `ganvas train` would run on this device; beside it runs the same with the directional estimate of
both penalties. Only ratios mean anything on a noisy machine.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.data.labels import no_labels
from ganvas.device import choose_device, place
from ganvas.job.calibrate import MadeUp
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState

CASES: dict[str, tuple[int, dict[str, object]]] = {
    "fast, 28x28": (28, {"network": "fast", "width": 32}),
    "fast, 64x64": (64, {"network": "fast", "width": 32}),
    "r3, 32x32, width 96": (32, {"network": "r3", "width": 96, "batch": 32}),
}
CUDA_CASES: dict[str, tuple[int, dict[str, object]]] = {
    "fast, 64x64": (64, {"network": "fast", "width": 64, "batch": 256}),
    "r3, 32x32, width 768": (32, {"network": "r3", "width": 768, "batch": 256}),
    "r3, 64x64, as published": (64, {"network": "r3", "width": 384, "batch": 128}),
}


def plain_step(generator: nn.Module, discriminator: nn.Module, real: Tensor, gamma: float) -> Callable[[], None]:
    """Relativistic loss, R1 and R2 by double backward, two Adams: nothing else."""
    adam_g = torch.optim.Adam(generator.parameters(), 2e-4, betas=(0.0, 0.99), fused=False, foreach=False)
    adam_d = torch.optim.Adam(discriminator.parameters(), 2e-4, betas=(0.0, 0.99), fused=False, foreach=False)

    def step() -> None:
        z = torch.randn(len(real), 64, device=real.device)
        with torch.no_grad():
            fake = generator(z)
        x, y = real.clone().requires_grad_(), fake.requires_grad_()
        dx, dy = discriminator(x).logits[0], discriminator(y).logits[0]
        (gx,) = torch.autograd.grad(dx.sum(), x, create_graph=True)
        (gy,) = torch.autograd.grad(dy.sum(), y, create_graph=True)
        penalty = gx.square().sum((1, 2, 3)) + gy.square().sum((1, 2, 3))
        adam_d.zero_grad()
        (F.softplus(dy - dx) + 0.5 * gamma * penalty).mean().backward()
        adam_d.step()

        z = torch.randn(len(real), 64, device=real.device)
        with torch.no_grad():
            dx = discriminator(real).logits[0]
        adam_g.zero_grad()
        F.softplus(dx - discriminator(generator(z)).logits[0]).mean().backward()
        adam_g.step()

    return step


def ganvas_step(side: int, options: dict[str, object], device: torch.device) -> tuple[Callable[[], object], int]:
    """The step `ganvas train` would play, and its batch."""
    config = complete(options, Pictures(10_000, (side, side), 3), device)
    task = build_task(config, no_labels(10_000, "the benchmark"))
    players = task.players()
    for network in players.networks().values():
        place(network, device).train()
    state = TrainingState.begin(players, config.training)
    table = Table(task, MadeUp(config, 0), config.training, task.stages[0], device, World())
    return lambda: play_step(table, state), config.training.batch


def seconds(step: Callable[[], object], device: torch.device) -> float:
    """Seconds of one step."""
    started = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def main() -> None:
    """Alternate and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    device = choose_device(asked.device)
    rounds = 2 if asked.quick else 8
    print(f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, {rounds} rounds")
    print(f"{'':26s}  batch   plain img/s  ganvas img/s  ratio (lowest to highest of the rounds)  directional, ratio")
    for name, (side, options) in (CUDA_CASES if device.type == "cuda" else CASES).items():
        ours, batch = ganvas_step(side, options, device)
        exact = complete(options, Pictures(10_000, (side, side), 3), device)
        networks = build_task(exact, no_labels(10_000, "the benchmark")).players().networks()
        real = torch.rand(batch, 3, side, side, device=device) * 2 - 1
        plain = plain_step(
            networks["generator"].to(device), networks["discriminator"].to(device), real, exact.training.gamma
        )
        directional, _ = ganvas_step(side, {**options, "estimator": "directional"}, device)
        steps = (plain, ours, directional)
        for step in steps:
            seconds(step, device), seconds(step, device)
        taken = [[seconds(step, device) for step in steps] for _ in range(rounds)]
        ratios = sorted(a / b for a, b, _ in taken)
        plain_s, ours_s, _ = (median(column) for column in zip(*taken, strict=True))
        print(
            f"{name:26s}  {batch:5d}  {batch / plain_s:12.1f}  {batch / ours_s:12.1f}"
            f"  {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            f"  {median(a / c for a, _, c in taken):19.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
