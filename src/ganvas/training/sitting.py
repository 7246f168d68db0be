"""What a new sitting changes: options that differ from those a run was last played with."""

from ganvas.training.config import TrainingOptions
from ganvas.training.state import Counters

RATES = ("lr", "lr_final")
PENALTY_WEIGHTS = ("gamma", "gamma_final")


def note_options(counters: Counters, options: TrainingOptions) -> None:
    """Let the counters remember what the run is played with from here on."""
    named = {name: float(getattr(options, name)) for name in (*RATES, *PENALTY_WEIGHTS)}
    counters.played_with = {**named, "total_steps": options.total_steps}


def take_up(counters: Counters, options: TrainingOptions, stages: int) -> list[str]:
    """Bring restored counters in line with the options of this sitting.

    Another learning rate counts in full, whatever roll-backs had made of the one before; with it, or with another
    penalty weight, the run may roll back as often as at first. A larger budget ends the early stop of the last stage.

    Args:
        counters: Changed in place.
        options: Of this sitting.
        stages: How many the task has.

    Returns:
        Sentences for the user.
    """
    before = dict(counters.played_with)
    note_options(counters, options)
    if not before:
        return []
    changed = {name for name, value in counters.played_with.items() if value != before[name]}
    sentences = []
    if changed.intersection(RATES):
        if counters.lr_scale != 1:
            sentences.append(
                f"The new learning rate counts in full; of the one before, roll-backs had left {counters.lr_scale:g}."
            )
        counters.lr_scale = 1.0
    if changed.intersection((*RATES, *PENALTY_WEIGHTS)):
        counters.rollbacks = 0
    if counters.played_with["total_steps"] > before["total_steps"] and counters.stage == stages - 1:
        counters.stage_stopped, counters.stage_waited = False, 0
    return sentences
