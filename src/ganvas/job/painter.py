"""A model and how a verb uses it: what paints a photograph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganvas.apply.assemble import Assembly, assemble
from ganvas.apply.bands import automatic_tile
from ganvas.apply.filter import LocalFilter
from ganvas.device import autocast
from ganvas.errors import UsageError
from ganvas.image.provenance import SourceType


@dataclass(frozen=True)
class Opened:
    """A model that was opened, whoever made it.

    Attributes:
        name: What to call it.
        sha256: Of its file.
        task: upscale, restore, repair or find-scratches.
        scale: Output side / input side.
        stride_px: What input sides must be multiples of.
        radius_px: How far an output pixel sees, input pixels.
        inputs: Planes besides the picture: ``mask`` or ``strength``.
        two_ends: Whether it has a faithful and an inventive end.
        at: The network at a fidelity of 0 to 1, in eval mode on the device.
        device: Where it runs.
        foreign: Whether others trained it, so that nobody knows whether it invents.
        precision: float32 or bfloat16, of the network's inner layers.
    """

    name: str
    sha256: str
    task: str
    scale: int
    stride_px: int
    radius_px: int
    inputs: tuple[str, ...]
    two_ends: bool
    at: Callable[[float], nn.Module]
    device: torch.device
    foreign: bool = False
    precision: str = "float32"

    def filter(self, fidelity: float = 1.0) -> LocalFilter:
        """The network as a local filter."""
        network = self.at(fidelity)

        def fn(given: Tensor) -> Tensor:
            with autocast(self.device, self.precision):
                painted: Tensor = network(given)
            return painted.float()

        return LocalFilter(fn, self.scale, self.stride_px, self.radius_px, _widest(network))

    def facts(self) -> Mapping[str, str]:
        """Name and hash, for receipts."""
        return {"name": self.name, "sha256": self.sha256}


class Painter:
    """What a verb lets paint; networks are built once, for all photographs.

    Args:
        verb: For receipts and marks.
        model: The model.
        fidelity: 1 faithful, 0 inventive.
        lock_box_px: The colour lock's box; None is off.
        strength: What a plane of strength holds.
        want_map: Whether the ends' disagreement is painted along.
        tile: Side of the tiles, pixels; None chooses it by the free memory.

    Raises:
        UsageError: A fidelity or a map is asked of a model that has one end only.
    """

    def __init__(
        self,
        verb: str,
        model: Opened,
        *,
        fidelity: float = 1.0,
        lock_box_px: int | None = None,
        strength: float = 1.0,
        want_map: bool = False,
        tile: int | None = None,
    ):
        if not model.two_ends and (want_map or fidelity != 1):
            asked = "--map is given" if want_map else f"--fidelity is {fidelity:g}"
            raise UsageError(
                f"{asked}, but the model '{model.name}' has no faithful and no inventive end; leave it out, or choose "
                "another --model."
            )
        self.verb, self.model, self.fidelity, self.strength = verb, model, fidelity, strength
        self.lock_box_px, self.want_map = lock_box_px, want_map
        self._network = model.filter(fidelity)
        self._ends: tuple[LocalFilter, LocalFilter] | None = None
        if want_map:
            faithful = self._network if fidelity == 1 else model.filter(1.0)
            self._ends = faithful, self._network if fidelity == 0 else model.filter(0.0)
        self.tile = tile or automatic_tile(self.assembly(alpha=True).filter, model.device)

    def assembly(self, *, alpha: bool) -> Assembly:
        """Everything that happens to pixels, for photographs with or without transparency."""
        return assemble(self._network, ends=self._ends, lock_box_px=self.lock_box_px, alpha=alpha)

    @property
    def source_type(self) -> SourceType:
        """The IPTC term: repairs, inventive ends and models nobody knows compose; faithful ends enhance."""
        invents = self.verb in ("repair", "revive") or self.fidelity < 1 or self.model.foreign
        return SourceType.COMPOSITE if invents else SourceType.ENHANCED

    def facts(self) -> dict[str, Any]:
        """What decides the pixels it paints, plain values; tiles do not."""
        return {
            "verb": self.verb,
            "model": self.model.sha256,
            "precision": self.model.precision,
            "fidelity": self.fidelity,
            "strength": self.strength,
            "colour_lock": self.lock_box_px,
            "map": self.want_map,
        }


def _widest(network: nn.Module) -> int:
    """The most channels a convolution gives; those that run at a lower resolution are counted too high."""
    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    return max(widths, default=64)
