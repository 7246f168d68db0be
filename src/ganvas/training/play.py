"""One whole training step: critics, then generators, over micro-batches and processes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganvas.device import autocast
from ganvas.draw import Draw
from ganvas.objective.adversarial import LOSSES
from ganvas.objective.penalty import clip_weights_
from ganvas.training.average import update_average_
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.history import History
from ganvas.training.optimiser import set_schedule_
from ganvas.training.schedule import scheduled
from ganvas.training.state import TrainingState
from ganvas.training.step import Game, Log, checked_rows, critic_loss, generator_loss
from ganvas.training.task import Batch, Row, Stage, Task, Term


class Source(Protocol):
    """An endless stream of training data."""

    def at(self, position: int, draw: Draw) -> Batch:
        """The rows ``draw.start:draw.stop`` of the batch of ``draw.total`` samples at a stream position."""
        ...


@dataclass(frozen=True)
class Table:
    """Everything a step needs that does not change during a stage."""

    task: Task
    source: Source
    options: TrainingOptions
    stage: Stage
    device: torch.device
    world: World


def play_step(table: Table, state: TrainingState) -> Log:
    """Train one step in place and return named scalars: losses, penalties, signs and gradient norms.

    Those of critics are means over their turns.

    Raises:
        UsageError: The task answers with other than one real and one fake a problem.
    """
    options, counters = table.options, state.counters
    now = scheduled(options, counters.seen_images)
    for optimiser in (state.critic_optimiser, state.generator_optimiser):
        set_schedule_(optimiser, now.lr * counters.lr_scale, now.beta2)
    penalised = options.penalised and counters.step % options.penalty_interval == 0
    game = Game(
        loss=LOSSES[options.loss],
        penalty=options.penalty,
        directional=options.estimator == "directional",
        gamma=now.gamma * options.penalty_interval if penalised else 0.0,
        augment=options.augment,
        augment_p=counters.augment_p,
        augment_shared=options.augment_shared,
        autocast=partial(autocast, table.device, options.precision),
    )
    log = Log()
    if table.stage.critics:
        for turn in range(options.critic_steps):
            _add(log, _critic_turn(table, state, game, turn), 1 / options.critic_steps)
    if table.stage.generators:
        log |= _generator_turn(table, state, game)
        for name, average in state.averages.items():
            update_average_(average, state.players.generators[name], now.ema_decay)
    counters.step += 1
    counters.seen_images += options.images_per_step
    return log


def _critic_turn(table: Table, state: TrainingState, game: Game, turn: int) -> Log:
    networks = state.players.networks()
    _let_train_(state.critic_optimiser, resting=state.generator_optimiser)
    state.critic_optimiser.zero_grad(set_to_none=True)
    total = Log()
    for part, batch, draw in _slices(table, state, turn):
        problem = table.task.problem(batch, draw.named("problem"))
        with torch.no_grad(), game.autocast():
            painted = table.task.paint(networks, problem)
        rows = [
            _with_history(row, number, state.histories, draw)
            for number, row in enumerate(checked_rows(table.task.rows(problem, painted), draw))
        ]
        loss, log = critic_loss(rows, networks, game, draw.named("critic"))
        (loss * part).backward()
        _add(total, log, part)
    total["gradient_norm/critics"] = _apply_gradients(state.critic_optimiser, table.world)
    if table.options.penalty == "clip":
        clip_weights_(_parameters(state.critic_optimiser), table.options.clip_limit)
    return total


def _generator_turn(table: Table, state: TrainingState, game: Game) -> Log:
    networks = state.players.networks()
    _let_train_(state.generator_optimiser, resting=state.critic_optimiser)
    state.generator_optimiser.zero_grad(set_to_none=True)
    terms = _terms_due(table, state.counters.step)
    total = Log()
    if not terms and not table.stage.critics:
        return total  # every term pauses in this step
    for part, batch, draw in _slices(table, state, table.options.critic_steps):
        problem = table.task.problem(batch, draw.named("problem"))
        with game.autocast():
            painted = table.task.paint(networks, problem)
        rows = checked_rows(table.task.rows(problem, painted), draw) if table.stage.critics else ()
        loss, log = generator_loss(problem, painted, rows, terms, networks, game, draw.named("generator"))
        (loss * part).backward()
        _add(total, log, part)
    total["gradient_norm/generators"] = _apply_gradients(state.generator_optimiser, table.world)
    return total


def _slices(table: Table, state: TrainingState, turn: int) -> Iterator[tuple[float, Batch, Draw]]:
    """This process's micro-batches of one turn, each with its part of this process's rows."""
    options, step = table.options, state.counters.step
    position = (step * (options.critic_steps + 1) + turn) * options.batch
    whole = Draw(options.seed, options.batch, device=table.device).named("step", step, "turn", turn)
    first, last = table.world.shard(options.batch)
    for start in range(first, last, options.micro_batch):
        stop = min(start + options.micro_batch, last)
        draw = replace(whole, start=start, stop=stop)
        yield (stop - start) / (last - first), table.source.at(position, draw), draw


def _with_history(row: Row, number: int, histories: dict[str, History], draw: Draw) -> Row:
    """The row with some of its fakes exchanged for past ones, where it keeps a history."""
    if not row.history:
        return row
    pool = histories.setdefault(f"{number}-{row.critic}", History(row.history))
    fake, condition = pool.exchange(row.fake, row.fake_condition, draw.named("history", number))
    return replace(row, fake=fake, fake_condition=condition)


def _terms_due(table: Table, step: int) -> Mapping[Term, float]:
    weights = {term: table.stage.weights.get(term.name, term.weight) for term in table.task.terms}
    return {term: weight * term.interval for term, weight in weights.items() if weight and step % term.interval == 0}


def _let_train_(training: Optimizer, resting: Optimizer) -> None:
    """Record gradients for one side only; what neither optimizer holds is never touched."""
    for parameter in _parameters(resting):
        parameter.requires_grad_(False)
    for parameter in _parameters(training):
        parameter.requires_grad_(True)


def _parameters(optimiser: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _apply_gradients(optimiser: Optimizer, world: World) -> Tensor:
    """Average gradients over processes, step, and return the gradient norm."""
    parameters = _parameters(optimiser)
    world.average_gradients_(parameters)
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    optimiser.step()
    return norm


def _add(total: Log, log: Log, part: float) -> None:
    for name, value in log.items():
        total[name] = total[name] + value * part if name in total else value * part
