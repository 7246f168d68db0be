"""A pool of past fakes (Shrivastava et al. 2017, section 2.3; CycleGAN uses 50)."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganvas.draw import Draw


@dataclass
class History:
    """Past fakes of one row, shown to its critic in place of some fresh ones."""

    capacity: int
    images: Tensor | None = None
    conditions: Tensor | None = None
    filled: int = field(default=0)

    @torch.no_grad()
    def exchange(self, images: Tensor, conditions: Tensor | None, draw: Draw) -> tuple[Tensor, Tensor | None]:
        """Fill up first; then each fresh fake is, with chance one half, kept back for an old one.

        Args:
            images: Fresh fakes ``(N, C, H, W)``.
            conditions: Their conditions or None.
            draw: Randomness of this step.

        Returns:
            What the critic is shown, of the same shapes.
        """
        if self.images is None:
            self.images = torch.zeros(self.capacity, *images.shape[1:])
            if conditions is not None:
                self.conditions = torch.zeros(self.capacity, *conditions.shape[1:])
        shown = images.clone()
        shown_conditions = None if conditions is None else conditions.clone()
        swaps = draw.named("history").uniform().cpu() < 0.5
        slots = draw.named("history-slot").integers(self.capacity).cpu()
        for row in range(len(images)):
            if self.filled < self.capacity:
                slot, self.filled = self.filled, self.filled + 1
            elif swaps[row]:
                slot = int(slots[row])
                shown[row] = self.images[slot]
                if shown_conditions is not None and self.conditions is not None:
                    shown_conditions[row] = self.conditions[slot]
            else:
                continue
            self.images[slot] = images[row]
            if conditions is not None and self.conditions is not None:
                self.conditions[slot] = conditions[row]
        return shown, shown_conditions
