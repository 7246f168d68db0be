"""That what the parts can do reaches a run: each test fails when one wire between the loop and a part is cut."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganvas.device import place
from ganvas.draw import Draw
from ganvas.events import Event, Warned
from ganvas.tensors import Judgement
from ganvas.training.distribute import World
from ganvas.training.loop import Data
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row
from ganvas.training.vitals import examine
from tests.training.toys import WATCHED, Counted, Simple, Watched, options, play, steady

CPU = torch.device("cpu")
DATA = Data(Counted())
CUTOUT = {"augment": ("cutout",)}  # the one kind that leaves no picture as it was


def untouched(task: Watched, step: int) -> list[bool]:
    """Whether the critic saw a step's pictures as they are: real, fake, and fake in the generator's turn."""
    to_critic, to_generator = task.given[2 * step : 2 * step + 2]
    meant = (to_critic.real, to_critic.fake, to_generator.fake)
    shown = task.critic.shown[3 * step : 3 * step + 3]
    return [torch.equal(one, other) for one, other in zip(shown, meant, strict=True)]


# Augmentation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_step_augments_as_strongly_as_the_counters_say(p: float) -> None:
    task = Watched()
    settings = steady(**WATCHED, **CUTOUT, augment_p=1.0 - p)  # the policy's goal, not its present state
    state = TrainingState.begin(task.players(), settings)
    state.counters.augment_p = p
    play_step(Table(task, Counted(), settings, task.stages[0], CPU, World()), state)
    assert untouched(task, 0) == [p == 0.0] * 3


def test_a_fixed_policy_augments_from_the_first_step_to_the_last(tmp_path: Path) -> None:
    task = Watched()
    settings = options(**WATCHED, **CUTOUT, augment_policy="fixed", augment_p=1.0)
    assert play(tmp_path, settings, task=task, data=DATA).counters.augment_p == 1.0
    assert [untouched(task, step) for step in (0, 10, 19)] == [[False] * 3] * 3


def test_a_cosine_policy_rises_from_nothing_to_its_goal(tmp_path: Path) -> None:
    task = Watched()
    settings = options(**WATCHED, **CUTOUT, augment_policy="cosine", augment_p=1.0, burn_in_kimg=0.08)
    assert play(tmp_path, settings, task=task, data=DATA).counters.augment_p == 1.0
    assert [untouched(task, step) for step in (0, 10, 19)] == [[True] * 3, [False] * 3, [False] * 3]


@pytest.mark.parametrize(("target", "rises"), [(-1.0, True), (1.0, False)])
def test_an_adaptive_policy_begins_at_nothing_and_follows_the_signs(tmp_path: Path, target: float, rises: bool) -> None:
    task = Watched()
    settings = options(**WATCHED, **CUTOUT, augment_policy="adaptive", augment_p=0.8, augment_target=target)
    state = play(tmp_path, settings, task=task, data=DATA)
    assert (state.counters.augment_p > 0) is rises
    assert untouched(task, 0) == [True] * 3


# Precision -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_painters_critics_and_terms_run_in_the_precision_of_the_run(precision: str) -> None:
    asked: list[bool] = []

    def note(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
        asked.append(torch.is_autocast_enabled("cpu"))
        return painted["x"].mean()

    class Noting(Watched):
        def paint(self, networks: Networks, problem: Problem) -> Painted:
            asked.append(torch.is_autocast_enabled("cpu"))
            return super().paint(networks, problem)

    (term,) = Simple().terms
    task = Noting(terms=(replace(term, fn=note),))
    settings = steady(**WATCHED, precision=precision)
    state = TrainingState.begin(task.players(), settings)
    play_step(Table(task, Counted(), settings, task.stages[0], CPU, World()), state)
    assert asked == [precision == "bfloat16"] * 3  # painted for the critic, painted for the generator, the term
    assert task.critic.in_bfloat16 == [precision == "bfloat16"] * 3


# Processes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other_breaks", [True, False])
def test_a_process_returns_to_its_checkpoint_when_another_has_a_nan(tmp_path: Path, other_breaks: bool) -> None:
    begun = questions = answered = 0

    def interrupted() -> bool:
        """Asked before each step."""
        nonlocal begun, questions
        begun, questions = begun + 1, 0
        return False

    class Peered(World):
        """Its peer finds a NaN once, in the books of the eighth step."""

        def any(self, flag: bool) -> bool:
            nonlocal questions, answered
            questions += 1  # the first one of a step is whether to stop
            yes = other_breaks and begun == 8 and questions > 1 and not answered
            answered += yes
            return yes or flag

    events: list[Event] = []
    state = play(tmp_path, options(), task=Simple(), data=DATA, world=Peered(), events=events, interrupted=interrupted)
    warned = [event.text for event in events if isinstance(event, Warned) and "another process" in event.text]
    assert state.counters.step == 20
    if other_breaks:
        assert len(warned) == 1
        assert state.counters.lr_scale == 0.5
        assert begun == 20 + 3  # steps six to eight are played anew
    else:
        assert (warned, state.counters.lr_scale, begun) == ([], 1.0, 20)


# What is looked at -----------------------------------------------------------------------------------------------


class Slides(Simple):
    """Its grid shows the data's pictures with a shade of each row's own latent."""

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        shade = draw.normal(4).clamp(-1, 1).view(-1, 1, 2, 2).repeat(1, 1, 2, 2)
        return (batch["image"] + shade) / 2


def test_a_grid_painted_in_parts_is_the_grid_painted_whole(tmp_path: Path) -> None:
    grids = []
    for micro_batch in (8, 3, 1):
        folder = tmp_path / str(micro_batch)
        play(folder, options(kimg=0.008, micro_batch=micro_batch), task=Slides(), data=DATA)
        grids.append(np.asarray(Image.open(folder / "samples" / "000000000.png")))
    assert len(np.unique(grids[0])) > 50
    assert all(np.array_equal(grids[0], grid) for grid in grids[1:])


class Conditioned(nn.Module):
    """A critic that believes the condition."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor, condition: Tensor) -> Judgement:
        return Judgement((self.scale * condition[:, 0] + 0 * images.mean((1, 2, 3)),))


