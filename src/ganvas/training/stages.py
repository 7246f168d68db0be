"""Where in its stages a run stands."""

from collections.abc import Mapping, Sequence

from ganvas.errors import UnknownName, UsageError
from ganvas.training.state import Counters
from ganvas.training.task import Stage, Stop


def check_stages(stages: Sequence[Stage], has_terms: bool, has_critics: bool) -> None:
    """Refuse stages that cannot be played.

    Raises:
        UsageError: Shares do not sum to 1, or in a stage nobody has anything to learn from.
    """
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
    """The step at which the present stage's share of the budget is used up; whole shares make the whole budget."""
    before = sum(stage.share for stage in stages[: counters.stage])
    after = before + stages[counters.stage].share
    return counters.stage_start_step + max(1, round(after * total_steps) - round(before * total_steps))


def improved(stop: Stop, counters: Counters, scores: Mapping[str, float]) -> bool:
    """Note the score of a stage's stop rule; whether the stage should go on.

    Raises:
        UsageError: The task has no such score.
    """
    if stop.score not in scores:
        raise UnknownName("score to stop by", stop.score, scores)
    score, best = scores[stop.score], counters.stage_best
    if best is None or (score > best if stop.higher_is_better else score < best):
        counters.stage_best, counters.stage_waited = score, 0
    else:
        counters.stage_waited += 1
    return counters.stage_waited < stop.patience


def next_stage(counters: Counters) -> None:
    """Step into the following stage."""
    counters.stage += 1
    counters.stage_start_step = counters.step
    counters.stage_best, counters.stage_waited, counters.stage_stopped = None, 0, False
