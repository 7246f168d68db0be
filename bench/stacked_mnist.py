"""StackedMNIST: how many of 1,000 modes does a recipe find, and after how many images?

    python bench/fetch.py mnist
    python bench/stacked_mnist.py --recipe default --kimg 500
    python bench/stacked_mnist.py --quick

The protocol is PacGAN's (Lin et al. 2018): three random digits are the channels of one picture; 26,000 generated
pictures are read by a digit classifier; reported are the number of different triples and the divergence
KL(generated || uniform). A perfect generator scores about 0.019, by counting noise alone. The same command resumes.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from fetch import CACHE
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganvas.data.array import read_idx
from ganvas.data.labels import no_labels
from ganvas.device import autocast, choose_device
from ganvas.draw import Draw
from ganvas.events import Event, Progress, Warned
from ganvas.job.networks import build_task
from ganvas.job.plan import Pictures, complete
from ganvas.job.recipe import gather
from ganvas.metric.modes import count_modes, stacked_modes
from ganvas.task.generate import Generation
from ganvas.training.distribute import World
from ganvas.training.loop import Data, Loop
from ganvas.training.run import RunFolder
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch

SAMPLES, MODES, SIDE_PX = 26_000, 1000, 28

RECIPES: dict[str, dict[str, Any]] = {
    "default": {},
    "directional": {"estimator": "directional"},
    "r1-only": {"penalty": "r1"},
    "not-relativistic": {"loss": "non-saturating"},
    "dcgan": {"preset": "dcgan", "width": 32, "latent_dim": 64, "batch": 64},
}


@dataclass(frozen=True)
class StackedDigits:
    """Endless triples of training digits, uint8 ``(60000, 28, 28)`` on the device."""

    digits: Tensor

    def at(self, position: int, draw: Draw) -> Batch:
        """Three independent digits a picture."""
        chosen = draw.named("digits", position).integers(len(self.digits), 3)
        return {"image": (self.digits[chosen].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)}


class DigitReader(nn.Module):
    """A classifier of digits, ``(N, 1, 28, 28)`` to logits ``(N, 10)``."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(32 * 49, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Logits of ten digits."""
        logits: Tensor = self.layers(images)
        return logits


@dataclass(frozen=True)
class ModeCount:
    """Scores a generator by the modes it finds."""

    reader: DigitReader
    samples: int
    device: torch.device
    precision: str

    def __call__(self, generator: nn.Module) -> dict[str, float]:
        """Modes and divergence of fixed latents."""
        triples = []
        for start in range(0, self.samples, 500):
            own = Draw(1, min(500, self.samples - start), device=self.device).named("modes", start)
            with autocast(self.device, self.precision):
                images = generator(own.normal(64)).float().clamp(-1, 1)
            triples.append(stacked_modes(images, lambda digits: self.reader(digits).argmax(1)))
        found = count_modes(torch.cat(triples), MODES)
        return {"modes": found.modes_found, "kl": found.kl_nats or 0.0}


def digit_reader(digits: Tensor, labels: Tensor, device: torch.device) -> DigitReader:
    """A trained classifier, kept in the cache; its accuracy on the 10,000 test digits is printed."""
    path = CACHE / "digit-reader.safetensors"
    torch.manual_seed(0)
    reader = DigitReader().to(device)
    if not path.exists():
        optimiser = torch.optim.Adam(reader.parameters(), lr=1e-3)
        for epoch in range(4):
            for rows in torch.randperm(len(digits), device=device).split(128):
                loss = F.cross_entropy(reader(digits[rows, None].float() / 127.5 - 1), labels[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            print(f"digit reader, epoch {epoch + 1} of 4")
        save_file(reader.state_dict(), path)
    reader.load_state_dict(load_file(path))
    return reader.eval().requires_grad_(False)


def mnist(part: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Pictures uint8 ``(N, 28, 28)`` and labels ``(N,)``."""
    folder = CACHE / "mnist"
    images = read_idx(next(folder.glob(f"{part}-images*")))
    labels = read_idx(next(folder.glob(f"{part}-labels*")))
    return torch.from_numpy(np.array(images)).view(-1, SIDE_PX, SIDE_PX).to(device), torch.from_numpy(
        np.array(labels)
    ).long().to(device)


def main() -> None:
    """Train one recipe and print its curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=RECIPES, default="default")
    parser.add_argument("--kimg", type=float, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--evaluate-every", type=float, default=25, metavar="KIMG")
    parser.add_argument("--runs", type=Path, default=Path("bench/results/stacked-mnist"))
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="any option of a run")
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works")
    asked = parser.parse_args()
    if asked.quick:
        asked.kimg, asked.evaluate_every = 2, 1

    device = choose_device(asked.device)
    digits, labels = mnist("train", device)
    reader = digit_reader(digits, labels, device)
    test_digits, test_labels = mnist("t10k", device)
    read = reader(test_digits[:, None].float() / 127.5 - 1).argmax(1)
    floor = count_modes(torch.randint(MODES, (SAMPLES,), generator=torch.Generator().manual_seed(0)), MODES)
    right = (read == test_labels).float().mean()
    print(f"digit reader: {right:.2%} right; a perfect generator scores {floor.modes_found} and {floor.kl_nats:.4f}")

    recipe = dict(RECIPES[asked.recipe])
    own = dict(option.split("=", 1) for option in asked.option)
    options = {"kimg": asked.kimg, "seed": asked.seed, "checkpoint_every": asked.evaluate_every, **recipe, **own}
    given = gather({k: v for k, v in options.items() if k != "preset"}, options.get("preset"))
    config = complete(given, Pictures(60_000, (SIDE_PX, SIDE_PX), 3), device)
    task = build_task(config, no_labels(60_000, "StackedMNIST has none"))
    assert isinstance(task, Generation)
    count = ModeCount(reader, 2000 if asked.quick else SAMPLES, device, config.training.precision)
    suffix = "-".join(option.replace("=", "") for option in asked.option)
    run = RunFolder(asked.runs / f"{asked.recipe}{'-' + suffix if suffix else ''}-{asked.kimg:g}kimg-seed{asked.seed}")
    for folder in (run.samples, run.checkpoints):
        folder.mkdir(parents=True, exist_ok=True)
    run.write_record({"recipe": asked.recipe, "options": {k: str(v) for k, v in options.items()}})
    started = time.perf_counter()

    def report(event: Event) -> None:
        if isinstance(event, Progress):
            print(f"{event.seen_kimg:.1f} kimg, {event.left_s / 60:.0f} min left", flush=True)
            for line in run.lines("scores.jsonl")[-1:]:
                print(json.dumps(line), flush=True)
        elif isinstance(event, Warned):
            print(event.text, flush=True)

    def no_model(state: TrainingState, path: Path) -> None:
        """Only the curve is wanted."""

    Loop(
        replace(task, score=count),
        Data(StackedDigits(digits)),
        config.training,
        run,
        device,
        World(),
        report,
        no_model,
        lambda: False,
    ).play()
    print(f"{asked.recipe}: {(time.perf_counter() - started) / 60:.1f} minutes in this sitting")
    print("   kimg  modes     KL")
    for line in run.lines("scores.jsonl"):
        print(f"{line['seen_kimg']:7.1f}  {line['modes']:5.0f}  {line['kl']:.4f}")


if __name__ == "__main__":
    main()
