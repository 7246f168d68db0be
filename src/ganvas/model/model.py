"""A trained model as an object."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import index

import torch
from PIL import Image
from torch import Tensor, nn

from ganvas.draw import per_image_normal, seed_of
from ganvas.errors import UnknownName, UsageError
from ganvas.model.descriptor import Descriptor
from ganvas.tensors import Images, to_levels

MAX_SEED = 2**32 - 1
"""torch's generator looks at the lower 32 bits only, so larger seeds would repeat pictures."""


@dataclass(frozen=True)
class Model:
    """Averaged generators and what they are.

    Attributes:
        descriptor: Task, size, channels, labels, card.
        generators: The networks by name, in eval mode.
        device: Where they are.
    """

    descriptor: Descriptor
    generators: Mapping[str, nn.Module]
    device: torch.device

    def sample(
        self,
        seeds: Iterable[int],
        *,
        label: str | Mapping[str, float] | None = None,
        batch: int = 16,
    ) -> Images:
        """Paint one picture a seed.

        Args:
            seeds: Whole numbers from 0 to 2³² - 1. The same seed gives the same picture whatever else is painted with
                it; another ``batch`` may round a few values in a hundred thousand to the next of 256 levels.
            label: A class name, or values of some attributes by name (others at their mean). Without one,
                each seed draws its own class.
            batch: Pictures painted at once.

        Returns:
            Images ``(N, C, H, W)`` in [-1, 1] on the CPU.

        Raises:
            UsageError: The model has no such class or attribute, or no labels at all; it paints from something else
                than seeds; a seed or the batch is out of range.
        """
        wanted = [index(seed) for seed in seeds]
        self._refuse(wanted, batch)  # before its label is looked at
        return self.paint(wanted, self._condition(wanted, label), batch=batch)

    def paint(self, seeds: Sequence[int], condition: Tensor | None, *, batch: int = 16) -> Images:
        """Paint one picture a seed, each under a condition of its own.

        Args:
            seeds: As for `sample`.
            condition: Float ``(N, K)``: one-hot classes in the order of the descriptor's names, or attributes scaled to
                mean 0 and variance 1; None for a model without labels.
            batch: Pictures painted at once.

        Returns:
            Images ``(N, C, H, W)`` in [-1, 1] on the CPU.

        Raises:
            UsageError: As for `sample`.
        """
        self._refuse(seeds, batch)
        if not seeds:
            return torch.empty(0, self.descriptor.channels, *self.descriptor.size)
        latents = per_image_normal(seeds, self.descriptor.latent_dim)
        painted = [
            self._paint(latents[i : i + batch], None if condition is None else condition[i : i + batch])
            for i in range(0, len(seeds), batch)
        ]
        return torch.cat(painted)

    def pictures(
        self, seeds: Iterable[int], *, label: str | Mapping[str, float] | None = None, batch: int = 16
    ) -> list[Image.Image]:
        """The same as `sample`, as Pillow images."""
        levels = to_levels(self.sample(seeds, label=label, batch=batch))
        return [Image.fromarray(level.squeeze(-1) if level.shape[-1] == 1 else level) for level in levels]

    def _refuse(self, seeds: Sequence[int], batch: int) -> None:
        if "generator" not in self.generators:
            names = ", ".join(self.generators)
            raise UsageError(
                f"This model was trained for '{self.descriptor.task}' and has no 'generator' that paints from seeds; "
                f"use its networks themselves: model.generators has {names}."
            )
        if batch < 1:
            raise UsageError(f"The batch is {batch}, but it must be 1 or more.")
        for seed in seeds:
            if not 0 <= seed <= MAX_SEED:
                raise UsageError(f"A seed is {seed}, but it must be a whole number from 0 to {MAX_SEED}.")

    @torch.inference_mode()
    def _paint(self, latents: Tensor, condition: Tensor | None) -> Images:
        generator = self.generators["generator"]
        latents = latents.to(self.device)
        images: Tensor = generator(latents) if condition is None else generator(latents, condition.to(self.device))
        return images.float().clamp(-1, 1).cpu()

    def _condition(self, seeds: Sequence[int], label: str | Mapping[str, float] | None) -> Tensor | None:
        labels = self.descriptor.labels
        if labels.kind == "none":
            if label is not None:
                raise UsageError(f"This model was trained without labels, so it cannot paint '{label}'.")
            return None
        if labels.kind == "class":
            return self._classes(seeds, label)
        if isinstance(label, str):
            raise UsageError(f"This model has attributes ({', '.join(labels.names)}), not classes like '{label}'.")
        values = torch.zeros(len(labels.names))
        for name, value in (label or {}).items():
            if name not in labels.names:
                raise UnknownName("attribute", name, labels.names)
            if not isfinite(value):
                raise UsageError(f"The attribute '{name}' is {value}, but it must be a finite number.")
            column = labels.names.index(name)
            values[column] = (value - labels.mean[column]) / labels.std[column]
        return values.expand(len(seeds), -1)

    def _classes(self, seeds: Sequence[int], label: str | Mapping[str, float] | None) -> Tensor:
        names = self.descriptor.labels.names
        if label is not None and not isinstance(label, str):
            raise UsageError(f"This model has classes ({', '.join(names)}), not attributes.")
        if label is not None and label not in names:
            raise UnknownName("class", label, names)
        chosen = [names.index(label) if label else seed_of(seed, "class") % len(names) for seed in seeds]
        return nn.functional.one_hot(torch.tensor(chosen, dtype=torch.long), len(names)).float()
