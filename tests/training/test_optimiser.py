"""Optimizers, and that a run restored from a file goes on with the same bits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganvas.device import place
from ganvas.training.config import TrainingOptions
from ganvas.training.optimiser import build_optimiser, moments, restore_moments_, set_schedule_
from tests.training.toys import options

CPU = torch.device("cpu")
KINDS: list[dict[str, Any]] = [
    {"optimizer": "adam", "lr": 1e-2, "beta1": 0.5},
    {"optimizer": "rmsprop", "lr": 1e-2},
    {"optimizer": "sgd", "lr": 1e-2, "beta1": 0.9},
    {"optimizer": "sgd", "lr": 1e-2, "beta1": 0.0},
]


def network() -> nn.Module:
    """Convolutions whose weights are channels_last, and a vector."""
    torch.manual_seed(0)
    return place(nn.Sequential(nn.Conv2d(4, 6, 3), nn.LeakyReLU(0.2), nn.Conv2d(6, 2, 3)), CPU)


def names(net: nn.Module) -> dict[Tensor, str]:
    return {parameter: f"net.{name}" for name, parameter in net.named_parameters()}


def train(net: nn.Module, optimiser: Optimizer, steps: range) -> None:
    for step in steps:
        images = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        net(images).square().mean().backward()
        optimiser.step()


def saved_and_loaded(optimiser: Optimizer, net: nn.Module, folder: Path) -> dict[str, Tensor]:
    flat = {key: value.contiguous() for key, value in moments(optimiser, names(net)).items()}
    save_file(flat, folder / "moments.safetensors")
    return load_file(folder / "moments.safetensors")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind['optimizer']}-{kind.get('beta1', 0)}")
def test_restored_from_a_file_it_goes_on_bit_equal(tmp_path: Path, kind: dict[str, Any]) -> None:
    settings = options(**kind)
    whole = network()
    train(whole, build_optimiser(settings, whole.parameters()), range(6))
    first, second = network(), network()
    optimiser = build_optimiser(settings, first.parameters())
    train(first, optimiser, range(3))
    second.load_state_dict(first.state_dict())
    resumed = build_optimiser(settings, second.parameters())
    restore_moments_(resumed, names(second), saved_and_loaded(optimiser, first, tmp_path))
    train(second, resumed, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))


def test_restored_fused_adam_agrees_with_unfused(tmp_path: Path) -> None:
    settings = options(optimizer="adam", lr=1e-2, beta1=0.5, beta2=0.9)
    reference = network()
    train(reference, Adam(reference.parameters(), 1e-2, (0.5, 0.9), fused=False, foreach=False), range(6))
    fused = network()
    optimiser = build_optimiser(settings, fused.parameters())
    assert optimiser.defaults["fused"]
    train(fused, optimiser, range(3))
    saved = saved_and_loaded(optimiser, fused, tmp_path)
    restore_moments_(optimiser, names(fused), saved)
    train(fused, optimiser, range(3, 6))
    for ours, theirs in zip(fused.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_moments_have_the_strides_of_their_parameters(tmp_path: Path) -> None:
    net = network()
    optimiser = build_optimiser(options(), net.parameters())
    train(net, optimiser, range(1))
    restore_moments_(optimiser, names(net), saved_and_loaded(optimiser, net, tmp_path))
    weight = next(net.parameters())
    assert weight.stride() != weight.contiguous().stride()
    for parameter, state in optimiser.state.items():
        assert state["exp_avg"].stride() == state["exp_avg_sq"].stride() == parameter.stride()


def test_moments_are_named_after_parameter_and_kind() -> None:
    net = network()
    optimiser = build_optimiser(options(), net.parameters())
    assert moments(optimiser, names(net)) == {}
    train(net, optimiser, range(2))
    found = moments(optimiser, names(net))
    assert set(found) == {
        f"net.{name}.{key}" for name, _ in net.named_parameters() for key in ("step", "exp_avg", "exp_avg_sq")
    }
    assert float(found["net.0.weight.step"]) == 2


def test_restoring_forgets_what_was_there() -> None:
    net = network()
    optimiser = build_optimiser(options(), net.parameters())
    train(net, optimiser, range(2))
    restore_moments_(optimiser, names(net), {})
    assert moments(optimiser, names(net)) == {}


@pytest.mark.parametrize(("name", "kind"), [("adam", Adam), ("rmsprop", RMSprop), ("sgd", SGD)])
def test_options_reach_the_optimizer(name: str, kind: type[Optimizer]) -> None:
    settings = options(optimizer=name, lr=0.3, beta1=0.25, beta2=0.75)
    optimiser = build_optimiser(settings, network().parameters())
    assert type(optimiser) is kind
    (group,) = optimiser.param_groups
    assert group["lr"] == 0.3
    expected = {"adam": ("betas", (0.25, 0.75)), "rmsprop": ("alpha", 0.75), "sgd": ("momentum", 0.25)}
    key, value = expected[name]
    assert group[key] == value


def test_the_schedule_is_written_where_each_optimizer_reads_it() -> None:
    def group(name: str) -> dict[str, Any]:
        optimiser = build_optimiser(options(optimizer=name, beta1=0.25), network().parameters())
        set_schedule_(optimiser, lr=0.125, beta2=0.5)
        return dict(optimiser.param_groups[0])

    assert (group("adam")["lr"], group("adam")["betas"]) == (0.125, (0.25, 0.5))
    assert (group("rmsprop")["lr"], group("rmsprop")["alpha"]) == (0.125, 0.5)
    assert (group("sgd")["lr"], group("sgd")["momentum"]) == (0.125, 0.25)


@pytest.mark.parametrize("settings", [options(optimizer=name) for name in ("adam", "rmsprop", "sgd")])
def test_a_side_without_networks_has_an_optimizer_that_does_nothing(settings: TrainingOptions) -> None:
    optimiser = build_optimiser(settings, [])
    optimiser.zero_grad()
    optimiser.step()
    assert moments(optimiser, {}) == {}
