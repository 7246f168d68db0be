"""The restart set, there and back through a file."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganvas.device import place
from ganvas.errors import FileError
from ganvas.training import state as room
from ganvas.training.checkpoint import read_checkpoint, write_checkpoint
from ganvas.training.distribute import World
from ganvas.training.state import TrainingState, weights_hash
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


class Mixed(nn.Module):
    """Tensors of every kind that a frozen network may hold."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(24.0).view(2, 3, 2, 2).to(dtype, memory_format=torch.channels_last))
        for name, value in {"count": torch.tensor(3), "mask": torch.tensor([True]), "empty": torch.zeros(0)}.items():
            self.register_buffer(name, value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_any_frozen_network_has_a_hash(dtype: torch.dtype) -> None:
    network = Mixed(dtype)
    before = weights_hash(network)
    assert weights_hash(Mixed(dtype)) == before
    with torch.no_grad():
        network.weight[1, 2, 1, 1] += 1
    assert weights_hash(network) != before


def test_the_hash_is_that_of_names_and_values() -> None:
    network = nn.Linear(2, 2)
    expected = hashlib.sha256()
    for name, value in network.state_dict().items():
        expected.update(name.encode() + value.numpy().tobytes())
    assert weights_hash(network) == expected.hexdigest()


def test_frozen_networks_are_hashed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    players, hashed = TwoWay().players(), []
    monkeypatch.setattr(room, "weights_hash", lambda network: hashed.append(network) or "abc")  # type: ignore[func-returns-value]
    state = TrainingState.begin(Players(players.generators, players.critics, frozen={"eyes": PatchCritic()}), options())
    for _ in range(3):
        assert state.facts()["frozen"] == {"eyes": "abc"}
    assert len(hashed) == 1
    write_checkpoint(tmp_path / "1.safetensors", state.tensors(ALONE), state.facts())
    state.restore_(*read_checkpoint(tmp_path / "1.safetensors"), ALONE)
    assert len(hashed) == 2  # bring another one, and a resume sees it
    state.facts()
    assert len(hashed) == 2


def test_networks_that_share_a_module_train_it_once(tmp_path: Path) -> None:
    shared = nn.Linear(3, 3)
    players = Players({"g": nn.Sequential(shared, nn.Linear(3, 1)), "h": nn.Sequential(shared, nn.Linear(3, 2))})
    state = TrainingState.begin(players, options())
    trained = [p for group in state.generator_optimiser.param_groups for p in group["params"]]
    assert len(trained) == len(set(trained)) == 6
    sum(p.square().sum() for p in trained).backward()
    state.generator_optimiser.step()
    path = tmp_path / "1.safetensors"
    write_checkpoint(path, state.tensors(ALONE), state.facts())
    before = {key: value.clone() for key, value in state.tensors(ALONE).items()}
    state.restore_(*read_checkpoint(path), ALONE)
    assert all(torch.equal(value, before[key]) for key, value in state.tensors(ALONE).items())
    assert sum(key.endswith("exp_avg") for key in before) == 6


def test_what_steps_change_is_weights_averages_and_moments(trained: TrainingState) -> None:
    learned = trained.learned()
    parts = {key.split("/")[0] for key in learned}
    assert parts == {
        "network.a_to_b", "network.b_to_a", "network.critic_a", "network.critic_b", "network.projection",
        "average.a_to_b", "average.b_to_a", "optimiser.generators", "optimiser.critics",
    }  # fmt: skip
    assert any(key.startswith("optimiser.critics/") and key.endswith(".exp_avg_sq") for key in learned)


# Random states of devices ----------------------------------------------------------------------------------------


class Generators:
    """Stands for the random generators of a GPU: which were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[object] = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device="cuda": self.got("cuda get", device))
        monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device="cuda": self.got("cuda set", device))
        monkeypatch.setattr(torch.mps, "get_rng_state", lambda: self.got("mps get", "mps"))
        monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: self.got("mps set", "mps"))

    def got(self, what: str, device: object) -> Tensor:
        self.asked.append((what, str(device)))
        return torch.zeros(2, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("device", "asked"),
    [
        ("cpu", []),
        ("cuda:1", [("cuda get", "cuda:1"), ("cuda set", "cuda:1")]),
        ("mps", [("mps get", "mps"), ("mps set", "mps")]),
    ],
)
def test_the_generator_of_the_runs_device_is_kept_and_no_other(
    monkeypatch: pytest.MonkeyPatch, device: str, asked: list[object]
) -> None:
    generators, place_of_the_run = Generators(monkeypatch), torch.device(device)
    states = room._random_states(place_of_the_run)
    assert set(states) == {"cpu", place_of_the_run.type}
    room._restore_random_states(states, place_of_the_run)
    assert generators.asked == asked


def test_a_run_that_goes_on_elsewhere_leaves_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    generators = Generators(monkeypatch)
    both = {"cpu": torch.get_rng_state(), "cuda": torch.zeros(2, dtype=torch.uint8)}
    room._restore_random_states(both, torch.device("cpu"))
    room._restore_random_states({"cpu": torch.get_rng_state()}, torch.device("cuda", 1))
    room._restore_random_states(both, torch.device("mps"))
    assert generators.asked == []


def test_the_device_is_that_of_the_generators() -> None:
    assert fresh().device == torch.device("cpu")
    meta = TrainingState.begin(Players({"g": nn.Linear(1, 1, device="meta")}), options())
    assert meta.device == torch.device("meta")
    assert TrainingState.begin(Players({"g": nn.Identity()}), options()).device == torch.device("cpu")


@pytest.mark.gpu
def test_on_a_gpu_its_generator_comes_back(tmp_path: Path) -> None:
    device = torch.device("cuda", torch.cuda.device_count() - 1)
    state = TrainingState.begin(Players({"g": nn.Linear(2, 2).to(device)}), options())
    write_checkpoint(tmp_path / "1.safetensors", state.tensors(ALONE), state.facts())
    expected = torch.rand(4, device=device)
    state.restore_(*read_checkpoint(tmp_path / "1.safetensors"), ALONE)
    assert torch.equal(torch.rand(4, device=device), expected)
