"""How the augmentation probability moves during a run."""

import torch

from ganvas.augment.policy import adapt
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.schedule import cosine, scheduled
from ganvas.training.state import Counters
from ganvas.training.step import Log

STEPS_BETWEEN_ADAPTATIONS = 4  # as in Karras et al. 2020 (ADA)


def adapt_augmentation(options: TrainingOptions, counters: Counters, log: Log, world: World) -> None:
    """Set ``counters.augment_p`` for the next step, the same in every process."""
    if not options.augment or options.augment_policy == "fixed":
        return
    if options.augment_policy == "cosine":
        burn_in = scheduled(options, counters.seen_images).burn_in
        counters.augment_p = cosine(0.0, options.augment_p, burn_in)
        return
    signs = [value for name, value in log.items() if name.endswith("/sign")]
    if signs:
        counters.sign_sum += float(world.average(torch.stack(signs).mean()))
    if counters.step % STEPS_BETWEEN_ADAPTATIONS == 0:
        counters.augment_p = adapt(
            counters.augment_p,
            counters.sign_sum / STEPS_BETWEEN_ADAPTATIONS,
            options.augment_target,
            options.images_per_step * STEPS_BETWEEN_ADAPTATIONS,
            p_max=options.augment_p,
        )
        counters.sign_sum = 0.0
