"""Where in its stages a run stands."""

from collections.abc import Iterable, Mapping, Sequence

from torch import nn

from ganvas.errors import UnknownName, UsageError
from ganvas.training.state import Counters
from ganvas.training.task import Stage, Stop


def check_stages(stages: Sequence[Stage], has_terms: bool, has_critics: bool) -> None:
    """Refuse stages that cannot be played.

    Raises:
        UsageError: A share is not above 0, shares do not sum to 1, or in a stage nobody has anything to learn from.
    """
    for stage in stages:
        if not stage.share > 0:
            raise UsageError(f"The share of stage '{stage.name}' is {stage.share:g}; make it above 0, or remove it.")
    total = sum(stage.share for stage in stages)
    if abs(total - 1.0) > 1e-6:
        raise UsageError(f"The shares of the stages sum to {total:g}, but they must sum to 1.")
    for stage in stages:
        if not stage.generators and not stage.critics:
            raise UsageError(f"In stage '{stage.name}' neither generators nor critics train; remove it.")
        if stage.critics and not has_critics:
            raise UsageError(f"In stage '{stage.name}' critics should play, but the task has none; let them rest.")
        if not stage.critics and not has_terms:
            raise UsageError(f"In stage '{stage.name}' the critics rest and the task has no terms to learn from.")


def stage_end(stages: Sequence[Stage], counters: Counters, total_steps: int) -> int:
    """The step at which the present stage's share of what is left of the budget is used up.

    What an earlier stage left by stopping early goes to the later ones, and so does what a resume adds. The last
    stage ends with the budget; every stage before it has a step and leaves one for each that follows.
    """
    start, following = counters.stage_start_step, len(stages) - 1 - counters.stage
    shares = [stage.share for stage in stages[counters.stage :]]
    steps = round(shares[0] / sum(shares) * (total_steps - start)) if following else total_steps - start
    return min(start + max(steps, 1), total_steps - following)


def note_score(stop: Stop, counters: Counters, scores: Mapping[str, float]) -> None:
    """Write down the score of the present stage's stop rule, and whether the stage ends by it.

    Raises:
        UsageError: The task has no such score.
    """
    if stop.score not in scores:
        raise UnknownName("score", stop.score, scores, "to stop by")
    score = scores[stop.score]
    if stop.aim.improves(score, counters.stage_best):
        counters.stage_best, counters.stage_waited = score, 0
    else:
        counters.stage_waited += 1
    counters.stage_stopped = counters.stage_waited >= stop.patience


def fill_buffers_(networks: Iterable[nn.Module], stage: Stage) -> None:
    """Give networks what the stage says of their buffers; those that one does not have are another's."""
    for network in networks:
        for name, buffer in network.named_buffers():
            if name in stage.buffers:
                buffer.fill_(stage.buffers[name])


def next_stage(counters: Counters) -> None:
    """Step into the following stage."""
    counters.stage += 1
    counters.stage_start_step = counters.step
    counters.stage_best, counters.stage_waited, counters.stage_stopped = None, 0, False
