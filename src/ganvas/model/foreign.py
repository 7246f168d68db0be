"""Super-resolution networks that others trained, from their files.

Files of the Compact layout (Real-ESRGAN's SRVGGNetCompact) are read by our own network of that name; all else by
spandrel, where it is installed. No pickle is executed: torch reads plain weights only.
"""

import textwrap
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganvas.errors import FileError, UsageError
from ganvas.network.image_to_image import build_image_to_image
from ganvas.tensors import Images

_INSIDE = ("params_ema", "params", "state_dict", "model")
"""Where training programs put the weights inside a checkpoint; averaged ones first."""
_REASON_LETTERS = 200  # a hostile key has any number


@final
class Foreign(nn.Module):
    """A network of pictures in [0, 1] as one of pictures in [-1, 1], an `ImageToImage`."""

    def __init__(self, inner: nn.Module, scale: int, stride_px: int):
        super().__init__()
        self.inner, self.scale, self.stride_px = inner, scale, stride_px
        self.inputs: tuple[str, ...] = ()

    def forward(self, given: Tensor) -> Images:
        """Map ``(N, 3, h, w)`` to ``(N, 3, h * scale, w * scale)``."""
        painted: Tensor = self.inner(0.5 * given + 0.5)
        return 2 * painted - 1


def load_foreign(path: Path) -> nn.Module:
    """A super-resolution or restoration network somebody else trained, on the CPU, in eval mode: an `ImageToImage`.

    Raises:
        FileError: The file is absent, damaged, holds more than weights, or a network of a kind that is not known.
        UsageError: It takes spandrel to read it, which is not installed.
    """
    state = _weights(path)
    network = _compact(state, path) if _is_compact(state) else _by_spandrel(state, path)
    return network.eval().requires_grad_(False)


def _weights(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise FileError(f"There is no model file '{path}'.")
    try:
        if path.suffix == ".safetensors":
            raw: Any = load_file(path)
        else:
            raw = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, ValueError) as error:
        raise FileError(f"'{path}' is not a readable model file ({error}).") from error
    except Exception as error:  # unpickling raises whatever it meets, and torch advises what runs any code in the file
        raise FileError(
            f"'{path}' is damaged, or holds more than weights, which is not read; get a file of weights alone, best a "
            ".safetensors."
        ) from error
    for key in _INSIDE:
        if isinstance(raw, dict) and isinstance(raw.get(key), dict):
            raw = raw[key]
            break
    if not isinstance(raw, dict) or not raw or not all(map(_is_weight, raw.items())):
        raise FileError(f"'{path}' does not hold the weights of a network; get the model's own file.")
    return raw


def _is_weight(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _is_compact(state: Mapping[str, Tensor]) -> bool:
    first = state.get("body.0.weight")
    return first is not None and first.ndim == 4 and all(key.startswith("body.") for key in state)


def _compact(state: Mapping[str, Tensor], path: Path) -> nn.Module:
    depth = (len(state) - 5) // 3  # each has weight, bias and slopes; 5 are those of the first and last convolution
    try:
        width = state["body.0.weight"].shape[0]
        scale = round((state[f"body.{2 * depth + 2}.weight"].shape[0] / 3) ** 0.5)
        with torch.device("meta"):
            network = build_image_to_image("compact", {"scale": scale, "width": width, "depth": depth})
        network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    except (LookupError, RuntimeError, ValueError, UsageError) as error:
        reason = textwrap.shorten(str(error).rstrip("."), _REASON_LETTERS, placeholder="…")
        raise FileError(f"'{path}' looks like a Compact network and is none that can be built ({reason}).") from error
    return network


def _by_spandrel(state: Mapping[str, Tensor], path: Path) -> nn.Module:
    try:
        spandrel = import_module("spandrel")
    except (ImportError, RuntimeError) as error:  # the latter from a torchvision that does not fit its torch
        raise UsageError(
            f"'{path}' is no model of ganvas and not of the Compact layout; install 'ganvas[spandrel]' to read it "
            f"({error})."
        ) from error
    try:
        described = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(state))
    except Exception as error:  # it raises several kinds, and whatever a damaged file makes torch raise
        raise FileError(f"'{path}' is a model of a kind that spandrel does not know ({error}).") from error
    channels = (described.input_channels, described.output_channels)
    if not isinstance(described, spandrel.ImageModelDescriptor) or channels != (3, 3):
        raise FileError(f"'{path}' does not paint RGB pictures from RGB pictures; take a super-resolution model.")
    return Foreign(described.model, int(described.scale), max(1, int(described.size_requirements.multiple_of or 1)))
