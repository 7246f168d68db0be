"""Random numbers that depend on the seed, the step and a name, and on nothing else.

A training step is cut into slices: micro-batches in one process, shards over several. A `Draw` gives each
slice its own rows of the numbers drawn for the whole batch, so a run paints the same pictures however the
batch is cut, and resuming needs no generator state: the step number is the state.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from any mixture of numbers and names; torch's CPU generator uses the lower 32 bits."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class Draw:
    """Random numbers for rows ``start:stop`` of a batch of ``total`` samples.

    Each call of the same method on the same draw returns the same numbers; use `named` for independent ones.
    """

    seed: int
    total: int
    start: int = 0
    stop: int | None = None
    device: torch.device | str = "cpu"

    @property
    def count(self) -> int:
        """How many rows this slice has."""
        return (self.total if self.stop is None else self.stop) - self.start

    def named(self, *parts: int | str) -> "Draw":
        """An independent draw for the same rows."""
        return replace(self, seed=seed_of(self.seed, *parts))

    def rows(self, start: int, stop: int) -> "Draw":
        """The same numbers for rows ``start:stop`` of this slice."""
        return replace(self, start=self.start + start, stop=self.start + stop)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, ``(count, *shape)``, float32."""
        return self._slice(torch.randn(self.total, *shape, generator=self._generator()))

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform in ``[low, high)``, ``(count, *shape)``, float32."""
        drawn = torch.rand(self.total, *shape, generator=self._generator())
        return self._slice(low + (high - low) * drawn)

    def integers(self, high: int, *shape: int) -> Tensor:
        """Whole numbers in ``[0, high)``, ``(count, *shape)``, int64."""
        return self._slice(torch.randint(high, (self.total, *shape), generator=self._generator()))

    def signs(self, *shape: int) -> Tensor:
        """Plus or minus one with equal chance, ``(count, *shape)``, float32."""
        return self._slice(torch.randint(2, (self.total, *shape), generator=self._generator()) * 2.0 - 1.0)

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def _slice(self, whole: Tensor) -> Tensor:
        return whole[self.start : self.stop].to(self.device)


def per_image_normal(seeds: Sequence[int], *shape: int) -> Tensor:
    """Standard normal ``(len(seeds), *shape)`` with one generator a seed.

    Row i depends on ``seeds[i]`` alone, so a picture does not depend on the batch it is painted in.
    """
    return torch.stack([torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
