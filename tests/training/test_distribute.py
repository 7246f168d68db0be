"""Two real processes against one: the same losses, the same weights, one writer."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from ganvas.errors import FileError, UsageError
from ganvas.events import Event
from ganvas.training.checkpoint import checkpoint_path, read_checkpoint
from ganvas.training.distribute import World, leave
from ganvas.training.loop import Data
from ganvas.training.state import TrainingState
from ganvas.training.task import Networks, Painted, Players, Problem
from tests.training.toys import Counted, Exports, Simple, options, play, steady

CPU = torch.device("cpu")
SGD = {"optimizer": "sgd", "lr": 0.05, "lr_final": 0.05, "kimg": 0.056, "micro_batch": 3}
TRAINED = {
    "plain": steady(**SGD),
    "augmented": steady(**SGD, augment=("flip", "shift", "cutout"), augment_policy="fixed", augment_p=1.0),
    # Seven steps end between two moves of p, where the processes have seen different signs.
    "adaptive": steady(**SGD, augment=("flip", "shift"), augment_policy="adaptive", augment_p=0.8, augment_target=0.1),
    "directional": steady(**SGD, estimator="directional"),
}
DATA = Data(Counted())
WITH_PAST = options(kimg=0.08)


# What each of the two processes does -----------------------------------------------------------------------------


def process(rank: int, port: int, folder: Path) -> None:
    """Run every scenario and leave what was found in a file a process."""
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1")
    os.environ.update(MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True")
    world = World.join("cpu")
    found = {"world": [world.rank, world.size, world.local_rank], "again": World.join("cpu") == world}
    for scenario in (talk, begin, train, resume):
        found |= scenario(world, folder)
    leave()
    found["threads"] = threads()
    (folder / f"{rank}.json").write_text(json.dumps(found))


def threads() -> list[str]:
    """Names of this process's threads, where the system tells."""
    tasks = Path("/proc/self/task")
    return [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.is_dir() else []


def talk(world: World, folder: Path) -> dict[str, Any]:
    mine = torch.full((2, 3, 2, 2), float(world.rank + 1)).to(memory_format=torch.channels_last)
    mine[0, 1, 0, 1] = 5 * world.rank
    sent = mine.clone(memory_format=torch.preserve_format)
    world.broadcast_([sent])
    weights = [nn.Parameter(mine.clone(memory_format=torch.preserve_format)) for _ in range(3)]
    weights.append(nn.Parameter(torch.ones(2, dtype=torch.float64)))
    weights.append(nn.Parameter(torch.ones(1), requires_grad=False))
    weights.append(nn.Parameter(torch.ones(3)))  # one that a loss reached in the second process alone
    if world.rank == 1:
        weights[5].grad = torch.full((3,), 4.0)
    for number, weight in enumerate(weights[:4]):
        if number != 1:  # one that no loss reached
            weight.grad = weight.detach() * (number + 1) * (world.rank + 1)
    world.average_gradients_(weights)
    world.wait()
    return {
        "gathered": [tensor.tolist() for tensor in world.gather(mine)],
        "mine": mine.tolist(),
        "sent": sent.tolist(),
        "shared": world.share(f"from {world.rank}"),
        "mean": world.average(torch.tensor([1.0, 3.0]) * (world.rank + 1)).tolist(),
        "any": [world.any(flag) for flag in (False, world.rank == 1, True)],
        "gradients": [None if weight.grad is None else weight.grad.tolist() for weight in weights],
        "shard": world.shard(8),
    }


def train(world: World, folder: Path) -> dict[str, Any]:
    """A whole run in a folder, noting who writes."""
    written: list[str] = []
    sys.addaudithook(lambda name, args: note_write(written, folder, name, args))
    found: dict[str, Any] = {}
    for name, settings in TRAINED.items():
        written.clear()
        events: list[Event] = []
        export = Exports()
        state = play(folder / name, settings, task=Simple(), data=DATA, world=world, events=events, export=export)
        weights = {key: value.tolist() for key, value in trained_weights(state).items()}
        counters = state.facts()["counters"]
        found[name] = {
            "weights": weights, "augment_p": counters["augment_p"], "sign_sum": counters["sign_sum"],
            "written": list(written), "events": len(events), "exported": bool(export.networks),
        }  # fmt: skip
    return found


@dataclass
class Apart(Simple):
    """Built otherwise in every process; notes what its first painter has and hears."""

    rank: int = 0
    begun: dict[str, list[float]] = field(default_factory=dict)
    noise: list[float] = field(default_factory=list)

    def players(self) -> Players:
        players = super().players()
        for network in players.networks().values():
            network.register_buffer("place", torch.full((2,), float(self.rank)))
            for parameter in network.parameters():
                parameter.data += self.rank
        return players

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        if not self.begun:
            for name, network in networks.items():
                state = network.state_dict()
                self.begun |= {f"{name}.{key}": value.flatten().tolist() for key, value in state.items()}
        if torch.is_grad_enabled():
            self.noise += torch.rand(2).tolist()  # as a dropout layer would
        return super().paint(networks, problem)


def begin(world: World, folder: Path) -> dict[str, Any]:
    task = Apart(rank=world.rank)
    play(folder / "apart", steady(**SGD), task=task, data=DATA, world=world)
    return {"begun": task.begun, "noise": task.noise}


def trained_weights(state: TrainingState) -> dict[str, Tensor]:
    networks = state.trained_networks().items()
    return {f"{of}.{key}": p.detach() for of, net in networks for key, p in net.named_parameters()}


def note_write(written: list[str], folder: Path, name: str, args: tuple[Any, ...]) -> None:
    path = str(args[0]) if args else ""
    if not path.startswith(str(folder)):
        return
    if name in ("os.rename", "os.remove") or (name == "open" and set(str(args[1])) & set("wax+")):
        written.append(path)


def resume(world: World, folder: Path) -> dict[str, Any]:
    """Each process keeps its own past fakes, also over a stop that only the second asks for."""
    task = Simple(history=6)
    whole = play(folder / "whole", WITH_PAST, task=task, data=DATA, world=world)
    left = 4

    def second_asks() -> bool:
        nonlocal left
        left -= 1
        return world.rank == 1 and left < 0

    stopped = False
    try:
        play(folder / "cut", WITH_PAST, task=task, data=DATA, world=world, interrupted=second_asks)
    except KeyboardInterrupt:
        stopped = True
    cut = play(folder / "cut", WITH_PAST, task=task, data=DATA, world=world)
    ours, theirs = whole.tensors(world), cut.tensors(world)
    return {
        "stopped": stopped,
        "differing": [key for key in ours if not torch.equal(ours[key], theirs[key])],
        "past": [float(pool.images.sum()) for pool in cut.histories.values() if pool.images is not None],
    }


# What is made of it ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    # As torchrun does: whoever starts the processes keeps the port they meet at, so nobody else can take it.
    meeting = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    spawn(process, (meeting.port, folder), nprocs=2)
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_processes_know_their_places(found: list[dict[str, Any]]) -> None:
    assert [one["world"] for one in found] == [[0, 2, 0], [1, 2, 1]]
    assert all(one["again"] for one in found)
    assert [one["shard"] for one in found] == [[0, 4], [4, 8]]


def test_they_talk(found: list[dict[str, Any]]) -> None:
    first, second = found
    for one in found:
        assert one["gathered"] == [first["mine"], second["mine"]]
        assert one["sent"] == first["mine"]
        assert one["shared"] == "from 0"
        assert one["mean"] == [1.5, 4.5]
        assert one["any"] == [False, True, True]


def test_gradients_are_averaged_whatever_their_strides_and_types(found: list[dict[str, Any]]) -> None:
    mine = [torch.tensor(one["mine"]) for one in found]
    for one in found:
        assert one["gradients"][1] is one["gradients"][4] is None
        assert one["gradients"][5] == [2.0] * 3
        for number in (0, 2):
            expected = (number + 1) * (mine[0] + 2 * mine[1]) / 2
            assert torch.equal(torch.tensor(one["gradients"][number]), expected)
        assert one["gradients"][3] == [6.0, 6.0]


@pytest.mark.parametrize("name", TRAINED)
def test_two_processes_train_what_one_trains(
    found: list[dict[str, Any]], folder: Path, tmp_path: Path, name: str
) -> None:
    state = play(tmp_path, TRAINED[name], task=Simple(), data=DATA)
    for one in found:
        assert one[name]["augment_p"] == state.counters.augment_p
        assert one[name]["sign_sum"] == pytest.approx(state.facts()["counters"]["sign_sum"], abs=1e-6)
        for key, weight in trained_weights(state).items():
            torch.testing.assert_close(torch.tensor(one[name]["weights"][key]), weight, rtol=1e-6, atol=1e-6)
    alone, together = (
        [json.loads(line) for line in (at / "stats.jsonl").read_text().splitlines()] for at in (tmp_path, folder / name)
    )
    assert len(together) == len(alone) > 1
    for ours, theirs in zip(together, alone, strict=True):
        timeless = set(ours) - {"elapsed_s", "images_per_s"}
        assert {k: ours[k] for k in timeless} == pytest.approx({k: theirs[k] for k in timeless}, rel=1e-4, abs=1e-6)


def test_who_leaves_takes_the_groups_threads_along(found: list[dict[str, Any]]) -> None:
    """A process that ends with them is aborted now and then, with everything saved and a failure for an exit code."""
    for one in found:
        assert not [name for name in one["threads"] if "gloo" in name]


def test_all_begin_with_the_networks_of_the_first(found: list[dict[str, Any]]) -> None:
    first, second = (one["begun"] for one in found)
    assert {name.split(".")[0] for name in first} == {"g", "d", "helper", "eye"}
    assert first == second
    assert first["d.place"] == first["eye.place"] == [0.0, 0.0]


def test_each_has_noise_of_its_own(found: list[dict[str, Any]]) -> None:
    first, second = (set(one["noise"]) for one in found)
    assert len(first) == len(second) > 10
    assert not first & second


def test_only_the_first_process_writes_and_speaks(found: list[dict[str, Any]]) -> None:
    for name in TRAINED:
        first, second = (one[name] for one in found)
        assert len(first["written"]) > 5  # the hook sees writing
        assert first["exported"]
        assert first["events"] > 5
        assert (second["written"], second["events"], second["exported"]) == ([], 0, False)


def test_stopped_by_either_and_resumed_both_go_on_bit_equal(found: list[dict[str, Any]]) -> None:
    assert all(one["stopped"] for one in found)
    assert [one["differing"] for one in found] == [[], []]


def test_each_process_keeps_its_own_past_fakes(found: list[dict[str, Any]], folder: Path) -> None:
    assert found[0]["past"] != found[1]["past"]
    tensors, _ = read_checkpoint(checkpoint_path(folder / "cut" / "checkpoints", 10))
    saved = tensors["history.0-d/images"]
    assert saved.shape == (2, 6, 1, 4, 4)
    assert [float(images.sum()) for images in saved] == pytest.approx([one["past"][0] for one in found])


def test_a_run_of_two_processes_with_past_fakes_is_not_resumed_by_one(folder: Path) -> None:
    with pytest.raises(FileError, match="kept past fakes in 2 processes; resume it with as many, not 1"):
        play(folder / "cut", WITH_PAST, task=Simple(history=6), data=DATA)


# Alone -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_shards_tile_the_batch(size: int) -> None:
    shards = [World(rank, size).shard(8) for rank in range(size)]
    assert [row for start, stop in shards for row in range(start, stop)] == list(range(8))
    assert len({stop - start for start, stop in shards}) == 1


@pytest.mark.parametrize(("batch", "size", "instead"), [(8, 3, 6), (2, 4, 4), (10, 4, 8)])
def test_a_batch_that_does_not_divide_is_refused_with_one_that_does(batch: int, size: int, instead: int) -> None:
    with pytest.raises(UsageError, match=f"--batch is {batch}, .* over {size} processes; try {instead}"):
        World(0, size).shard(batch)


def test_alone_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    world = World.join("cuda")
    assert world == World()
    assert not dist.is_initialized()
    tensor, parameter = torch.randn(3), nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    before = tensor.clone()
    world.average_gradients_([parameter])
    world.broadcast_([tensor])
    world.wait()
    assert world.gather(tensor)[0] is tensor
    assert torch.equal(world.average(tensor), before)
    assert (world.share("x"), world.any(True), world.any(False)) == ("x", True, False)
    assert replace(world, rank=1).leads is False


ARGUMENTS: list[tuple[str, str]] = [("cpu", "gloo"), ("cuda", "cpu:gloo,cuda:nccl")]


@pytest.mark.parametrize(("device", "backend"), ARGUMENTS)
def test_past_fakes_in_the_machines_memory_can_be_sent_beside_the_cards(
    monkeypatch: pytest.MonkeyPatch, device: str, backend: str
) -> None:
    asked: list[str] = []
    answers: dict[str, Callable[..., Any]] = {
        "is_initialized": lambda: False, "init_process_group": asked.append, "get_rank": lambda: 1,
        "get_world_size": lambda: 4,
    }  # fmt: skip
    for name, answer in answers.items():
        monkeypatch.setattr(dist, name, answer)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert World.join(device) == World(1, 4, 1)
    assert asked == [backend]
