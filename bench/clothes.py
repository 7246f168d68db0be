"""Score models of Fashion-MNIST: Fréchet distance and accuracy in a small classifier trained here.

    python bench/fetch.py fashion
    python bench/clothes.py runs/0001-demo runs/0002-other

The classifier learns from the 60,000 training pictures once and is kept in the cache. The distance is between 5,000
painted pictures, 500 a class, and the 10,000 test pictures, in its 64 features; test pictures against 5,000 training
pictures are the floor. It compares recipes on this data set only and is no FID.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from fetch import CACHE
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganvas.data.array import read_idx
from ganvas.job.sample import model_file
from ganvas.model.load import load_model

NAMES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SAMPLES = 5000


class ClothesReader(nn.Module):
    """A classifier of clothes with 64 features."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 24, 3, 2, 1), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(48, 64, 3, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 49, 64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of ten classes from ``(N, 1, 28, 28)`` in [-1, 1]."""
        logits: Tensor = self.head(self.trunk(images))
        return logits


def fashion(part: str) -> tuple[Tensor, Tensor]:
    """Pictures ``(N, 1, 28, 28)`` in [-1, 1] and class numbers."""
    folder = CACHE / "fashion"
    images = torch.from_numpy(np.array(read_idx(folder / f"{part}-images-idx3-ubyte.gz")))
    labels = torch.from_numpy(np.array(read_idx(folder / f"{part}-labels-idx1-ubyte.gz")))
    return images.view(-1, 1, 28, 28).float() / 127.5 - 1, labels.long()


def reader() -> ClothesReader:
    """The trained classifier, from the cache where it is there."""
    path = CACHE / "clothes-reader.safetensors"
    torch.manual_seed(0)
    network = ClothesReader()
    if not path.exists():
        images, labels = fashion("train")
        optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
        for _ in range(4):
            for rows in torch.randperm(len(images)).split(128):
                noisy = images[rows] + 0.05 * torch.randn_like(images[rows])
                loss = F.cross_entropy(network(noisy), labels[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        save_file(network.state_dict(), path)
    network.load_state_dict(load_file(path))
    return network.eval().requires_grad_(False)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """‖μa - μb‖² + tr(Ca + Cb - 2 (Ca Cb)^½), by eigenvalues in float64."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    root = torch.linalg.eigvals(cov_a @ cov_b).real.clamp_min(0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * root)


def main() -> None:
    """Print a line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--quick", action="store_true", help="the floor only")
    asked = parser.parse_args()
    classifier = reader()
    (test, test_labels), (train, _) = fashion("t10k"), fashion("train")
    real = torch.cat([classifier.trunk(part) for part in test.split(500)])
    right = torch.cat([classifier(part).argmax(1) for part in test.split(500)]) == test_labels
    floor = frechet_distance(torch.cat([classifier.trunk(part) for part in train[:SAMPLES].split(500)]), real)
    print(f"classifier: {right.float().mean():.2%} right on the test pictures; floor: {floor:.2f}")
    for path in [] if asked.quick else asked.models:
        model = load_model(model_file(path), device="cpu")
        seeds = range(SAMPLES // 10)
        painted = torch.cat([model.sample(seeds, label=name, batch=250) for name in NAMES])
        features = torch.cat([classifier.trunk(part) for part in painted.split(500)])
        read = torch.cat([classifier(part).argmax(1) for part in painted.split(500)])
        accuracy = (read == torch.arange(10).repeat_interleave(len(seeds))).float().mean()
        print(
            f"{path}: {model.descriptor.card['seen_kimg']:g} kimg, distance {frechet_distance(features, real):.1f}, "
            f"classes right {accuracy:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
