"""How the augmentation probability moves during a run."""

from ganvas.augment.policy import adapt
from ganvas.training.config import TrainingOptions
from ganvas.training.schedule import cosine, scheduled
from ganvas.training.state import Counters
from ganvas.training.step import Log

STEPS_BETWEEN_ADAPTATIONS = 4  # as in Karras et al. 2020 (ADA)


def adapt_augmentation(options: TrainingOptions, counters: Counters, log: Log) -> None:
    """Set ``counters.augment_p`` for the next step."""
    if not options.augment or options.augment_policy == "fixed":
        return
    if options.augment_policy == "cosine":
        burn_in = scheduled(options, counters.seen_images).burn_in
        counters.augment_p = cosine(0.0, options.augment_p, burn_in)
        return
    signs = [float(value) for name, value in log.items() if name.endswith("/sign")]
    counters.sign_sum += sum(signs) / max(len(signs), 1)
    if counters.step % STEPS_BETWEEN_ADAPTATIONS == 0:
        counters.augment_p = adapt(
            counters.augment_p,
            counters.sign_sum / STEPS_BETWEEN_ADAPTATIONS,
            options.augment_target,
            options.images_per_step * STEPS_BETWEEN_ADAPTATIONS,
            p_max=options.augment_p,
        )
        counters.sign_sum = 0.0
