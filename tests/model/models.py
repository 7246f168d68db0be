"""Small model files, good and bad."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganvas.model.descriptor import Descriptor, GeneratorSpec, LabelSpec
from ganvas.model.save import FORMAT, save_model
from tests.network.architectures import LATENT_DIM, perturbed, small_arguments, small_generator

LABELS = {
    "none": LabelSpec(),
    "class": LabelSpec("class", ("coat", "dress", "shoe")),
    "attributes": LabelSpec("attributes", ("age", "height"), (30.0, 1.7), (10.0, 0.1)),
}


def small_network(name: str = "mlp", kind: str = "none", channels: int = 3) -> nn.Module:
    """A generator with no weight at zero and with statistics of its own, as after training."""
    network = perturbed(small_generator(name, (9, 12), channels, len(LABELS[kind].names)))
    latents = torch.randn(8, LATENT_DIM, generator=torch.Generator().manual_seed(3))
    condition = (
        torch.eye(len(LABELS[kind].names))[torch.arange(8) % len(LABELS[kind].names)] if kind != "none" else None
    )
    with torch.no_grad():
        network.train()(latents, condition)
    return network.eval()


def description(name: str = "mlp", kind: str = "none", channels: int = 3) -> Descriptor:
    arguments = small_arguments(name, (9, 12), channels, len(LABELS[kind].names))
    spec = GeneratorSpec(name, {**arguments, "latent_dim": LATENT_DIM})
    return Descriptor("generate", (9, 12), channels, LATENT_DIM, {"generator": spec}, LABELS[kind], {"pictures": "x"})


def write_model(path: Path, name: str = "mlp", kind: str = "none", channels: int = 3) -> Path:
    save_model(path, description(name, kind, channels), {"generator": small_network(name, kind, channels)})
    return path


def safetensors(header: Mapping[str, Any] | bytes, data: bytes = b"") -> bytes:
    """A file of the format by hand: length of the header, header, data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """A file's header and data, read by hand."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header, content[8 + length :]


def described_as(path: Path, text: str) -> Path:
    """Put another description into a model file."""
    header, data = header_of(path)
    header["__metadata__"] = {"format": FORMAT, "descriptor": text}
    path.write_bytes(safetensors(header, data))
    return path
