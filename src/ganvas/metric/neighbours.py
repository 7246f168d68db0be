"""Exact nearest neighbours among features, a block of distances at a time.

Squared distances come as ``|x|^2 - 2 x.y + |y|^2`` in float32, which is fast and loses nearly all digits where two
pictures are nearly the same. So products only choose candidates: each has a bound of its rounding error (Higham 2002,
"Accuracy and Stability of Numerical Algorithms", section 3.1), whoever may be among the nearest within it is kept, and
what is kept is measured again from the differences of coordinates, in float64.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metric.moments import check_widths

BLOCK = 2048
"""Rows and columns of distances at a time: 16 MB."""
SPARE = 8
"""Candidates kept beyond those asked for, since float32 may rank them wrongly."""
EXACT_NUMBERS = 2**19
"""Coordinates whose differences are taken at a time: 4 MB."""
UNITS = {"highest": 2.0**-24, "high": 2.0**-11, "medium": 2.0**-8}
"""Relative rounding error of products of float32 matrices, by `torch.get_float32_matmul_precision`."""

Neighbours = tuple[Tensor, Tensor]
"""Distances ``(N, k)``, float64 and ascending, and indices ``(N, k)``, int64; both on the CPU."""


@dataclass(frozen=True)
class Tile:
    """Distances of some queries to some points.

    Attributes:
        rows: The queries.
        columns: The points.
        least: Lower bounds of squared distances, ``(rows, columns)``.
        row_slack: Squared distances are at most ``least + row_slack + column_slack``; ``(rows,)``.
        column_slack: ``(columns,)``.
    """

    rows: slice
    columns: slice
    least: Tensor
    row_slack: Tensor
    column_slack: Tensor


def tiles(
    queries: Tensor, points: Tensor, *, half: bool = False, block: int = BLOCK, dtype: torch.dtype = torch.float32
) -> Iterator[Tile]:
    """All distances of queries to points, a tile at a time.

    Args:
        queries: ``(N, D)``.
        points: ``(M, D)``.
        half: Of two tiles that are each other's mirror image only one; for queries that are the points.
        block: Rows and columns of a tile.
        dtype: Of the products.
    """
    centre = sum(part.sum(0) for part in points.split(block)) / len(points)
    unit = UNITS[torch.get_float32_matmul_precision()] if dtype == torch.float32 else 2.0**-53
    share = 2 * (queries.shape[1] + 8) * unit

    def centred(rows: Tensor) -> tuple[Tensor, Tensor]:
        moved = (rows.to(dtype) if dtype == torch.float64 else rows).sub(centre).to(dtype)
        return moved, moved.square().sum(1)

    for top in range(0, len(queries), block):
        x, x_squares = centred(queries[top : top + block])
        for left in range(top if half else 0, len(points), block):
            y, y_squares = centred(points[left : left + block])
            least = torch.addmm((1 - share) * y_squares, x, y.T, alpha=-2)
            least += (1 - share) * x_squares[:, None]
            rows, columns = slice(top, top + len(x)), slice(left, left + len(y))
            yield Tile(rows, columns, least, 2 * share * x_squares, 2 * share * y_squares)


def pair_distances(left: Tensor, rows: Tensor, right: Tensor, columns: Tensor) -> Tensor:
    """Distances of ``left[rows]`` to ``right[columns]`` from the differences of their coordinates.

    Args:
        left: ``(N, D)``.
        rows: Int64 ``(P,)``.
        right: ``(M, D)`` on the same device.
        columns: Int64 ``(P,)``.

    Returns:
        Float64 ``(P,)`` on the CPU; the same bits if the sides are exchanged.
    """
    if left.device.type == "mps":  # has no float64
        left, right = left.cpu(), right.cpu()
    squares = torch.empty(len(rows), dtype=torch.float64)
    step = max(1, EXACT_NUMBERS // left.shape[1])
    for start in range(0, len(rows), step):
        some, others = (one[start : start + step].to(left.device) for one in (rows, columns))
        gap = left[some].double().sub_(right[others])
        squares[start : start + step] = gap.square_().sum(1)
    return torch.from_numpy(np.sqrt(squares.numpy()))  # torch's own root is not rounded alike everywhere


def nearest(queries: Tensor, points: Tensor, k: int, *, exclude_self: bool = False, block: int = BLOCK) -> Neighbours:
    """The k nearest points of each query; of those found equally far, the first come first.

    Args:
        queries: ``(N, D)``, finite, on any device.
        points: ``(M, D)`` on the same.
        k: How many; at most M, or M - 1 if a point is no neighbour of itself.
        exclude_self: ``queries`` and ``points`` are the same rows, and none is a neighbour of itself.
        block: Rows and columns of distances at a time.

    Returns:
        Exact distances to the points found. Where more than k are equally far, to within 1e-12 of the squared spread,
        any of them may be among these.

    Raises:
        UsageError: k is out of range, the two have different D, or ``exclude_self`` finds them of different length.
    """
    check_widths(queries.shape[1], points.shape[1])
    most = len(points) - exclude_self
    if not 1 <= k <= most:
        raise UsageError(f"{k} nearest neighbours cannot be found among {most} points; ask for 1 to {max(most, 1)}.")
    if exclude_self and len(queries) != len(points):
        raise UsageError(f"{len(queries)} queries are not the {len(points)} points; give the same rows twice.")
    own = torch.arange(len(queries)) if exclude_self else torch.full((len(queries),), -1)
    distances, indices, sure = _nearest(queries, points, k, own, exclude_self, block, torch.float32)
    if not sure.all():
        again = (~sure).nonzero()[:, 0]
        if queries.device.type == "mps":
            queries, points = queries.cpu(), points.cpu()
        rows = queries[again.to(queries.device)]
        distances[again], indices[again], _ = _nearest(rows, points, k, own[again], False, block, torch.float64)
    return distances, indices


def _nearest(
    queries: Tensor, points: Tensor, k: int, own: Tensor, half: bool, block: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Distances, indices, and whether all of them are sure, ``(N,)``; ``own`` is the point to leave out, or -1."""
    others = len(points) - int(bool((own >= 0).any()))
    kept = min(k + SPARE, others)
    least = torch.full((len(queries), kept), torch.inf, dtype=dtype)
    indices = torch.zeros(len(queries), kept, dtype=torch.int64)

    def keep(rows: slice, columns: slice, found: Tensor) -> None:
        value, column = found.topk(min(kept, found.shape[1]), dim=1, largest=False)
        both = torch.cat([least[rows], value.cpu()], dim=1)
        least[rows], order = both.topk(kept, dim=1, largest=False)
        indices[rows] = torch.cat([indices[rows], column.cpu() + columns.start], dim=1).gather(1, order)

    for tile in tiles(queries, points, half=half, block=block, dtype=dtype):
        mine = own[tile.rows] - tile.columns.start
        inside = ((mine >= 0) & (mine < tile.least.shape[1])).nonzero()[:, 0]
        tile.least[inside.to(tile.least.device), mine[inside].to(tile.least.device)] = torch.inf
        keep(tile.rows, tile.columns, tile.least)
        if half and tile.columns.start > tile.rows.start:
            keep(tile.columns, tile.rows, tile.least.T)

    rows = torch.arange(len(queries)).repeat_interleave(kept)
    indices = indices.sort(dim=1).values  # so that ties keep this order
    distances = pair_distances(queries, rows, points, indices.flatten()).view(-1, kept)
    distances, order = distances.sort(dim=1, stable=True)
    last = distances[:, k - 1]
    sure = (last.square() <= least.double().amax(1)) | (last == 0) | torch.tensor(kept == others)
    return distances[:, :k], indices.gather(1, order)[:, :k], sure


