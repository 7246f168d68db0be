"""Rows that arrive in strips of any height, worked on in blocks of one height, in threads and in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

BLOCK_BYTES = 1 << 20
_MAX_WORKERS = 8


@contextmanager
def in_blocks(
    row: tuple[int, int],
    dtype: type[np.unsignedinteger[Any]],
    work: Callable[[np.ndarray], T],
    take: Callable[[T], None],
) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function for strips ``(h, W, C)``; what it was given is all worked on and taken when the block ends.

    Which rows come together depends on their length alone, so the results do not depend on how the strips were cut. A
    few blocks of about `BLOCK_BYTES` are held at a time. If the block raises, what is not begun is dropped.

    Args:
        row: width and channels.
        dtype: of the samples.
        work: called in threads with a block ``(1 + n, W, C)``: n rows under the one above them, zeros at the top.
        take: called with each result, in the order of the rows.
    """
    height = rows_in_block(row, dtype)
    workers = min(_MAX_WORKERS, os.cpu_count() or 1)
    pending: deque[Future[T]] = deque()
    block, filled = np.zeros((1 + height, *row), dtype), 0

    def submit() -> None:
        nonlocal block, filled
        pending.append(pool.submit(work, block[: 1 + filled]))
        following = np.empty_like(block)
        following[0] = block[filled]
        block, filled = following, 0
        while len(pending) > 2 * workers:
            take(pending.popleft().result())

    def write(rows: np.ndarray) -> None:
        nonlocal filled
        while len(rows):
            part = rows[: height - filled]
            block[1 + filled : 1 + filled + len(part)] = part
            filled += len(part)
            rows = rows[len(part) :]
            if filled == height:
                submit()

    pool = ThreadPoolExecutor(workers)
    try:
        yield write
        if filled:
            submit()
        while pending:
            take(pending.popleft().result())
    finally:
        pool.shutdown(cancel_futures=True)


def rows_in_block(row: tuple[int, int], dtype: type[np.unsignedinteger[Any]]) -> int:
    """How many rows of a width and number of channels make a block; one where a row alone is longer."""
    return max(1, BLOCK_BYTES // (row[0] * row[1] * np.dtype(dtype).itemsize))
