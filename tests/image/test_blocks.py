"""Strips of any height become the same blocks."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganvas.image import blocks
from ganvas.image.blocks import in_blocks, rows_in_block
from tests.image.handmade import noise


def taken(array: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    """The blocks an array arrives in, cut before the given rows."""
    found: list[np.ndarray] = []
    with in_blocks(array.shape[1:], array.dtype.type, np.ndarray.copy, found.append) as write:
        for strip in np.split(array, sorted(cuts)):
            write(strip)
    return found


@given(cuts=st.lists(st.integers(0, 50), max_size=9))
def test_blocks_do_not_depend_on_the_strips(cuts: list[int]) -> None:
    array = noise(50, 6, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", 7 * 6 * 3)
        found = taken(array, cuts)
    above = np.concatenate([np.zeros_like(array[:1]), array[6:49:7]])
    assert [len(block) for block in found] == [8] * 7 + [2]
    np.testing.assert_array_equal(np.concatenate([block[1:] for block in found]), array)
    np.testing.assert_array_equal(np.stack([block[0] for block in found]), above)


def test_rows_in_a_block() -> None:
    assert rows_in_block((1024, 1), np.uint8) == 1024
    assert rows_in_block((1024, 4), np.uint16) == 128
    assert rows_in_block((1 << 21, 1), np.uint8) == 1


def test_no_more_than_a_few_blocks_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 3)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    begun, ended = 0, 0

    def work(block: np.ndarray) -> None:
        nonlocal begun
        begun += 1

    def take(result: None) -> None:
        nonlocal ended
        ended += 1

    with in_blocks((1, 3), np.uint8, work, take) as write:
        for row in range(100):
            write(noise(1, 1, 3))
            assert row + 1 - ended <= 4
    assert begun == ended == 100


def test_strip_may_change_once_it_is_written() -> None:
    array, strip = noise(9, 4, 1), np.empty((1, 4, 1), np.uint8)
    found: list[np.ndarray] = []
    with in_blocks((4, 1), np.uint8, np.ndarray.copy, found.append) as write:
        for row in array:
            strip[0] = row
            write(strip)
    np.testing.assert_array_equal(found[0][1:], array)


@pytest.mark.parametrize("culprit", ["caller", "work", "take"])
def test_failure_ends_the_threads_and_is_told(culprit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)

    def fail(who: str) -> Any:
        if who == culprit:
            raise ZeroDivisionError(who)

    threads = threading.active_count()
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError, match=culprit),
        in_blocks((1, 1), np.uint8, lambda _: fail("work"), lambda _: fail("take")) as write,
    ):
        write(noise(30, 1, 1))
        fail("caller")
    assert threading.active_count() == threads
