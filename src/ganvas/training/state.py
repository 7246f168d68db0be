"""The restart set: everything a run needs to go on as if it had never stopped."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganvas.errors import FileError
from ganvas.training.average import averaged_copy
from ganvas.training.compiled import compile_
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.history import History
from ganvas.training.optimiser import build_optimiser, moments, restore_moments_
from ganvas.training.task import Players


@dataclass
class Counters:
    """Where a run stands, in plain numbers.

    Attributes:
        step: Steps played.
        seen_images: Real images shown to the critics.
        stage: Index of the present stage.
        stage_start_step: Where it began.
        stage_best: Best score of its stop rule so far.
        stage_waited: Evaluations since then.
        stage_stopped: Whether the rule has ended it.
        augment_p: Augmentation probability of the next step.
        sign_sum: Sum of the critics' signs since the adaptive policy last moved that probability.
        sign_count: How many they are.
        lr_scale: What roll-backs have made of the learning rate.
        rollbacks: Roll-backs since the run last went beyond where it broke.
        broken_from_step: Newest checkpoint that the run broke down from; -1 for none.
        best_score: Best score so far.
        best_step: Its step, whose checkpoint is kept.
        elapsed_s: Seconds of steps and ticks.
        books_s: Seconds of scores, sample grids and checkpoints.
        played_with: Options of the last sitting that a resume may change (`ganvas.training.sitting`).
    """

    step: int = 0
    seen_images: int = 0
    stage: int = 0
    stage_start_step: int = 0
    stage_best: float | None = None
    stage_waited: int = 0
    stage_stopped: bool = False
    augment_p: float = 0.0
    sign_sum: float = 0.0
    sign_count: int = 0
    lr_scale: float = 1.0
    rollbacks: int = 0
    broken_from_step: int = -1
    best_score: float | None = None
    best_step: int | None = None
    elapsed_s: float = 0.0
    books_s: float = 0.0
    played_with: dict[str, float] = field(default_factory=dict)


@dataclass
class TrainingState:
    """Networks, averages, optimizers, pools, counters and random states.

    Data position, schedules and all random draws of a step are functions of `Counters` and the seed; the
    global torch generators are kept as well, for networks that use them (dropout, noise layers).
    """

    players: Players
    averages: dict[str, nn.Module]
    generator_optimiser: Optimizer
    critic_optimiser: Optimizer
    histories: dict[str, History] = field(default_factory=dict)
    snapshots: dict[str, Tensor] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    signs: list[Tensor] = field(default_factory=list)
    """The critics' signs that are still on the device, not yet in the counters; the same in every process."""
    frozen_hashes: dict[str, str] = field(default_factory=dict)
    """Of the networks that never change, worked out once."""

    @staticmethod
    def begin(players: Players, options: TrainingOptions) -> "TrainingState":
        """The state before the first step."""
        for network in players.frozen.values():
            network.eval().requires_grad_(False)
        painters = [*players.generators.values(), *players.helpers.values()]
        averages = {name: averaged_copy(network) for name, network in players.generators.items()}
        compile_(players.generators.values(), options)
        return TrainingState(
            players=players,
            averages=averages,
            generator_optimiser=build_optimiser(options, _trained(painters)),
            critic_optimiser=build_optimiser(options, _trained(players.critics.values())),
        )

    def trained_networks(self) -> dict[str, nn.Module]:
        """All networks whose weights change."""
        return {**self.players.generators, **self.players.critics, **self.players.helpers}

    @property
    def device(self) -> torch.device:
        """Where the generators are."""
        networks = self.players.generators.values()
        return next((p.device for network in networks for p in network.parameters()), torch.device("cpu"))

    def learned(self) -> dict[str, Tensor]:
        """What steps change and a NaN would spoil for good: weights, averages and the optimizers' moments."""
        names = self._parameter_names()
        return _flat(
            {
                **{f"network.{name}": net.state_dict() for name, net in self.trained_networks().items()},
                **{f"average.{name}": net.state_dict() for name, net in self.averages.items()},
                "optimiser.generators": moments(self.generator_optimiser, names),
                "optimiser.critics": moments(self.critic_optimiser, names),
            }
        )

    def tensors(self, world: World) -> dict[str, Tensor]:
        """The restart set as named tensors.

        Every process must call it: each has its own past fakes and random states.
        """
        random = _random_states(self.device)
        rest = {
            **{f"history.{key}": _history_tensors(pool, world) for key, pool in self.histories.items()},
            "snapshot": self.snapshots,
            "random": {key: torch.stack(world.gather(value)) for key, value in random.items()},
        }
        return {**self.learned(), **_flat(rest)}

    def read_signs(self) -> None:
        """Take the signs that are still on the device into the counters."""
        if self.signs:
            signs = torch.stack(self.signs).tolist()
            self.counters.sign_sum = sum(signs, self.counters.sign_sum)
            self.counters.sign_count += len(signs)
            self.signs = []

    def facts(self) -> dict[str, Any]:
        """The restart set's plain numbers."""
        self.read_signs()
        pools = {key: {"capacity": pool.capacity, "filled": pool.filled} for key, pool in self.histories.items()}
        if not self.frozen_hashes:
            self.frozen_hashes = {name: weights_hash(network) for name, network in self.players.frozen.items()}
        return {"counters": asdict(self.counters), "histories": pools, "frozen": self.frozen_hashes}

    def restore_(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], world: World) -> None:
        """Become the state that was saved.

        Raises:
            FileError: The file belongs to other networks.
        """
        for name, network in self.players.frozen.items():
            self.frozen_hashes[name] = weights_hash(network)
            if facts["frozen"].get(name) != self.frozen_hashes[name]:
                raise FileError(
                    f"The frozen network '{name}' is not the one this run was trained with; bring that one."
                )

        def part(name: str) -> dict[str, Tensor]:
            return {key.removeprefix(name + "/"): v for key, v in tensors.items() if key.startswith(name + "/")}

        networks = {f"network.{name}": net for name, net in self.trained_networks().items()}
        networks |= {f"average.{name}": net for name, net in self.averages.items()}
        for name, network in networks.items():
            try:
                network.load_state_dict(part(name))
            except RuntimeError as error:
                raise FileError(f"The checkpoint's '{name}' does not fit this network: {error}") from error
        names = self._parameter_names()
        restore_moments_(self.generator_optimiser, names, part("optimiser.generators"))
        restore_moments_(self.critic_optimiser, names, part("optimiser.critics"))
        self.histories = {
            key: _history(part(f"history.{key}"), pool, world) for key, pool in facts["histories"].items()
        }
        self.snapshots = part("snapshot")
        self.counters, self.signs = Counters(**facts["counters"]), []
        states = part("random")
        if len(states["cpu"]) == world.size:  # otherwise the processes keep those they were started with
            # A copy: torch reads past the end of a view into a larger tensor here, and the process dies.
            _restore_random_states({key: value[world.rank].clone() for key, value in states.items()}, self.device)

    def _parameter_names(self) -> dict[Tensor, str]:
        """A name for every trained parameter, unique over all networks."""
        return {
            parameter: f"{network_name}.{name}"
            for network_name, network in self.trained_networks().items()
            for name, parameter in network.named_parameters()
        }