def kept_for(k: int, groups: int, most: int) -> int:
    """How many neighbours hold k beyond any one of so many random groups, almost surely; at most ``most``."""
    return min(most, -(-(k + 10) * groups // (groups - 1)))


def without_groups(
    found: Neighbours, queries: Tensor, points: Tensor, k: int, groups: Sequence[Tensor], *, exclude_self: bool = False
) -> Neighbours:
    """The k-th neighbour of each query among all points, and among those outside of each group.

    Where too few of the neighbours found lie outside, all distances of that query are taken anew: the result is exact.

    Args:
        found: From `nearest`; better more than k of them.
        queries: ``(N, D)``.
        points: ``(M, D)``.
        k: At least this many are outside of any group.
        groups: Rows of the points.
        exclude_self: No point is a neighbour of itself.

    Returns:
        Distances and indices, each ``(N, 1 + G)``: column 0 of all points, column 1 + g without group g.
    """
    distances, indices = found
    group_of = torch.full((len(points),), -1)
    for number, group in enumerate(groups):
        group_of[group] = number
    their = group_of[indices]
    columns = [torch.full((len(queries),), k - 1)]
    short = torch.zeros(len(queries), dtype=torch.bool)
    for number in range(len(groups)):
        outside = (their != number).cumsum(1)
        columns.append((outside < k).sum(1).clamp(max=indices.shape[1] - 1))
        short |= outside[:, -1] < k
    at = torch.stack(columns, dim=1)
    far, index = distances.gather(1, at), indices.gather(1, at)
    everyone = torch.arange(len(points))
    for row in short.nonzero()[:, 0].tolist():
        line = pair_distances(queries, torch.full((len(points),), row), points, everyone)
        if exclude_self:
            line[row] = torch.inf
        for number in range(len(groups)):
            value, order = line.where(group_of != number, torch.tensor(torch.inf)).sort(stable=True)
            far[row, 1 + number], index[row, 1 + number] = value[k - 1], order[k - 1]
    return far, index
