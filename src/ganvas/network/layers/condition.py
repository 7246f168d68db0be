"""What a network may be given as its condition: a vector of labels, or planes beside the picture."""

from ganvas.errors import UsageError
from ganvas.tensors import Condition, Images


def require_condition(condition: Condition, label_dim: int) -> None:
    """Refuse a condition that a network of ``label_dim`` labels (0: unconditional) cannot use.

    Raises:
        UsageError: The condition is missing, not asked for, or not ``(N, label_dim)``.
    """
    if condition is None:
        if label_dim:
            raise UsageError(f"This network needs a condition of shape (N, {label_dim}), but got none.")
    elif not label_dim:
        raise UsageError("This network is unconditional, but got a condition; leave it out.")
    elif condition.ndim != 2 or condition.shape[1] != label_dim:
        raise UsageError(
            f"This network needs a condition of shape (N, {label_dim}), but got one of shape {tuple(condition.shape)}."
        )


def require_planes(condition: Condition, planes: int, images: Images) -> None:
    """Refuse a condition that a network of ``planes`` condition planes (0: none) cannot put beside the pictures.

    Raises:
        UsageError: The condition is missing, not asked for, or not ``(N, planes, H, W)`` for images of H by W pixels.
    """
    wanted = (len(images), planes, *images.shape[2:])
    if condition is None:
        if planes:
            raise UsageError(f"This network needs condition planes of shape {wanted}, but got none.")
    elif not planes:
        raise UsageError("This network takes no condition planes, but got some; leave them out.")
    elif tuple(condition.shape) != wanted:
        raise UsageError(
            f"This network needs condition planes of shape {wanted}, but got some of shape {tuple(condition.shape)}."
        )
