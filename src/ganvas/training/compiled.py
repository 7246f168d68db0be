"""torch.compile for the networks that paint."""

from collections.abc import Iterable

import torch
from torch import nn

from ganvas.errors import UsageError
from ganvas.training.config import TrainingOptions


def compile_(networks: Iterable[nn.Module], options: TrainingOptions) -> None:
    """Let networks compile themselves when they are first used, if that is asked for. Their weights keep their names.

    Critics stay as they are: what is compiled cannot be differentiated twice, as penalties need.
    """
    if options.compile:
        for network in networks:
            network.compile()


def require_compiler(options: TrainingOptions, device: torch.device) -> None:
    """Refuse ``--compile`` where torch cannot compile, in one sentence in the place of its pages.

    Raises:
        UsageError: Says why.
    """
    if not options.compile:
        return
    try:
        torch.compile(torch.nn.functional.silu)(torch.zeros(2, device=device))
    except Exception as error:  # torch has no common kind for what may be missing
        why = next((line.rstrip(".:") for line in f"{error}".splitlines() if line.strip()), type(error).__name__)
        raise UsageError(f"--compile does not work here ({why}); leave it out, or install a C++ compiler.") from error
