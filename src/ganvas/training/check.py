"""Refuse a task that the loop cannot play, by the name of what is wrong, before anything is trained."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from ganvas.errors import UnknownName, UsageError
from ganvas.objective.penalty import refuse_batchnorm
from ganvas.training.aim import Aim
from ganvas.training.config import TrainingOptions
from ganvas.training.stages import check_stages
from ganvas.training.task import Players, Row, Stage, Task


def check_task(task: Task, players: Players, options: TrainingOptions) -> None:
    """Refuse what can be seen without playing.

    Args:
        task: Its stages and terms.
        players: What its `players` gave.
        options: The budget and the penalty.

    Raises:
        UnknownName: A stage weighs a term that the task does not have.
        UsageError: Names are not unique, a term or a stage cannot be played, the budget is shorter than the stages,
            or a critic's BatchNorm and the penalty exclude each other.
    """
    groups = (players.generators, players.critics, players.helpers, players.frozen)
    twice = _first_twice(name for group in groups for name in group)
    if twice is not None:
        raise UsageError(f"Two networks of the task are called '{twice}'; give every network a name of its own.")
    check_stages(task.stages, bool(task.terms), bool(players.critics))
    _check_terms(task)
    if options.total_steps < len(task.stages):
        least_kimg = len(task.stages) * options.images_per_step / 1000
        raise UsageError(
            f"--kimg is {options.kimg:g}, {options.total_steps} steps, but the task has {len(task.stages)} stages and "
            f"each needs a step; give at least --kimg {least_kimg:g}."
        )
    for name, critic in players.critics.items():
        refuse_batchnorm(critic, name, options.penalty)


def _check_terms(task: Task) -> None:
    names = [term.name for term in task.terms]
    twice = _first_twice(names)
    if twice is not None:
        raise UsageError(f"Two terms of the task are called '{twice}'; give every term a name of its own.")
    for term in task.terms:
        if term.interval < 1:
            raise UsageError(f"The interval of the term '{term.name}' is {term.interval}; make it 1 or more.")
    for stage in task.stages:
        for name in stage.weights:
            if not names:
                raise UsageError(
                    f"Stage '{stage.name}' weighs a term '{name}', but the task has no terms; leave it out."
                )
            if name not in names:
                raise UnknownName("term", name, names, f"for the weights of stage '{stage.name}'")


def check_rows(rows: Sequence[Row], players: Players) -> None:
    """Refuse rows that nobody can judge.

    Args:
        rows: What the task's `rows` gave for some pictures.
        players: The critics.

    Raises:
        UnknownName: A row's critic is none of them.
        UsageError: Two rows have the same critic, which would mix up their statistics.
    """
    for row in rows:
        if row.critic not in players.critics:
            raise UnknownName("critic", row.critic, players.critics, "for a row")
    twice = _first_twice(row.critic for row in rows)
    if twice is not None:
        raise UsageError(f"Two rows are judged by the critic '{twice}'; let every critic judge one row.")


def check_scores(scores: Collection[str], best: Aim, stages: Sequence[Stage]) -> None:
    """Refuse to choose the best state, or to end a stage, by a score that nobody gives.

    Raises:
        UnknownName: Names the score and those there are.
    """
    if best.score not in scores:
        raise UnknownName("score", best.score, scores, "to choose the best by")
    for stage in stages:
        if stage.stop is not None and stage.stop.score not in scores:
            raise UnknownName("score", stage.stop.score, scores, f"to stop stage '{stage.name}' by")


def _first_twice(names: Iterable[str]) -> str | None:
    """The first name that is there more than once, or None."""
    return next((name for name, times in Counter(names).items() if times > 1), None)
