"""One picture file as a source lists it: what its name and size may be."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

MAX_ITEM_BYTES = 1 << 30
"""A larger file is refused before it is read."""

MAX_RATIO = 250
"""Data that unpacks to more than this many times its packed size is a bomb; real pictures stay below 100."""

FREE_BYTES = 64 << 20
"""Whatever unpacks to no more than this is harmless at any ratio."""


class Item(NamedTuple):
    """One picture file.

    Attributes:
        name: Its path below the root of the source, with slashes; safe to print.
        size_bytes: Its size when read.
        modified_ns: When the file that holds it was last written.
    """

    name: str
    size_bytes: int
    modified_ns: int


class Unreadable(NamedTuple):
    """A picture file that could not be used, and why."""

    name: str
    reason: str


def printable(name: str) -> str:
    """``name`` with control characters and undecodable bytes escaped: names come from strangers."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name)


def suffix_of(name: str) -> str:
    """The lower-case extension with its dot, or ``""``."""
    return PurePosixPath(name).suffix.lower()


def is_hidden(parts: Iterable[str]) -> bool:
    """Whether a path is what file managers leave behind: a dot file, or the resource fork in a Mac's zip."""
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)


def is_bomb(packed_bytes: int, unpacked_bytes: int) -> bool:
    """Whether data grows by so much that it was made to fill the memory or the disk."""
    return unpacked_bytes > max(FREE_BYTES, MAX_RATIO * packed_bytes)


def first_few(names: Iterable[str], shown: int = 3) -> str:
    """``'a', 'b', 'c' and 7 more``: the names an error message has room for."""
    listed = list(names)
    text = ", ".join(f"'{name}'" for name in listed[:shown])
    return f"{text} and {len(listed) - shown} more" if len(listed) > shown else text
