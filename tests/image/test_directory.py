"""TIFF directories: hostile ones, and what Pillow reads of packed ones."""

import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganvas.image.directory import (
    ASCII,
    LONG,
    MAX_DIRECTORY_BYTES,
    MAX_VALUE_BYTES,
    SHORT,
    Directory,
    Field,
    Order,
    field,
    packed,
    read_directory,
)

ORDERS = pytest.mark.parametrize("order", get_args(Order))
EXIF = 0x8769


def raw(order: Order, *entries: tuple[int, int, int, int], behind: bytes = b"") -> bytes:
    """A directory at offset 0 with entries as tag, kind, count and value or offset."""
    return struct.pack(f"{order}H", len(entries)) + b"".join(struct.pack(f"{order}HHII", *e) for e in entries) + behind


@ORDERS
@given(
    values=st.dictionaries(st.integers(0, 0xFFFF).filter(lambda tag: tag != EXIF), st.binary(min_size=1, max_size=9)),
    inner=st.dictionaries(st.integers(0, 0xFFFF), st.binary(min_size=1, max_size=9)),
    offset=st.integers(0, 40),
)
def test_what_was_packed_is_read(order: Order, values: dict[int, bytes], inner: dict[int, bytes], offset: int) -> None:
    fields = {tag: Field(ASCII, value) for tag, value in values.items()}
    within = {tag: Field(ASCII, value) for tag, value in inner.items()}
    start = 2 * offset
    data = bytes(start) + packed(Directory(fields, {EXIF: Directory(within, {})}), order, start)
    got = read_directory(data, start, order, {EXIF: {}})
    assert {tag: (each.kind, each.value) for tag, each in got.fields.items()} == {t: (2, v) for t, v in values.items()}
    assert {tag: each.value for tag, each in got.inner[EXIF].fields.items()} == inner
    for tag, each in got.fields.items():
        if each.offset is not None:
            assert data[each.offset : each.offset + len(each.value)] == values[tag]
        assert (each.offset is None) == (len(each.value) <= 4)


@ORDERS
def test_pillow_reads_what_was_packed(order: Order) -> None:
    inner = Directory({0x8827: field(SHORT, order, 400), 0x829A: field(5, order, 1, 125)}, {})
    fields = {0x010F: Field(ASCII, b"Maker\0"), 0x0112: field(SHORT, order, 6)}
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8)
    exif = Image.Exif()
    exif.load(head + packed(Directory(fields, {EXIF: inner}), order, 8))
    assert exif[0x010F] == "Maker"
    assert exif[0x0112] == 6
    assert exif.get_ifd(EXIF) == {0x8827: 400, 0x829A: 1 / 125}


@ORDERS
def test_what_cannot_be_read_is_left_out(order: Order) -> None:
    data = raw(
        order,
        (1, LONG, 1, 5),
        (2, 99, 1, 0),  # of no known kind
        (3, ASCII, 9, 0xFFFF0000),  # outside
        (4, ASCII, 0, 0),  # empty
        (5, LONG, 0xFFFFFFFF, 0),
        (1, LONG, 1, 6),  # a second one
        (6, ASCII, MAX_VALUE_BYTES + 1, 0),
        (EXIF, LONG, 1, 0xFFFFFFF0),
        behind=bytes(MAX_VALUE_BYTES),
    )
    assert read_directory(data, 0, order, {EXIF: {}}) == Directory({1: field(LONG, order, 5)}, {})


def test_directory_cut_short_keeps_its_beginning() -> None:
    data = raw("<", (1, LONG, 1, 5), (2, LONG, 1, 6))
    assert list(read_directory(data[:-1], 0, "<", {}).fields) == [1]
    assert read_directory(data[:2], 0, "<", {}) == Directory({}, {})
    with pytest.raises(ValueError, match="no directory"):
        read_directory(data[:1], 0, "<", {})


def test_overlapping_values_are_bounded() -> None:
    data = raw("<", *[(tag, ASCII, MAX_VALUE_BYTES, 0) for tag in range(0xFFFF)])
    fields = read_directory(data, 0, "<", {}).fields
    assert sum(len(each.value) for each in fields.values()) <= MAX_DIRECTORY_BYTES


def test_pointer_to_its_own_directory_ends() -> None:
    data = raw("<", (1, LONG, 1, 5), (EXIF, LONG, 1, 0))
    inner = read_directory(data, 0, "<", {EXIF: {EXIF: {}}}).inner[EXIF].inner[EXIF]
    assert inner == Directory({1: field(LONG, "<", 5), EXIF: field(LONG, "<", 0)}, {})


@given(data=st.binary(), offset=st.integers(0, 30) | st.integers(0, 1 << 33))
def test_any_bytes_are_read_or_refused(data: bytes, offset: int) -> None:
    if offset + 2 <= len(data):
        read_directory(data, offset, "<", {1: {}, 0: {}})
    else:
        with pytest.raises(ValueError, match="no directory"):
            read_directory(data, offset, "<", {1: {}, 0: {}})
