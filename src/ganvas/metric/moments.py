"""Mean and covariance of features, gathered from chunks: what a Fréchet distance needs of a set."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.errors import DataError, UsageError

CHUNK_ROWS = 4096
"""Rows brought to float64 at a time: 67 MB of 2,048 features."""


@dataclass(frozen=True)
class Moments:
    """The first two moments of N vectors, in float64 on the CPU; N may be 0.

    Attributes:
        count: N.
        mean: ``(D,)``.
        scatter: Sum of the outer products of the centred vectors, ``(D, D)``.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "Moments":
        """Moments of features ``(N, D)``, taken chunk by chunk: never a float64 copy of them all."""
        width = features.shape[1]
        total = cls(0, torch.zeros(width, dtype=torch.float64), torch.zeros(width, width, dtype=torch.float64))
        for chunk in features.split(CHUNK_ROWS):
            rows = chunk.cpu().double()
            mean = rows.mean(0) if len(rows) else total.mean
            rows = rows - mean
            total += cls(len(rows), mean, rows.T @ rows)
        return total

    def __add__(self, other: "Moments") -> "Moments":
        """Moments of both sets together (Chan, Golub and LeVeque 1979, equation 2.1, for vectors).

        Raises:
            UsageError: The two have different D.
        """
        check_widths(len(self.mean), len(other.mean))
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        step = other.mean - self.mean
        mean = self.mean + step * (other.count / count)
        between = torch.outer(step, step * (self.count * other.count / count))
        return Moments(count, mean, self.scatter + other.scatter + between)

    def __sub__(self, part: "Moments") -> "Moments":
        """Moments of what is left without a part of the set.

        Raises:
            UsageError: The two have different D, or the part is larger than the whole.
        """
        check_widths(len(self.mean), len(part.mean))
        count = self.count - part.count
        if count < 0:
            raise UsageError(f"{part.count} samples cannot be taken from {self.count}; give a part of the set.")
        if not count:
            return Moments(0, torch.zeros_like(self.mean), torch.zeros_like(self.scatter))
        step = part.mean - self.mean
        mean = self.mean - step * (part.count / count)
        between = torch.outer(step, step * (self.count * part.count / count))
        return Moments(count, mean, self.scatter - part.scatter - between)

    def covariance(self, unbiased: bool = True) -> Tensor:
        """Covariance ``(D, D)``: the scatter over N - 1, or over N where not ``unbiased``.

        Raises:
            DataError: N is too small.
        """
        return self.scatter / degrees(self.count, unbiased)


def covariance_factor(features: Tensor, unbiased: bool = True) -> Tensor:
    """A with ``A^T A`` the covariance of features ``(N, D)``; at most D rows however many samples.

    It holds twice the digits that the covariance itself does. Float64 on the CPU.

    Raises:
        DataError: N is too small.
    """
    root = math.sqrt(degrees(len(features), unbiased))
    mean = features.cpu().double().mean(0)
    if len(features) <= features.shape[1]:
        return (features.cpu().double() - mean) / root
    triangle = torch.empty(0, features.shape[1], dtype=torch.float64)
    for chunk in features.split(max(CHUNK_ROWS, features.shape[1])):
        rows = torch.cat([triangle, (chunk.cpu().double() - mean) / root])
        triangle = torch.linalg.qr(rows, mode="r").R
    return triangle


def degrees(count: int, unbiased: bool) -> int:
    """What a scatter of ``count`` samples is divided by.

    Raises:
        DataError: There are fewer than two samples (one, for the biased covariance).
    """
    found = count - 1 if unbiased else count
    if found < 1:
        needed = "two pictures" if unbiased else "one picture"
        raise DataError(f"A covariance needs at least {needed}, not {count}; give more.")
    return found


def check_widths(left: int, right: int) -> None:
    """Two sets can only be compared in the same features.

    Raises:
        UsageError: Their numbers of features differ.
    """
    if left != right:
        raise UsageError(f"One set has {left} features and the other {right}; take both from the same network.")
