"""What is in a source, as one key: equal for equal pictures, whatever their files' times and places."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ganvas.data import cache
from ganvas.data.parallel import in_order
from ganvas.data.source import Source, digest_of, listing_of, read_item
from ganvas.errors import FileError


def known_content(source: Source, root: Path) -> str | None:
    """The key of a source nobody touched since it was last read."""
    listing = listing_of(source)
    return cache.remembered_content(root, listing) if listing else None


def read_content(source: Source, root: Path) -> str:
    """The key of a source, by reading all of it; remembered in the cache ``root``."""
    listing = listing_of(source)
    return remember(root, listing, list(in_order(lambda row: _digest(source, row), len(source.names))))


def remember(root: Path, listing: str | None, digests: Sequence[bytes | None]) -> str:
    """The key of pictures with these digests; noted for their listing if all of them could be read."""
    content = hashlib.sha256(b"".join(digest or bytes(32) for digest in digests)).hexdigest()[:32]
    if listing and all(digests):
        cache.remember_content(root, listing, content)
    return content


def _digest(source: Source, row: int) -> bytes | None:
    try:
        return digest_of(read_item(source, row))
    except FileError:
        return None
