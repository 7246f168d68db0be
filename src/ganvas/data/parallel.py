"""Work on many pictures in threads, with the results in order."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_order(work: Callable[[int], T], count: int) -> Iterator[T]:
    """``work(0), work(1), …, work(count - 1)`` from one thread a core.

    Unlike ``Executor.map`` it runs only a little ahead of its reader, so a data set larger than the memory
    passes through.
    """
    workers = os.cpu_count() or 1
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for index in range(count):
                pending.append(pool.submit(work, index))
                if len(pending) > 4 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
