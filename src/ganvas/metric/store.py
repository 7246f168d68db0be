"""Features of reals are looked at once and kept: one file a set, network, protocol, precision and type of device.

Together the files stay below a limit: those that nobody used for longest are removed. No lock is needed, since a file
is whole or not there, and one that is removed under its reader can be read to its end (or, on Windows, not be removed).
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ganvas.data.item import Unreadable
from ganvas.errors import FileError
from ganvas.files import atomic_path, make_folder
from ganvas.metric.extract import Extracted
from ganvas.metric.protocol import Protocol
from ganvas.network.features import Loaded

FORMAT_VERSION = 1
"""Raised whenever the same pictures would give other features."""

LIMIT_BYTES = 2_000_000_000
"""Of all kept features together: eight sets of 40,000 pictures, seen by EfficientNet-Lite0."""
ABANDONED_S = 24 * 3600
"""A file that is written for longer than that belongs to a process that died."""


def features_key(content: str, network: Loaded, protocol: Protocol, precision: str, device: torch.device) -> str:
    """What must be equal for features to be reused.

    Args:
        content: Tells the pictures and their form from all others.
        network: Its weights count, not its name.
        protocol: Its resize and range count.
        precision: Of the network's inner layers.
        device: Where the network is: a GPU sums in another order than a processor. Its number does not count.
    """
    facts = [content, network.sha256, network.side_px, *protocol.input_facts(network.offset, network.scale)]
    return hashlib.sha256(json.dumps([FORMAT_VERSION, *facts, precision, device.type]).encode()).hexdigest()[:32]


def stored(
    root: Path,
    key: str,
    make: Callable[[], Extracted],
    notice: Callable[[str], None],
    *,
    limit_bytes: int = LIMIT_BYTES,
) -> Extracted:
    """The features under a key, made and kept where there are none; kept ones then make room for them.

    Args:
        root: The folder features are kept in.
        key: From `features_key`.
        make: Looks at the pictures.
        notice: Told when a damaged file is made again.
        limit_bytes: What all kept features may take; those of this key stay, however large.

    Raises:
        FileError: The folder cannot be written.
    """
    path = root / f"{key}.safetensors"
    try:
        with suppress(OSError):  # a cache that somebody else keeps may be read all the same
            os.utime(path)  # used now
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        pass  # never made, or removed a moment ago
    except FileError as error:
        notice(f"{error} It is made again.")
    extracted = make()
    make_folder(root, "set GANVAS_CACHE to another folder")
    _write(path, extracted)
    _make_room(root, path, limit_bytes)
    return extracted


def _make_room(root: Path, kept: Path, limit_bytes: int) -> None:
    """Remove what nobody used for longest, until all that is left is within the limit."""
    found: list[tuple[float, int, Path]] = []
    for path in root.iterdir():
        with suppress(OSError):  # another process removed it
            facts = path.stat()
            found.append((facts.st_mtime, facts.st_size, path))
    total_bytes = sum(size for _, size, _ in found)
    for used_s, size_bytes, path in sorted(found):
        if total_bytes <= limit_bytes:
            return
        being_written = path.name.startswith(".") and time.time() - used_s < ABANDONED_S
        if path != kept and not being_written:
            with suppress(PermissionError):  # Windows: another process reads it
                path.unlink(missing_ok=True)
                total_bytes -= size_bytes


def _write(path: Path, extracted: Extracted) -> None:
    tensors = {
        "features": extracted.features,
        "logits": extracted.logits,
        "thumbnails": torch.from_numpy(extracted.thumbnails),
        "rows": torch.from_numpy(extracted.rows),
    }
    facts = {
        "sizes": [[*size, count] for size, count in extracted.sizes.items()],
        "unreadable": [list(lost) for lost in extracted.unreadable],
    }
    with atomic_path(path) as beside:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, beside, {"facts": json.dumps(facts)})


def _read(path: Path) -> Extracted:
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            sizes = {(int(height), int(width)): int(count) for height, width, count in facts["sizes"]}
            tensors = {name: file.get_tensor(name) for name in ("features", "logits", "thumbnails", "rows")}
            lengths = {len(tensor) for tensor in tensors.values()} | {sum(sizes.values())}
            if len(lengths) > 1:
                raise ValueError(f"its parts tell of {sorted(lengths)} pictures")
            return Extracted(
                features=tensors["features"],
                logits=tensors["logits"],
                thumbnails=np.asarray(tensors["thumbnails"]),
                rows=np.asarray(tensors["rows"]),
                sizes=sizes,
                unreadable=tuple(Unreadable(str(name), str(why)) for name, why in facts["unreadable"]),
            )
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise FileError(f"The stored features in '{path}' are damaged ({error}).") from error
