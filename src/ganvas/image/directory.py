"""Directories of a TIFF file (TIFF 6.0, section 2; BigTIFF), which EXIF shares: read, and packed anew.

Values stay the bytes they were, in the byte order of their file: nothing odd in them is lost or can do harm.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Order = Literal["<", ">"]
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_CODES = {SHORT: "H", LONG: "I", RATIONAL: "I", LONG8: "Q"}

MAX_VALUE_BYTES = 1 << 16
"""More than a field of EXIF can have in a JPEG."""
MAX_DIRECTORY_BYTES = 1 << 20
"""What one directory may hold: a few kilobytes whose fields all point to each other do not become gigabytes."""

Pointers = Mapping[int, "Pointers"]
"""The tags that point to an inner directory, each with those to expect in there."""


@dataclass(frozen=True)
class Field:
    """Kind (TIFF 6.0's field type) and value, and where that value lay if it did not fit the entry itself."""

    kind: int
    value: bytes
    offset: int | None = None


@dataclass(frozen=True)
class Directory:
    """Fields by tag, and inner directories by the tag that points to them."""

    fields: Mapping[int, Field]
    inner: Mapping[int, "Directory"]


def field(kind: int, order: Order, *numbers: int) -> Field:
    """A field of whole numbers; a rational takes two each."""
    return Field(kind, struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers))


def read_directory(data: bytes, offset: int, order: Order, pointers: Pointers) -> Directory:
    """The directory of a classic TIFF file at an offset; of two fields with one tag the first.

    What cannot be read is left out: fields of an unknown kind, cut short, longer than `MAX_VALUE_BYTES` or beyond
    `MAX_DIRECTORY_BYTES` in all, and inner directories that lie outside the data.

    Raises:
        ValueError: there is no directory at the offset.
    """
    if offset + 2 > len(data):
        raise ValueError("no directory")
    (entries,) = struct.unpack_from(f"{order}H", data, offset)
    table = data[offset + 2 : offset + 2 + 12 * entries]
    fields: dict[int, Field] = {}
    inner: dict[int, Directory] = {}
    held = 0
    for tag, kind, count, at in struct.iter_unpack(f"{order}HHII", table[: len(table) // 12 * 12]):
        if tag in fields or tag in inner:
            continue
        if tag in pointers:
            if at + 2 <= len(data):
                inner[tag] = read_directory(data, at, order, pointers[tag])
            continue
        size = count * _ITEM_BYTES.get(kind, 0)
        if not 0 < size <= min(MAX_VALUE_BYTES, MAX_DIRECTORY_BYTES - held):
            continue
        outside = None if size <= 4 else at
        value = data[at : at + size] if size > 4 else struct.pack(f"{order}I", at)[:size]
        if len(value) == size:
            held += size
            fields[tag] = Field(kind, value, outside)
    return Directory(fields, inner)


def packed(directory: Directory, order: Order, offset: int, big: bool = False, in_place: Field | None = None) -> bytes:
    """A directory, the values that do not fit its entries, and its inner directories, to be written at an offset.

    The offset, an even one, is where in the file the bytes will lie. `big` gives entries of BigTIFF, with offsets of 8
    bytes. The value of the field `in_place` is taken to lie at its `Field.offset` already.
    """
    number, entry, room = ("Q", f"{order}HHQ", 8) if big else ("I", f"{order}HHI", 4)
    tags = sorted({*directory.fields, *directory.inner})
    head = struct.pack(f"{order}{'Q' if big else 'H'}", len(tags))
    behind = offset + len(head) + len(tags) * (struct.calcsize(entry) + room) + room
    values = b""
    for tag in tags:
        if tag in directory.inner:
            kind, count, at = (LONG8 if big else LONG), 1, behind + len(values)
            values += packed(directory.inner[tag], order, at, big, in_place)
        else:
            found = directory.fields[tag]
            kind, count, at = found.kind, len(found.value) // _ITEM_BYTES[found.kind], behind + len(values)
            if len(found.value) <= room:
                head += struct.pack(entry, tag, kind, count) + found.value.ljust(room, b"\0")
                continue
            if found is in_place and found.offset is not None:
                at = found.offset
            else:
                values += found.value + b"\0" * (len(found.value) % 2)
        head += struct.pack(entry, tag, kind, count) + struct.pack(f"{order}{number}", at)
    return head + bytes(room) + values
