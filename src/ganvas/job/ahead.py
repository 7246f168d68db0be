"""Reading, painting and writing side by side, with little waiting between them and bounded memory."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
_WAITING = 2


def ahead(work: Callable[[T], U], items: Iterable[T]) -> Generator[U, None, None]:
    """``work`` of each item in order, the next one already under way in a thread while the reader is busy."""
    pending: deque[Future[U]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > 1:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


@contextmanager
def behind(write: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
    """A function that hands its argument to ``write`` in a thread, at most `_WAITING` before it.

    When the block ends, all is written. What ``write`` raises is raised from the next hand-over, or at the end; if
    the block itself raises, what waits is dropped.
    """
    waiting: queue.Queue[tuple[T] | None] = queue.Queue(_WAITING)
    failed: list[BaseException] = []
    dropped = threading.Event()

    def serve() -> None:
        while (item := waiting.get()) is not None:
            if not failed and not dropped.is_set():
                try:
                    write(item[0])
                except BaseException as error:  # whatever it is, the thread that hands over must learn of it
                    failed.append(error)

    def hand_over(item: T) -> None:
        if failed:
            raise failed[0]
        waiting.put((item,))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield hand_over
    except BaseException:
        dropped.set()
        raise
    finally:
        waiting.put(None)
        thread.join()
    if failed:
        raise failed[0]
