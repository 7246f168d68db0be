"""Trained values of a network: read without executing anything, checked before they are used, told by a hash."""

import hashlib
import pickle
import reprlib
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from ganvas.errors import FileError

UNUSED = "num_batches_tracked"
"""A counter of training steps that files may hold or lack; inference has no use for it."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file by name, on the CPU. Nothing in it is executed.

    Raises:
        FileError: It cannot be read, or is anything but named tensors.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # torch thinks aloud about strange files; they are refused
            raw = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise FileError(f"'{path}' is not a readable file of PyTorch weights ({reason}); get it again.") from error
    if not isinstance(raw, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in raw.items()):
        raise FileError(f"'{path}' holds something else than named tensors; give a file of weights.")
    return dict(raw)


def fill_(network: nn.Module, state: dict[str, Tensor], origin: str) -> None:
    """Give a network, which may lie on the meta device, the values of a file.

    Args:
        network: Gets exactly the tensors that its own state has, but for counters of training steps.
        state: Tensors by name.
        origin: What to call the file in an error.

    Raises:
        FileError: A tensor is missing, unknown, of another shape or kind, or not finite.
    """
    wanted = network.state_dict()
    used = {key for key in wanted if not key.endswith(UNUSED)}
    found = {key for key in state if not key.endswith(UNUSED)}
    if used != found:
        odd = ", ".join(map(reprlib.repr, sorted(used ^ found)[:3]))
        raise FileError(f"'{origin}' holds weights of another network (first differences: {odd}); give the right file.")
    values = {key: torch.zeros((), dtype=torch.int64) for key in wanted if key.endswith(UNUSED)}
    for key in used:
        value, like = state[key], wanted[key]
        if value.shape != like.shape or value.dtype != like.dtype:
            raise FileError(
                f"'{origin}' has '{key}' as {tuple(value.shape)} {value.dtype} where {tuple(like.shape)} {like.dtype} "
                "is meant; get the file again."
            )
        if not value.isfinite().all():
            raise FileError(f"'{origin}' has values in '{key}' that are not finite; get the file again.")
        values[key] = value
    network.load_state_dict(values, assign=True)


def fingerprint(network: nn.Module) -> str:
    """SHA-256 of a network's parameters and buffers with their names, shapes and kinds: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for key, value in sorted([*network.named_parameters(), *network.named_buffers()]):
        if not key.endswith(UNUSED):
            plain = value.detach().cpu().contiguous().numpy()
            digest.update(f"{key} {plain.shape} {plain.dtype.str};".encode())
            digest.update(plain.tobytes())
    return digest.hexdigest()
