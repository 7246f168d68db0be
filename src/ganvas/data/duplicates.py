"""Which pictures are there twice: copies of a file, and pictures that look the same.

A picture is described by its lowest spatial frequencies, as perceptual hashes do (Zauner 2010), but each
coefficient is measured against its spread over the whole set instead of being cut to one bit. So faces that are
all centred, or clothes that all lie on black, differ by what tells them apart and not by what they share.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ganvas.image.convert import to_channels, to_uint8
from ganvas.image.resize import fit

SIDE_PX = 32
LUMA_FREQUENCIES, CHROMA_FREQUENCIES = 10, 3
TO_YCBCR = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32)

ALIKE = 0.95
"""Least likeness 2ab / (aa + bb) of two pictures that look the same, whatever was recompressed or resized."""
NOISE_LEVELS = 24.0
"""Coefficients that vary less than this over the set show noise, not content."""
COMMON = 2.0
"""What all pictures share beyond their mean, so that a set that hardly varies is all alike."""
BLOCK, TILE = 512, 2048
"""Rows and columns compared at a time; their product fits a processor's cache."""


def describe(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.float32]:
    """The low frequencies of a picture ``(H, W, C)``: 100 of luma and 9 of each chroma, ``(118,)``."""
    described: NDArray[np.float32] = describe_thumbnails(thumbnail(picture)[None])[0]
    return described


def thumbnail(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """All that is described of a picture ``(H, W, C)``: stretched to ``(32, 32, 3)``."""
    return fit(to_channels(to_uint8(picture), 3), (SIDE_PX, SIDE_PX), "stretch")


def describe_thumbnails(
    thumbnails: NDArray[np.uint8], down: NDArray[np.float32] | None = None, across: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """`describe` of many pictures, perhaps warped.

    Args:
        thumbnails: ``(N, 32, 32, 3)``.
        down: What warps the columns of each, ``(32, 32)``.
        across: What warps its rows.

    Returns:
        ``(N, 118)``.
    """
    rows, columns = (_cosines() if warp is None else _cosines() @ warp for warp in (down, across))
    few, found = CHROMA_FREQUENCIES, []
    for top in range(0, len(thumbnails), BLOCK):
        planes = thumbnails[top : top + BLOCK].astype(np.float32) @ TO_YCBCR.T
        waves = np.tensordot(np.tensordot(planes, columns, (2, 1)), rows, (1, 1)).swapaxes(2, 3)
        parts = waves[:, 0], waves[:, 1, :few, :few], waves[:, 2, :few, :few]
        found.append(np.concatenate([part.reshape(len(planes), -1) for part in parts], axis=1))
    return np.concatenate(found)


def copies(digests: Sequence[bytes]) -> list[list[int]]:
    """Groups of two or more rows with equal digests, each ascending."""
    rows: defaultdict[bytes, list[int]] = defaultdict(list)
    for row, digest in enumerate(digests):
        rows[digest].append(row)
    return [group for group in rows.values() if len(group) > 1]


def lookalikes(descriptors: NDArray[np.float32]) -> list[list[int]]:
    """Groups of two or more rows that look like their first one, each ascending.

    Groups are stars and not chains: a slow change from one picture to another does not join the two.

    Args:
        descriptors: From `describe`, ``(N, 118)``.
    """
    spread = np.sqrt(descriptors.var(0) + NOISE_LEVELS**2)
    scaled = np.pad((descriptors - descriptors.mean(0)) / spread, ((0, 0), (0, 1)), constant_values=COMMON)
    energy = np.square(scaled).sum(1, keepdims=True)
    ones = np.ones_like(energy)
    # left @ right.T is 2ab - ALIKE (aa + bb): one product and a comparison with zero.
    left = np.concatenate([scaled, energy, ones], axis=1).astype(np.float32)
    right = np.concatenate([2 * scaled, -ALIKE * ones, -ALIKE * energy], axis=1).astype(np.float32)

    leader = np.arange(len(scaled))
    for top in range(0, len(scaled), BLOCK):
        free = np.flatnonzero(leader == np.arange(len(scaled)))
        free = free[free >= top]
        for row, others in _alike(left, right, free[free < top + BLOCK], free):
            if leader[row] == row:
                leader[others[leader[others] == others]] = row

    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row, first in enumerate(leader.tolist()):
        groups[first].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _alike(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each of ``rows`` that has lookalikes of higher number among ``columns``, with these."""
    pairs = [np.empty((2, 0), np.int64)]
    for start in range(0, len(columns), TILE):
        tile = columns[start : start + TILE]
        row, column = np.nonzero(left[rows] @ right[tile].T >= 0)
        pairs.append(np.stack([rows[row], tile[column]]))
    a, b = np.concatenate(pairs, axis=1)
    a, b = a[a < b], b[a < b]
    order = np.argsort(a, kind="stable")
    b = b[order]
    firsts, starts, counts = np.unique(a[order], return_index=True, return_counts=True)
    for first, start, count in zip(firsts.tolist(), starts, counts, strict=True):
        yield first, b[start : start + count]


@functools.cache
def _cosines() -> NDArray[np.float32]:
    """The lowest basis functions of the orthonormal DCT-II, ``(10, 32)``."""
    frequency, position = np.arange(LUMA_FREQUENCIES)[:, None], np.arange(SIDE_PX)[None, :]
    basis = np.cos(np.pi * frequency * (2 * position + 1) / (2 * SIDE_PX)) * np.sqrt(2 / SIDE_PX)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)