def weights_hash(network: nn.Module) -> str:
    """SHA-256 over the names and values of a network's tensors, in hexadecimal."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())  # NumPy has no bfloat16
    return digest.hexdigest()


def _trained(networks: Any) -> list[nn.Parameter]:
    """Their trained parameters, each once, also where networks share a module."""
    parameters = (parameter for network in networks for parameter in network.parameters())
    return list(dict.fromkeys(parameter for parameter in parameters if parameter.requires_grad))


def _flat(parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()}


def _history_tensors(pool: History, world: World) -> dict[str, Tensor]:
    found = {"images": pool.images, "conditions": pool.conditions}
    return {key: torch.stack(world.gather(value)) for key, value in found.items() if value is not None}


def _history(saved: Mapping[str, Tensor], facts: Mapping[str, Any], world: World) -> History:
    if len(saved["images"]) != world.size:
        raise FileError(
            f"This run kept past fakes in {len(saved['images'])} processes; resume it with as many, not {world.size}."
        )
    conditions = saved.get("conditions")
    return History(
        capacity=int(facts["capacity"]),
        images=saved["images"][world.rank],
        conditions=None if conditions is None else conditions[world.rank],
        filled=int(facts["filled"]),
    )


def _random_states(device: torch.device) -> dict[str, Tensor]:
    """Of the generators that a run on this device draws from; other devices are not touched."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _restore_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
