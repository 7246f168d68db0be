"""The restart set, there and back through a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganvas.device import place
from ganvas.errors import FileError
from ganvas.training.checkpoint import read_checkpoint, write_checkpoint
from ganvas.training.distribute import World
from ganvas.training.state import TrainingState
from ganvas.training.task import Players
from tests.training.toys import PatchCritic, TwoWay, options, play

ALONE = World()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainingState:
    return play(tmp_path_factory.mktemp("run"), options(augment=("flip",), augment_policy="adaptive"))


@pytest.fixture
def saved(trained: TrainingState, tmp_path: Path) -> Path:
    path = tmp_path / "1.safetensors"
    write_checkpoint(path, trained.tensors(ALONE), trained.facts())
    return path


def fresh() -> TrainingState:
    players = TwoWay().players()
    for network in players.networks().values():
        place(network, torch.device("cpu"))
    return TrainingState.begin(players, options())


def test_everything_comes_back_to_the_bit(trained: TrainingState, saved: Path) -> None:
    expected = {key: value.clone() for key, value in trained.tensors(ALONE).items()}
    state = fresh()
    torch.rand(3)
    state.restore_(*read_checkpoint(saved), ALONE)
    found = state.tensors(ALONE)
    assert set(found) == set(expected)
    assert [key for key in expected if not torch.equal(found[key], expected[key])] == []
    assert state.facts() == trained.facts()
    assert state.counters == trained.counters


def test_it_holds_every_part(trained: TrainingState) -> None:
    parts = {key.split("/")[0] for key in trained.tensors(ALONE)}
    assert parts == {
        "network.a_to_b", "network.b_to_a", "network.critic_a", "network.critic_b", "network.projection",
        "average.a_to_b", "average.b_to_a", "optimiser.generators", "optimiser.critics",
        "history.0-critic_a", "history.1-critic_b", "snapshot", "random",
    }  # fmt: skip


def test_random_numbers_go_on_where_they_were(saved: Path) -> None:
    tensors, facts = read_checkpoint(saved)
    torch.set_rng_state(tensors["random/cpu"])
    expected = torch.rand(8)
    torch.manual_seed(123)
    fresh().restore_(tensors, facts, ALONE)
    assert torch.equal(torch.rand(8), expected)


def test_restored_weights_and_moments_keep_the_strides_of_the_device(saved: Path) -> None:
    state = fresh()
    state.restore_(*read_checkpoint(saved), ALONE)
    weight = next(p for p in state.players.generators["a_to_b"].parameters() if p.ndim == 4 and p.shape[0] == 1)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert state.generator_optimiser.state[weight]["exp_avg"].stride() == weight.stride()


def test_what_a_restored_run_does_leaves_the_file_as_it_is(saved: Path) -> None:
    before, state = saved.read_bytes(), fresh()
    state.restore_(*read_checkpoint(saved), ALONE)
    for pool in state.histories.values():
        assert pool.images is not None
        pool.images.zero_()
    assert saved.read_bytes() == before


def wider() -> Players:
    players = TwoWay().players()
    return Players({**players.generators, "a_to_b": nn.Conv2d(1, 1, 3)}, players.critics, players.helpers)


def other_critic() -> Players:
    players = TwoWay().players()
    return Players(players.generators, {**players.critics, "critic_a": nn.Sequential(PatchCritic())}, players.helpers)


@pytest.mark.parametrize(("players", "name"), [(wider, "network.a_to_b"), (other_critic, "network.critic_a")])
def test_other_networks_are_refused_by_name(saved: Path, players: Callable[[], Players], name: str) -> None:
    state = TrainingState.begin(players(), options())
    with pytest.raises(FileError, match=f"The checkpoint's '{name}' does not fit this network"):
        state.restore_(*read_checkpoint(saved), ALONE)


def test_another_number_of_processes_is_refused_where_each_kept_past_fakes(saved: Path) -> None:
    with pytest.raises(FileError, match="kept past fakes in 1 processes; resume it with as many, not 2"):
        fresh().restore_(*read_checkpoint(saved), World(0, 2))


def test_each_process_gets_its_own_past_fakes_back(saved: Path) -> None:
    tensors, facts = read_checkpoint(saved)
    doubled = {k: torch.cat([v, v + 1]) if k.startswith("history") else v for k, v in tensors.items()}
    for rank in (0, 1):
        state = fresh()
        state.restore_(doubled, facts, World(rank, 2))
        images = state.histories["0-critic_a"].images
        assert images is not None
        assert torch.equal(images, tensors["history.0-critic_a/images"][0] + rank)


class Frozen(nn.Module):
    """Feature networks are bought in with layers that behave differently in training."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y


def test_frozen_networks_rest_and_are_neither_trained_nor_saved() -> None:
    frozen = Frozen().train()
    half_frozen = nn.Linear(2, 2)
    half_frozen.bias.requires_grad_(False)
    state = TrainingState.begin(Players({"g": half_frozen}, frozen={"features": frozen}), options())
    assert not any(module.training for module in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert not any("features" in key for key in state.tensors(ALONE))
    trained = [p for group in state.generator_optimiser.param_groups for p in group["params"]]
    assert [p is half_frozen.weight for p in trained] == [True]


def test_a_frozen_network_is_known_by_its_weights(tmp_path: Path) -> None:
    players, eyes = TwoWay().players(), PatchCritic()
    state = TrainingState.begin(Players(players.generators, players.critics, frozen={"eyes": eyes}), options())
    assert not any(parameter.requires_grad for parameter in eyes.parameters())
    path = tmp_path / "1.safetensors"
    write_checkpoint(path, state.tensors(ALONE), state.facts())
    assert not any("eyes" in key for key in read_checkpoint(path)[0])
    state.restore_(*read_checkpoint(path), ALONE)
    with torch.no_grad():
        eyes.last.weight[0, 0, 0, 0] += 1e-3
    with pytest.raises(FileError, match="frozen network 'eyes' is not the one"):
        state.restore_(*read_checkpoint(path), ALONE)