class Labelled(Simple):
    """Reals have the label of their batch, fakes have -1."""

    def players(self) -> Players:
        return replace(super().players(), critics={"d": Conditioned()})

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        return {**super().problem(batch, draw), "label": batch["label"]}

    def rows(self, problem: Problem, painted: Painted) -> list[Row]:
        label = problem["label"]
        return [Row("d", problem["real"], painted["x"], label, torch.full_like(label, -1.0))]


@pytest.mark.parametrize(("label", "gap"), [(1.0, 0.0), (-1.0, 1.0)])
def test_held_out_pictures_are_judged_under_their_own_condition(label: float, gap: float) -> None:
    """Training pictures have the label 1; the critic goes by the label alone."""
    draw = Draw(0, 16)

    def batch(label: float) -> tuple[Mapping[str, Tensor], Draw]:
        return {**Counted().at(0, draw), "label": torch.full((16, 1), label)}, draw

    state = TrainingState.begin(Labelled().players(), options())
    found = examine(Labelled(), state, {"training": batch(1.0), "heldout": batch(label)}, options(), {})
    assert found["d"].overfitting_gap == pytest.approx(gap)


# Devices ---------------------------------------------------------------------------------------------------------

LAYERS: Mapping[str, Callable[[], nn.Module]] = {
    "1-D": lambda: nn.Conv1d(2, 3, 3),
    "2-D": lambda: nn.Conv2d(2, 3, 3),
    "3-D": lambda: nn.Conv3d(2, 3, 3),
    "normalised": lambda: nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 3, 3)),
    "double": lambda: nn.Conv2d(2, 3, 3).double(),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_network_keeps_its_values_and_parameters_where_it_is_placed(layer: str) -> None:
    network = nn.Sequential(LAYERS[layer](), nn.BatchNorm2d(3))
    parameters: list[Any] = list(network.parameters())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert place(network, CPU) is network
    assert all(ours is its for ours, its in zip(network.parameters(), parameters, strict=True))
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.dtype == before[name].dtype
        if value.ndim == 4:
            assert value.is_contiguous(memory_format=torch.channels_last)
