"""Features of reals are looked at once and kept: one file a set, network, protocol, precision and type of device."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ganvas.data.item import Unreadable
from ganvas.errors import FileError
from ganvas.files import atomic_path
from ganvas.metric.extract import Extracted
from ganvas.metric.protocol import Protocol
from ganvas.network.features import Loaded

FORMAT_VERSION = 1
"""Raised whenever the same pictures would give other features."""


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


def stored(root: Path, key: str, make: Callable[[], Extracted], notice: Callable[[str], None]) -> Extracted:
    """The features under a key, made and kept where there are none.

    Args:
        root: The folder features are kept in.
        key: From `features_key`.
        make: Looks at the pictures.
        notice: Told when a damaged file is made again.

    Raises:
        FileError: The folder cannot be written.
    """
    path = root / f"{key}.safetensors"
    if path.is_file():
        try:
            return _read(path)
        except FileError as error:
            notice(f"{error} It is made again.")
    extracted = make()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"The cache '{root}' cannot be written ({error}); set GANVAS_CACHE to another folder."
        ) from error
    _write(path, extracted)
    return extracted


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
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise FileError(f"The stored features in '{path}' are damaged ({error}).") from error
