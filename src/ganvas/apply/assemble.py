"""One filter of everything that happens to a photograph's pixels, and where its planes are."""

from dataclasses import dataclass

from ganvas.apply.alpha import with_alpha
from ganvas.apply.difference import with_map
from ganvas.apply.filter import LocalFilter
from ganvas.apply.lock import locked


@dataclass(frozen=True)
class Assembly:
    """A filter of colours, the network's other inputs, and alpha where the photograph has it, in this order.

    It paints three colours first and alpha, if any, last.

    Attributes:
        filter: The whole.
        alpha: Whether alpha is its last plane.
        map_plane: Index of the plane of disagreement, or None.
        lock_plane: Index of the plane of what the colour lock left, or None.
    """

    filter: LocalFilter
    alpha: bool
    map_plane: int | None = None
    lock_plane: int | None = None


def assemble(
    network: LocalFilter,
    *,
    ends: tuple[LocalFilter, LocalFilter] | None = None,
    lock_box_px: int | None = None,
    alpha: bool = False,
) -> Assembly:
    """A network with what goes around it.

    Args:
        network: What paints.
        ends: The faithful and the inventive end of the model, for a map of their disagreement.
        lock_box_px: The colour lock's box; None leaves the lock off.
        alpha: Whether the photograph has transparency.
    """
    whole, planes = network, 3
    map_plane = lock_plane = None
    if ends is not None:
        whole, map_plane, planes = with_map(whole, *ends), planes, planes + 1
    if lock_box_px is not None:
        whole, lock_plane = locked(whole, lock_box_px), planes
    return Assembly(with_alpha(whole) if alpha else whole, alpha, map_plane, lock_plane)
