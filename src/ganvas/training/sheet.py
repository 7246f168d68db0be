"""A batch of pictures as one PNG."""

from pathlib import Path

from ganvas.files import write_bytes
from ganvas.image.encode import encode
from ganvas.image.grid import grid
from ganvas.image.provenance import SourceType
from ganvas.tensors import Images, to_levels

COLUMNS = 8


def write_sheet(path: Path, images: Images, columns: int = COLUMNS, *, mark: bool = True) -> None:
    """Write images ``(N, C, H, W)`` in [-1, 1] as a contact sheet; ``mark`` says a network painted them."""
    source = SourceType.GENERATED if mark else None
    write_bytes(path, encode(grid(to_levels(images), columns), "png", source))
