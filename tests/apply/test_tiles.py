import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganvas.apply.tiles import Span, padded, spans


def test_an_example_by_hand() -> None:
    assert spans(length=20, tile=8, radius=3, stride=2) == [
        Span(0, 16, 0, 8),
        Span(4, 20, 8, 16),
        Span(4, 20, 16, 20),
    ]
    assert spans(length=20, tile=100, radius=3, stride=2) == [Span(0, 20, 0, 20)]
    assert spans(length=20, tile=8, radius=3, stride=2, start=16) == [Span(8, 20, 16, 20)]


@pytest.mark.parametrize(("length", "stride", "wanted"), [(1, 1, 1), (1, 8, 8), (8, 8, 8), (9, 8, 16), (7, 3, 9)])
def test_the_next_multiple(length: int, stride: int, wanted: int) -> None:
    assert padded(length, stride) == wanted


@given(
    blocks=st.integers(1, 60),
    stride=st.integers(1, 9),
    tile=st.integers(1, 200),
    radius=st.integers(0, 70),
    first=st.integers(0, 59),
)
def test_whatever_the_sides(blocks: int, stride: int, tile: int, radius: int, first: int) -> None:
    length, start = blocks * stride, min(first, blocks - 1) * stride
    found = spans(length, tile, radius, stride, start)
    kept = [x for span in found for x in range(span.keep_from, span.keep_to)]
    assert kept == list(range(start, length))  # every pixel once, in order
    for span in found:
        assert all(edge % stride == 0 for edge in span)
        assert 0 <= span.read_from <= max(0, span.keep_from - radius)
        assert min(length, span.keep_to + radius) <= span.read_to <= length
        assert span.keep_to - span.keep_from <= padded(tile, stride)
    windows = {span.read_to - span.read_from for span in found}
    assert len(windows) == 1
    assert windows.pop() <= padded(tile, stride) + 2 * padded(radius, stride)
