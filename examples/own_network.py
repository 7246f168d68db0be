"""Train networks of your own: a generator that paints with waves, against a small discriminator.

    python examples/own_network.py photos/

A picture is a function of the place here, so what was learned at 32 pixels can be painted at 512.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import ganvas
from ganvas.tensors import to_levels

SIZE_PX = 32
LATENT_DIM = 64


class Waves(nn.Module):
    """Every pixel mixes sine waves; the latent chooses their directions, lengths and phases."""

    def __init__(self, waves: int = 96) -> None:
        super().__init__()
        self.choose = nn.Sequential(
            nn.Linear(LATENT_DIM, 256), nn.LeakyReLU(0.2), nn.Linear(256, 3 * waves), nn.Unflatten(1, (waves, 3))
        )
        self.mix = nn.Sequential(
            nn.Conv2d(waves, 64, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 64, 1), nn.LeakyReLU(0.2), nn.Conv2d(64, 3, 1)
        )

    def forward(self, latents: Tensor, side_px: int = SIZE_PX) -> Tensor:
        """Map latents ``(N, 64)`` to images ``(N, 3, side, side)``; the training calls it with latents alone."""
        steps = torch.linspace(-1, 1, side_px, device=latents.device)
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        places = torch.stack([y, x, torch.ones_like(x)])  # (3, side, side); the last one carries the phase
        waves = torch.sin(torch.einsum("nwc,cyx->nwyx", 4 * self.choose(latents), places))
        images: Tensor = self.mix(waves)
        return images


class Judge(nn.Module):
    """Five convolutions; what it returns may also hold several logits, and features for terms that want them."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2)]
        for level in range(3):
            layers += [nn.Conv2d(width << level, width << level + 1, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear((width << 3) * (SIZE_PX // 8) ** 2, 1))

    def forward(self, images: Tensor) -> ganvas.Judgement:
        """Judge images ``(N, 3, 32, 32)`` with one logit each."""
        return ganvas.Judgement((self.layers(images).squeeze(1),))


def main(pictures: str | Path, out: Path = Path("waves"), **options: Any) -> None:
    """Train, load, paint; options are those of ``ganvas train``."""
    shape = {"size": SIZE_PX, "channels": 3, "labels": "none", "latent_dim": LATENT_DIM}
    done = ganvas.train(pictures, generator=Waves(), discriminator=Judge(), **{**shape, **options})
    model = ganvas.load(done.model, generators={"generator": Waves()})  # the file holds weights, never code
    out.mkdir(parents=True, exist_ok=True)
    for seed, picture in enumerate(model.pictures(seeds=range(16))):
        picture.save(out / f"seed-{seed:06d}.png")
    with torch.no_grad():
        large = model.generators["generator"](torch.randn(1, LATENT_DIM, device=model.device), side_px=512)
    print(f"16 pictures in {out}; the same network at 512 pixels gives {to_levels(large).shape[1:3]}")


if __name__ == "__main__":
    main(sys.argv[1], minutes=10)
