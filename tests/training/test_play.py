"""One training step: who trains, how often, on which numbers, and that cutting a batch changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.errors import UsageError
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.schedule import scheduled
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Painted, Players, Problem, Row, Stage, Task, Term
from tests.training.toys import (
    WATCHED,
    Counted,
    HalfFixed,
    Simple,
    Small,
    TwoWay,
    Watched,
    brightness,
    options,
    steady,
)

CPU = torch.device("cpu")


def generator(state: TrainingState) -> Small:
    found = state.players.generators["g"]
    assert isinstance(found, Small)
    return found


def critic(state: TrainingState) -> HalfFixed:
    found = state.players.critics["d"]
    assert isinstance(found, HalfFixed)
    return found


def table_for(settings: TrainingOptions, task: Task | None = None, stage: Stage | None = None) -> Table:
    task = task or Simple()
    return Table(task, Counted(), settings, stage or task.stages[0], CPU, World())


def played(steps: int, table: Table) -> tuple[TrainingState, list[dict[str, Tensor]]]:
    state = TrainingState.begin(table.task.players(), table.options)
    return state, [play_step(table, state) for _ in range(steps)]


def weights(state: TrainingState) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": p.detach().clone()
        for name, n in state.players.networks().items()
        for key, p in n.named_parameters()
    }


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_critics_take_their_steps_and_then_the_generators_one(critic_steps: int) -> None:
    task = Simple()
    state, _ = played(2, table_for(steady(critic_steps=critic_steps), task))
    assert task.calls == [*["critic"] * critic_steps, "generator"] * 2
    assert state.counters.step == 2
    assert state.counters.seen_images == 2 * 8 * critic_steps
    assert int(state.critic_optimiser.state[critic(state).last.weight]["step"]) == 2 * critic_steps


def test_every_turn_sees_its_own_data_and_none_twice() -> None:
    task = Simple()
    played(3, table_for(steady(critic_steps=2, micro_batch=3), task))
    assert [index for part in task.indices for index in part] == list(range(3 * 3 * 8))
    assert [len(part) for part in task.indices[:3]] == [3, 3, 2]


def test_what_trains_and_what_does_not() -> None:
    table = table_for(steady(loss="non-saturating"))
    state = TrainingState.begin(table.task.players(), table.options)
    before = weights(state)
    for _ in range(2):
        play_step(table, state)
    moved = {key for key, value in weights(state).items() if not torch.equal(value, before[key])}
    assert moved == {"g.layer.weight", "d.last.weight", "d.last.bias", "helper.weight", "helper.bias"}
    fixed = [generator(state).layer.bias, *critic(state).fixed.parameters(), *state.players.frozen["eye"].parameters()]
    assert not any(parameter.requires_grad for parameter in fixed)
    assert all(parameter.grad is None for parameter in fixed)


@pytest.mark.parametrize(
    ("stage", "moved"),
    [
        (Stage("critics", generators=False), {"d"}),
        (Stage("pixels", critics=False), {"g", "helper"}),
        (Stage("all"), {"d", "g", "helper"}),
    ],
)
def test_a_stage_lets_its_own_side_train(stage: Stage, moved: set[str]) -> None:
    table = table_for(steady(), stage=stage)
    state = TrainingState.begin(table.task.players(), table.options)
    before, averages = weights(state), [p.clone() for p in state.averages["g"].parameters()]
    log = play_step(table, state)
    assert {k.split(".")[0] for k, v in weights(state).items() if not torch.equal(v, before[k])} == moved
    assert ("d/loss" in log, "d/generator_loss" in log) == (stage.critics, stage.critics and stage.generators)
    average_moved = any(not torch.equal(a, b) for a, b in zip(state.averages["g"].parameters(), averages, strict=True))
    assert average_moved is stage.generators


def test_a_stage_may_weigh_terms_anew() -> None:
    def moved(stage: Stage) -> dict[str, Tensor]:
        settings = steady(optimizer="sgd", lr=1.0, lr_final=1.0)
        table = table_for(settings, stage=stage)
        state = TrainingState.begin(table.task.players(), settings)
        before = weights(state)
        play_step(table, state)
        return {key: value - before[key] for key, value in weights(state).items() if key.startswith("helper")}

    once = moved(Stage("a", critics=False))
    thrice = moved(Stage("a", critics=False, weights={"brightness": 1.5}))
    for key, change in once.items():
        torch.testing.assert_close(thrice[key], 3 * change)
    assert all(not change.any() for change in moved(Stage("a", critics=False, weights={"brightness": 0.0})).values())


def test_a_lazy_penalty_is_weighted_up_by_its_interval() -> None:
    every, lazy = (steady(penalty="r1+r2", penalty_interval=interval) for interval in (1, 4))
    _, logs = played(9, table_for(lazy))
    assert ["d/r1" in log for log in logs] == [step % 4 == 0 for step in range(9)]

    def first_gradient(settings: TrainingOptions) -> tuple[Tensor, Tensor]:
        """What the first step's gradient in the critic is, and its penalty's part of it."""
        found = []
        for gamma in (settings.gamma, 0.0):
            table = table_for(replace(settings, gamma=gamma, gamma_final=gamma), stage=Stage("c", generators=False))
            state, _ = played(1, table)
            gradient = critic(state).last.weight.grad
            assert gradient is not None
            found.append(gradient.clone())
        return found[0], found[0] - found[1]

    _, penalty = first_gradient(every)
    _, lazy_penalty = first_gradient(lazy)
    assert penalty.abs().max() > 1e-4
    torch.testing.assert_close(lazy_penalty, 4 * penalty, rtol=1e-3, atol=1e-6)


def test_a_lazy_term_is_weighted_up_by_its_interval() -> None:
    def helper_moves(interval: int) -> list[float]:
        settings = steady(optimizer="sgd", lr=0.1, lr_final=0.1)
        task = Simple(terms=(Term("brightness", 0.5, brightness, interval=interval),))
        table = table_for(settings, task, Stage("t", critics=False))
        state = TrainingState.begin(task.players(), settings)
        found = []
        for _ in range(4):
            before = weights(state)["helper.weight"]
            play_step(table, state)
            found.append(float((weights(state)["helper.weight"] - before).norm()))
        return found

    every, lazy = helper_moves(1), helper_moves(3)
    assert lazy[0] == pytest.approx(3 * every[0], rel=1e-4)
    assert lazy[1] == lazy[2] == 0  # a step in which every term rests
    assert lazy[3] > 0


def test_a_term_of_weight_zero_in_a_stage_is_not_even_computed() -> None:
    table = table_for(steady(), Simple(), Stage("t", critics=False, weights={"brightness": 0.0}))
    state, logs = played(2, table)
    assert logs[1] == {}
    first = weights(TrainingState.begin(table.task.players(), table.options))
    assert all(torch.equal(value, first[name]) for name, value in weights(state).items())


def test_clipping_keeps_all_trained_weights_of_the_critic_within_the_limit() -> None:
    settings = steady(loss="wasserstein", penalty="clip", clip_limit=0.01)
    state, logs = played(2, table_for(settings))
    trained = [p.detach() for p in critic(state).last.parameters()]
    assert max(float(p.abs().max()) for p in trained) == pytest.approx(0.01)
    assert float(critic(state).fixed.weight.abs().max()) > 0.01  # what nobody trains is not touched
    assert float(generator(state).layer.weight.detach().abs().max()) > 0.01
    assert not any("r1" in key for log in logs for key in log)


@pytest.mark.parametrize("changes", [{}, {"loss": "non-saturating", "critic_steps": 2}, {"augment": ("flip", "shift")}])
@pytest.mark.parametrize("estimator", ["exact", "directional"])
@pytest.mark.parametrize("micro_batch", [3, 1])
def test_accumulating_micro_batches_is_the_whole_batch(
    micro_batch: int, estimator: str, changes: dict[str, Any]
) -> None:
    def run(micro: int) -> tuple[TrainingState, list[dict[str, Tensor]]]:
        settings = steady(micro_batch=micro, estimator=estimator, optimizer="sgd", **changes)
        return played(3, table_for(settings, Simple(history=12)))

    (whole, whole_logs), (cut, cut_logs) = run(8), run(micro_batch)
    theirs = weights(whole)
    for key, value in weights(cut).items():
        torch.testing.assert_close(value, theirs[key], rtol=1e-4, atol=1e-6)
    for ours, its in zip(cut_logs, whole_logs, strict=True):
        assert set(ours) == set(its)
        for key, entry in ours.items():
            torch.testing.assert_close(entry, its[key], rtol=1e-3, atol=1e-5)


def test_the_schedule_and_the_halved_rate_reach_both_optimizers() -> None:
    settings = options(burn_in_kimg=0.08)
    table = table_for(settings)
    state = TrainingState.begin(table.task.players(), settings)
    state.counters.lr_scale = 0.5
    for _ in range(5):
        play_step(table, state)
    now = scheduled(settings, 4 * 8)
    for optimiser in (state.critic_optimiser, state.generator_optimiser):
        (group,) = optimiser.param_groups
        assert group["lr"] == 0.5 * now.lr
        assert group["betas"] == (settings.beta1, now.beta2)


def test_gradient_norms_are_those_of_the_gradients() -> None:
    state, (log,) = played(1, table_for(steady()))
    for name, optimiser in (("critics", state.critic_optimiser), ("generators", state.generator_optimiser)):
        squares = [
            p.grad.double().square().sum() for g in optimiser.param_groups for p in g["params"] if p.grad is not None
        ]
        assert float(log[f"gradient_norm/{name}"]) == pytest.approx(float(sum(squares)) ** 0.5, rel=1e-5)


def test_the_average_follows_with_the_scheduled_decay() -> None:
    table = table_for(steady(ema_kimg=0.05))
    state = TrainingState.begin(table.task.players(), table.options)
    expected = {key: p.detach().double().clone() for key, p in state.players.generators["g"].named_parameters()}
    decay = 0.5 ** (8 / 50)
    for _ in range(3):
        play_step(table, state)
        for key, p in state.players.generators["g"].named_parameters():
            expected[key] = decay * expected[key] + (1 - decay) * p.detach().double()
    for key, p in state.averages["g"].named_parameters():
        torch.testing.assert_close(p.double(), expected[key], rtol=1e-5, atol=1e-7)


def test_past_fakes_reach_the_critic_but_not_the_generator() -> None:
    task = Watched(history=4)
    state, _ = played(12, table_for(steady(**WATCHED), task))
    (pool,) = state.histories.values()
    assert (pool.capacity, pool.filled) == (4, 4)
    to_critic, to_generator = task.critic.shown[1::3], task.critic.shown[2::3]
    fresh, past, old = [row.fake for row in task.given[::2]], list[Tensor](), 0
    for shown, painted in zip(to_critic, fresh, strict=True):
        for one, own in zip(shown, painted, strict=True):
            assert any(torch.equal(one, other) for other in [own, *past])
            old += not torch.equal(one, own)
            past.append(own)
    assert 0.3 < old / (12 * 8 - 4) < 0.7  # every second one, once the pool is full
    assert all(map(torch.equal, to_generator, [row.fake for row in task.given[1::2]]))
    assert played(3, table_for(steady(), Simple()))[0].histories == {}


def test_what_is_logged_of_critics_is_the_mean_over_their_turns() -> None:
    task = Watched()
    _, (log,) = played(1, table_for(steady(**WATCHED, critic_steps=3, optimizer="sgd", lr=1e-9), task))
    pairs = list(zip(task.critic.shown[0:6:2], task.critic.shown[1:6:2], strict=True))
    losses = [(1 - r.mean((1, 2, 3))).relu().mean() + (1 + f.mean((1, 2, 3))).relu().mean() for r, f in pairs]
    signs = [r.mean((1, 2, 3)).sign().mean() for r, _ in pairs]
    assert len({float(loss) for loss in losses}) == len({float(sign) for sign in signs}) == 3
    assert float(log["d/loss"]) == pytest.approx(float(sum(losses)) / 3, rel=1e-5)
    assert float(log["d/sign"]) == pytest.approx(float(sum(signs)) / 3, abs=1e-6)


@pytest.mark.parametrize("changes", [{}, {"augment": ("flip",)}, {"estimator": "directional"}])
@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("real", "reals"), ("fake", "fakes"), ("real_condition", "real conditions"),
        ("fake_condition", "fake conditions"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("history", [0, 4])
def test_a_row_of_another_count_than_the_problems_is_refused(
    part: str, name: str, history: int, changes: dict[str, Any]
) -> None:
    class Frames(Simple):
        def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
            (row,) = super().rows(problem, painted)
            changed: dict[str, Any] = {"history": history, part: torch.cat([problem["real"], painted["x"]])}
            return (replace(row, **changed),)

    table = table_for(steady(**changes), Frames())
    state = TrainingState.begin(table.task.players(), table.options)
    state.counters.augment_p = 1.0
    with pytest.raises(UsageError, match=f"critic 'd' has 16 {name} for 8 problems; give each problem one"):
        play_step(table, state)
    only_terms = replace(table, stage=Stage("terms", critics=False))
    play_step(only_terms, state)  # nothing is judged, so nothing is refused


def test_a_game_without_critics_trains_by_its_terms() -> None:
    class Alone(Simple):
        def players(self) -> Players:
            return replace(super().players(), critics={})

    table = table_for(steady(), Alone(), Stage("terms", critics=False))
    state, logs = played(3, table)
    assert set(logs[0]) == {"term/brightness", "gradient_norm/generators"}
    assert logs[2]["term/brightness"] < logs[0]["term/brightness"]
    assert state.tensors(World()).keys() == {k for k in state.tensors(World()) if "critic" not in k}


def test_bfloat16_trains_close_to_float32() -> None:
    (_, exact), (state, rough) = (played(2, table_for(steady(precision=p))) for p in ("float32", "bfloat16"))
    assert float(rough[0]["d/loss"]) == pytest.approx(float(exact[0]["d/loss"]), rel=0.05)
    assert {p.dtype for p in state.players.generators["g"].parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "change", [lambda s: replace(s, seed=1), lambda s: replace(s, augment=("flip",), augment_p=1.0)]
)
def test_a_step_depends_on_seed_and_number_alone(change: Callable[[TrainingOptions], TrainingOptions]) -> None:
    def second_step(settings: TrainingOptions) -> dict[str, Tensor]:
        table = replace(table_for(settings, TwoWay(terms=(), stages=(Stage("a"),))), source=Stripes())
        torch.manual_seed(0)
        state = TrainingState.begin(table.task.players(), settings)
        for network in state.trained_networks().values():
            network.eval()  # no dropout: nothing from the global generator
        state.counters.augment_p = settings.augment_p
        torch.manual_seed(torch.seed())
        play_step(table, state)
        return play_step(table, state)

    first, again, other = (second_step(settings) for settings in (steady(), steady(), change(steady())))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


class Stripes:
    """Pictures that change with the draw."""

    def at(self, position: int, draw: Draw) -> Batch:
        own = draw.named("data", position)
        return {name: own.named(name).uniform(1, 8, 8, low=-1.0) for name in ("a", "b")}
