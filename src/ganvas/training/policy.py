"""How the augmentation probability moves during a run."""

import torch

from ganvas.augment.policy import adapt
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.schedule import cosine, scheduled
from ganvas.training.state import TrainingState
from ganvas.training.step import Log

SIGNS_AN_ADAPTATION = 4  # as in Karras et al. 2020 (ADA)


def adapt_augmentation(options: TrainingOptions, state: TrainingState, log: Log, world: World) -> None:
    """Set the augmentation probability of the next step, the same in every process.

    The adaptive policy moves it whenever critics have played four times; their signs stay on the device until then.
    """
    counters = state.counters
    if not options.augment or options.augment_policy == "fixed":
        return
    if options.augment_policy == "cosine":
        burn_in = scheduled(options, counters.seen_images).burn_in
        counters.augment_p = cosine(0.0, options.augment_p, burn_in)
        return
    signs = [value for name, value in log.items() if name.endswith("/sign")]
    if not signs:
        return
    state.signs.append(world.average(torch.stack(signs).mean()))
    if counters.sign_count + len(state.signs) >= SIGNS_AN_ADAPTATION:
        state.read_signs()
        counters.augment_p = adapt(
            counters.augment_p,
            counters.sign_sum / counters.sign_count,
            options.augment_target,
            options.images_per_step * counters.sign_count,
            p_max=options.augment_p,
        )
        counters.sign_sum, counters.sign_count = 0.0, 0
