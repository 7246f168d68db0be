"""What a network may be given as its condition."""

from ganvas.errors import UsageError
from ganvas.tensors import Condition


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
