"""Random numbers that depend on the seed, the step and a name, and on nothing else.

A training step is cut into slices: micro-batches in one process, shards over several. A `Draw` gives each
slice its own rows of the numbers drawn for the whole batch, so a run paints the same pictures however the
batch is cut, and resuming needs no generator state: the step number is the state.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from ganvas.device import sent

_LOW = 2**32 - 1


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
    picks: tuple[int, ...] | None = None

    @property
    def count(self) -> int:
        """How many rows this slice has, or how many of them were picked."""
        if self.picks is not None:
            return len(self.picks)
        return (self.total if self.stop is None else self.stop) - self.start

    def named(self, *parts: int | str) -> "Draw":
        """An independent draw for the same rows."""
        return replace(self, seed=seed_of(self.seed, *parts))

    def rows(self, start: int, stop: int) -> "Draw":
        """The same numbers for rows ``start:stop`` of this slice."""
        if self.picks is not None:
            return replace(self, picks=self.picks[start:stop])
        return replace(self, start=self.start + start, stop=self.start + stop)

    def picked(self, rows: Tensor) -> "Draw":
        """The same numbers for some rows of this slice, in the order of their indices ``(K,)``."""
        own = range(self.count) if self.picks is None else self.picks
        return replace(self, picks=tuple(own[row] for row in rows.tolist()))

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
        """Plus or minus one with equal chance, ``(count, *shape)``, float32.

        Made on the device, for these rows only: each is a bit of `philox`, keyed by the seed, at its row and place.
        """
        numbers = math.prod(shape)
        words = torch.stack(self._words(-(-numbers // 64)), 2)
        octets = (words[..., None] >> torch.arange(0, 32, 8, device=self.device)) & 255
        signs = torch.nn.functional.embedding(octets, _octet_signs(self.device)).flatten(1)
        return signs[:, :numbers].reshape(self.count, *shape)

    def field(self, *shape: int) -> Tensor:
        """Standard normal like `normal`, but made on the device and for these rows only: for whole pictures.

        Words of `philox` made normal in pairs (Box and Muller 1958). Devices round them differently, by some 1e-6.
        """
        numbers = math.prod(shape)
        first, second = self._words(-(-numbers // 2))
        radius = ((first + 0.5) / 2**32).log_().mul_(-2).sqrt_()
        angle = second * (2 * math.pi / 2**32)
        pairs = torch.stack([radius * angle.cos(), radius * angle.sin()], 2).flatten(1)
        return pairs[:, :numbers].reshape(self.count, *shape)

    def _words(self, count: int) -> tuple[Tensor, Tensor]:
        """So many pairs of independent words for each row, keyed by the seed, at the row and a running number."""
        own = range(self.count) if self.picks is None else self.picks
        rows = sent(torch.tensor(own, dtype=torch.int64), self.device)
        row = (rows + self.start + (self.seed >> 32)) & _LOW
        block = torch.arange(count, device=self.device)
        return philox(block.expand(self.count, -1), row[:, None], self.seed & _LOW)

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def _slice(self, whole: Tensor) -> Tensor:
        own = whole[self.start : self.stop]
        return sent(own if self.picks is None else own[list(self.picks)], self.device)


def philox(first: Tensor, second: Tensor, key: int, rounds: int = 7) -> tuple[Tensor, Tensor]:
    """Philox-2x32 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): random words of a counter.

    Seven rounds are the fewest that pass all of their tests. No product leaves int64: the multiplier is that of the
    paper less 2^32, which leaves the lower half as it is and the upper half short by ``first``.

    Args:
        first: First words of the counters, whole numbers below 2^32 in int64.
        second: Second words, likewise, of a shape that broadcasts to the first's.
        key: Below 2^32.
        rounds: How often the words are mixed.

    Returns:
        Two independent words below 2^32 a counter, int64 of the first words' shape.
    """
    for _ in range(rounds):
        product = first * (0xD256D193 - 2**32)
        first = (product >> 32).add_(first).bitwise_xor_(second).bitwise_xor_(key)
        second = product.bitwise_and_(_LOW)
        key = (key + 0x9E3779B9) & _LOW
    return first, second


@cache
def _octet_signs(device: torch.device | str) -> Tensor:
    """The bits of every octet as signs ``(256, 8)``: looking them up is far cheaper than taking bits apart."""
    octets, bits = torch.arange(256, device=device), torch.arange(8, device=device)
    return ((octets[:, None] >> bits) & 1) * 2.0 - 1.0


def per_image_normal(seeds: Sequence[int], *shape: int) -> Tensor:
    """Standard normal ``(len(seeds), *shape)`` with one generator a seed.

    Row i depends on ``seeds[i]`` alone, so a picture does not depend on the batch it is painted in.
    """
    return torch.stack([torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
