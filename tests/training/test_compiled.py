"""Compiling: asked for only, refused in one sentence, and the same steps as without."""

from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from ganvas.errors import UsageError
from ganvas.training.compiled import compile_, require_compiler
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState
from tests.training.toys import Counted, Simple, options

CPU = torch.device("cpu")


def broken(words: str) -> Any:
    """Stands for a torch.compile whose results raise."""

    def fail(*given: Any) -> Any:
        raise RuntimeError(words)

    return lambda function: fail


@pytest.mark.parametrize("asked", [False, True])
def test_networks_are_compiled_if_that_is_asked_for(asked: bool) -> None:
    network = nn.Linear(2, 2)
    compile_([network], options(compile=asked))
    assert (network._compiled_call_impl is not None) == asked
    assert set(network.state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("\nInvalidCxxCompiler: none was found.\n\nPages follow.", "InvalidCxxCompiler: none was found"),
        ("", "RuntimeError"),
    ],
)
def test_where_nothing_can_be_compiled_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, words: str, why: str
) -> None:
    monkeypatch.setattr(torch, "compile", broken(words))
    require_compiler(options(), CPU)
    with pytest.raises(UsageError, match=rf"^--compile does not work here \({why}\); leave it out"):
        require_compiler(options(compile=True), CPU)


@pytest.mark.slow
def test_compiled_steps_are_those_of_the_plain_network() -> None:
    ended = []
    counters.clear()
    for compiled in (False, True):
        assert not counters["frames"]["ok"]  # nothing was compiled yet
        settings, task = options(compile=compiled), Simple()
        torch.manual_seed(0)
        state = TrainingState.begin(task.players(), settings)
        table = Table(task, Counted(), settings, task.stages[0], CPU, World())
        for _ in range(3):
            play_step(table, state)
        ended.append(state.learned())
    assert counters["frames"]["ok"]
    assert all((one - ended[1][name]).abs().max() < 1e-5 for name, one in ended[0].items())
