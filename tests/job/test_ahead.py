import threading

import pytest

from ganvas.job.ahead import ahead, behind


def test_everything_in_order() -> None:
    assert list(ahead(lambda x: x * x, range(10))) == [x * x for x in range(10)]
    assert list(ahead(lambda x: x, [])) == []


def test_the_next_is_under_way_and_not_more() -> None:
    begun: list[int] = []
    second = threading.Event()

    def work(x: int) -> int:
        begun.append(x)
        if x == 1:
            second.set()
        return x

    results = ahead(work, range(100))
    assert next(results) == 0
    assert second.wait(10)  # item 1 was begun although nobody asked for it yet
    assert max(begun) <= 2
    results.close()


def test_an_error_comes_where_its_item_would() -> None:
    results = ahead(lambda x: 1 // (x - 1), range(5))
    assert next(results) == -1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_written_in_order_by_another_thread() -> None:
    got: list[int] = []
    threads: set[int] = set()

    def write(x: int) -> None:
        got.append(x)
        threads.add(threading.get_ident())

    with behind(write) as put:
        for x in range(50):
            put(x)
    assert got == list(range(50))
    assert threading.get_ident() not in threads


def test_a_failed_write_is_raised() -> None:
    def write(x: int) -> None:
        if x == 3:
            raise OSError("disk full")

    def put_all(items: range) -> None:
        with behind(write) as put:
            for x in items:
                put(x)

    for items in (range(1000), range(3, 4)):  # noticed while more is handed over, and at the end
        with pytest.raises(OSError, match="disk full"):
            put_all(items)


def test_after_an_error_nothing_more_is_written() -> None:
    got: list[int] = []
    writing, gate = threading.Event(), threading.Event()

    def write(x: int) -> None:
        writing.set()
        gate.wait(10)
        got.append(x)

    def fail() -> None:
        with behind(write) as put:
            put(0)
            assert writing.wait(10)  # 0 is being written, 1 and 2 wait
            put(1)
            put(2)
            threading.Timer(0.05, gate.set).start()  # once the block has failed
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert got == [0]
