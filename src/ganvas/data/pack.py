"""Decode, resize and store the pictures of a source once; every later run maps them from the disk.

An entry of the cache is found by content, so a copied or touched folder is not packed again. Reading all
of it only to learn that nothing changed would take minutes: the listing (names, sizes, times) comes first.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganvas.data import cache
from ganvas.data.array import ArrayFile
from ganvas.data.build import building
from ganvas.data.content import known_content, read_content, remember
from ganvas.data.dataset import Dataset
from ganvas.data.item import Unreadable, first_few
from ganvas.data.labels import Labels
from ganvas.data.parallel import in_order
from ganvas.data.source import FileSource, Source, digest_of, listing_of, probe_item, read_item
from ganvas.data.tiles import most_tiles, tiles_of, too_small
from ganvas.errors import DataError, FileError
from ganvas.image.convert import to_channels, to_uint8
from ganvas.image.decode import decode
from ganvas.image.resize import FitMode
from ganvas.image.resize import fit as fit_to

FORMAT_VERSION = 1
"""Raised whenever the same file would be packed to other pixels."""

MAX_UNREADABLE_SHARE = 0.05


class Form(NamedTuple):
    """What pictures are packed to.

    Attributes:
        size: Height and width in pixels.
        channels: 1 (grey), 3 (RGB) or 4 (RGB and alpha).
        fit: How another shape is made to fit: ``crop``, ``pad`` or ``stretch``; ``tiles`` cuts pictures instead.
    """

    size: tuple[int, int]
    channels: int
    fit: FitMode | Literal["tiles"]


def pack(
    source: Source,
    form: Form,
    labels: Labels,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    notice: Callable[[str], None] | None = None,
) -> Dataset:
    """The pictures of a source as one array on the disk, from the cache where they are in it.

    Args:
        source: The pictures.
        form: Size, channels and fit to bring them to.
        labels: Labels of all pictures of the source.
        cache_dir: The cache, if not the user's own (`ganvas.data.cache.default_root`).
        progress: Called with the number of pictures packed and of all pictures.
        notice: Called with a sentence when a damaged entry is packed again.

    Raises:
        DataError: More than 5 % of the pictures cannot be read, or none is large enough for a tile.
        FileError: The cache cannot be written, or the disk has too little room.
    """
    root = cache_dir or cache.default_root()
    names = source.names
    shape = (*form.size, form.channels)
    prefix = _form_key(form, names)
    listing = listing_of(source)

    content = known_content(source, root)
    if content is None and cache.has_form(root, prefix):
        content = read_content(source, root)
    entry = None
    if content is not None:
        try:
            entry = cache.load(root, f"{prefix}-{content}", len(names), shape)
        except FileError as error:
            if notice:
                notice(f"{error} They are packed again.")
            cache.remove(root, f"{prefix}-{content}")
    if entry is None:
        content = _build(source, form, prefix, listing, root, progress)
        entry = cache.load(root, f"{prefix}-{content}", len(names), shape)
        assert entry is not None

    kept = [row for row, count in enumerate(entry.counts) for _ in range(count)]
    return Dataset(
        images=entry.images,
        labels=labels.select(kept),
        names=tuple(names[row] for row in kept),
        unreadable=tuple(Unreadable(names[row], reason) for row, reason in entry.unreadable),
        key=f"{prefix}-{content}",
    )


def too_many_unreadable(unreadable: int, listed: int) -> bool:
    """Whether more than 5 % of the pictures are lost, so that a run must not start."""
    return unreadable > MAX_UNREADABLE_SHARE * listed


def _build(
    source: Source,
    form: Form,
    prefix: str,
    listing: str | None,
    root: Path,
    progress: Callable[[int, int], None] | None,
) -> str:
    """Make the entry, and say which content it has."""
    names = source.names
    digests: list[bytes | None] = []
    lost: list[tuple[int, str]] = []
    small: list[tuple[int, str]] = []
    counts: list[int] = []
    with building(root, _most_rows(source, form), (*form.size, form.channels)) as build:
        prepared = in_order(lambda row: _prepare(source, row, form), len(names))
        for row, (digest, made) in enumerate(prepared):
            digests.append(digest)
            if isinstance(made, str):
                lost.append((row, made))
            elif not made:
                small.append((row, too_small(form.size)))
            pictures = made if isinstance(made, list) else []
            counts.append(len(pictures))
            for picture in pictures:
                build.add(picture)
            if progress:
                progress(row + 1, len(names))
        _refuse_useless(source, form, lost, sum(counts))
        content = remember(root, listing, digests)
        build.publish(f"{prefix}-{content}", sorted([*lost, *small]), counts if form.fit == "tiles" else None)
    return content


def _refuse_useless(source: Source, form: Form, lost: list[tuple[int, str]], made: int) -> None:
    """Refuse pictures of which too many are lost, or all are too small."""
    names = source.names
    if too_many_unreadable(len(lost), len(names)):
        shown = first_few(names[row] for row, _ in lost)
        raise DataError(
            f"{len(lost)} of {len(names)} pictures in '{source.path}' cannot be read ({shown}), "
            f"and a run bears 5 %; 'ganvas check {source.path}' says what is wrong with each."
        )
    if not made:
        raise DataError(f"Not one of the {len(names)} pictures in '{source.path}' can be used: {too_small(form.size)}.")


def _most_rows(source: Source, form: Form) -> int:
    """How many rows there will be at most, for the room on the disk."""
    if form.fit != "tiles":
        return len(source.names)
    if isinstance(source, ArrayFile):
        count, height, width = source.pictures.shape[:3]
        return int(count) * most_tiles((height, width), form.size)
    return sum(in_order(lambda row: _most_tiles(source, row, form), len(source.items)))


def _most_tiles(source: FileSource, row: int, form: Form) -> int:
    try:
        facts = probe_item(source, row)
    except FileError:
        return 0
    return most_tiles((facts.height_px, facts.width_px), form.size)


def to_form(picture: NDArray[np.generic], form: Form) -> NDArray[np.uint8]:
    """A decoded picture ``(H, W, C)`` of 8 or 16 bits, brought to its size and channels; not for tiles."""
    assert form.fit != "tiles"
    levels = to_uint8(picture)
    if form.channels == 4:
        levels = to_channels(levels, 4)  # so that padding is transparent for all pictures of a set
    return to_channels(fit_to(levels, form.size, form.fit), form.channels)


def _prepare(source: Source, row: int, form: Form) -> tuple[bytes | None, list[NDArray[np.uint8]] | str]:
    """The digest of a picture as it is stored, and what it becomes in the given form or why it cannot be read."""
    try:
        data = read_item(source, row)
    except FileError as error:
        return None, str(error)
    digest = digest_of(data)
    try:
        picture = decode(data, source.names[row]) if isinstance(data, bytes) else data
    except FileError as error:
        return digest, str(error)
    if form.fit == "tiles":
        return digest, tiles_of(to_channels(to_uint8(picture), form.channels), form.size)
    return digest, [to_form(picture, form)]


def _form_key(form: Form, names: tuple[str, ...]) -> str:
    text = json.dumps([FORMAT_VERSION, form, names])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
