import os
import threading

import pytest

from ganvas.data.parallel import in_order


def test_results_come_in_order() -> None:
    assert list(in_order(lambda index: index * index, 1000)) == [index * index for index in range(1000)]


def test_nothing_to_do() -> None:
    assert list(in_order(lambda index: index, 0)) == []


def test_runs_only_a_little_ahead() -> None:
    started = []
    results = in_order(lambda index: started.append(index), 100_000)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(started) < 50_000


def test_errors_reach_the_reader() -> None:
    def work(index: int) -> int:
        if index == 3:
            raise ValueError("three")
        return index

    with pytest.raises(ValueError, match="three"):
        list(in_order(work, 1000))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_several_threads_work() -> None:
    barrier = threading.Barrier(2, timeout=30)  # breaks unless both are inside at once
    list(in_order(lambda _: barrier.wait(), 2))
