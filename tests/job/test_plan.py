import math
import random
from dataclasses import fields
from typing import Any

import pytest
import torch

from ganvas.errors import UnknownName, UsageError
from ganvas.job.gamma import gamma_rule
from ganvas.job.plan import NETWORKS, Pictures, complete
from ganvas.training.config import SETTINGS, TrainConfig

CPU = torch.device("cpu")
AREAS = [(8, 8), (16, 16), (28, 28), (32, 32), (32, 64), (64, 64), (96, 64), (128, 128), (192, 320), (256, 256)]
OTHER: dict[str, Any] = {
    "size": (20, 24), "channels": 4, "fit": "pad", "labels": "none", "mirror": True, "network": "r3",
    "generator": "mlp", "discriminator": "dcgan", "width": 7, "blocks": 5, "latent_dim": 9, "batchnorm": True,
    "loss": "hinge", "penalty": "r1", "estimator": "directional", "penalty_interval": 3, "gamma": 3.5,
    "gamma_final": 0.7,
    "clip_limit": 0.3, "critic_steps": 4, "optimizer": "sgd", "lr": 0.3, "lr_final": 0.2, "beta1": 0.1,
    "beta2": 0.2, "beta2_final": 0.3, "burn_in_kimg": 0.125, "ema_kimg": 0.25, "augment": ("flip",),
    "augment_policy": "fixed", "augment_p": 0.01, "augment_target": 0.2, "augment_shared": False, "kimg": 77.0,
    "batch": 6, "micro_batch": 2, "precision": "bfloat16", "seed": 11, "tick_kimg": 0.5, "sample_every_kimg": 0.75,
    "checkpoint_every_kimg": 0.3, "evaluate_every_kimg": 0.35, "features": "mobilenet-v2", "best_by": "fd",
    "keep_last": 5, "keep_every_kimg": 8.0, "preview_count": 3, "tensorboard": True,
    "compile": True,
    "scale": 3, "pixel_share": 0.4, "pixel_weight": 7.0, "frequency_weight": 0.7, "perceptual_weight": 0.3,
    "adversarial_weight": 0.9, "patience": 4,
}  # fmt: skip
"""A value for every option but the task that no rule would choose."""


def planned(given: dict[str, Any] | None = None, size: tuple[int, int] = (32, 32), device: str = "cpu") -> TrainConfig:
    return complete(given or {}, Pictures(1000, size, 3), torch.device(device))


@pytest.fixture(autouse=True)
def any_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans for devices this machine has not."""
    monkeypatch.setattr("ganvas.device.gains_from_bfloat16", lambda device: device.type == "cuda")


def test_the_values_cover_every_option() -> None:
    assert set(OTHER) | {"kind"} == {item.name for settings in SETTINGS for item in fields(settings)}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_given_wins(seed: int) -> None:
    chosen = random.Random(seed).sample(sorted(OTHER), k=1 + 2 * seed)
    config = planned({name: OTHER[name] for name in chosen}).flat()
    assert {name: config[name] for name in chosen} == {name: OTHER[name] for name in chosen}


def test_no_rule_would_choose_the_values_given() -> None:
    config = planned().flat()
    assert [name for name, value in OTHER.items() if config[name] == value] == []


@pytest.mark.parametrize("size", AREAS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_the_rest_is_filled_in(size: tuple[int, int], network: str, device: str) -> None:
    config = planned({"network": network}, size, device)
    assert (config.network.generator, config.network.discriminator) == (network, network)
    assert config.data.size == size
    options = config.training
    assert options.micro_batch == options.batch
    assert options.gamma_final == options.gamma / 10
    assert 0 < options.burn_in_kimg <= options.kimg
    assert 0 < options.checkpoint_every_kimg <= options.kimg
    assert options.precision == ("bfloat16" if device == "cuda" else "float32")


def by_area(read: str) -> list[float]:
    sizes = sorted(AREAS, key=math.prod)
    return [planned(size=size).flat()[read] for size in sizes]


@pytest.mark.parametrize("name", ["gamma", "kimg"])
def test_larger_pictures_need_no_less(name: str) -> None:
    values = by_area(name)
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_larger_pictures_get_no_wider_networks() -> None:
    values = by_area("width")
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


@pytest.mark.parametrize(
    ("given", "expected"), [({}, (10, 10)), ({"gamma": 4.0}, (4, 4)), ({"gamma_final": 1.0}, (10, 1))]
)
def test_the_gradient_penalty_of_wgan_has_the_weight_of_its_paper(
    given: dict[str, float], expected: tuple[float, float]
) -> None:
    options = planned({"penalty": "wgan-gp", "loss": "wasserstein", **given}).training
    assert (options.gamma, options.gamma_final) == expected


@pytest.mark.parametrize(("side", "gamma"), [(32, 8.0), (64, 32.0), (28, 6.1), (256, 510.0)])
def test_gamma_grows_with_the_pixels(side: int, gamma: float) -> None:
    assert gamma_rule(side * side) == gamma


@pytest.mark.parametrize(
    ("kimg", "device", "batch"),
    [(1, "cpu", 16), (40, "cpu", 16), (79, "cpu", 16), (80, "cpu", 32), (160, "cpu", 64), (5000, "cpu", 64),
     (160, "cuda", 64), (320, "cuda", 128)],
)  # fmt: skip
def test_short_runs_take_small_batches_to_have_enough_steps(kimg: float, device: str, batch: int) -> None:
    assert planned({"kimg": kimg}, device=device).training.batch == batch


def test_what_follows_from_a_given_value_follows() -> None:
    options = planned({"gamma": 5.0, "lr": 8e-4, "batch": 12, "kimg": 2000.0}).training
    assert (options.gamma_final, options.lr_final, options.micro_batch) == (0.5, 2e-4, 12)
    assert (options.burn_in_kimg, options.ema_kimg, options.tick_kimg) == (400, 200, 20)
    assert (options.sample_every_kimg, options.checkpoint_every_kimg, options.evaluate_every_kimg) == (100, 100, 100)
    assert planned({"checkpoint_every_kimg": 7.0}).training.evaluate_every_kimg == 7


def test_the_schedules_of_a_short_run_take_all_of_it() -> None:
    options = planned({"lr": 8e-4, "kimg": 200.0}).training
    assert (options.lr_final, options.burn_in_kimg, options.ema_kimg) == (2e-4, 200, 20)


def test_batchnorm_only_where_the_penalty_bears_it() -> None:
    for penalty, expected in [("none", True), ("clip", True), ("r1", False), ("r1+r2", False), ("wgan-gp", False)]:
        assert planned({"penalty": penalty}).network.batchnorm is expected


def test_one_line_of_the_grid_a_class() -> None:
    for classes, count in [(0, 64), (3, 24), (10, 80), (500, 128)]:
        assert complete({}, Pictures(9, (8, 8), 1, classes, classes), CPU).training.preview_count == count
    assert complete({}, Pictures(9, (8, 8), 1, label_dim=4), CPU).training.preview_count == 64  # attributes


@pytest.mark.parametrize("option", ["network", "generator", "discriminator"])
def test_an_unknown_network_is_named(option: str) -> None:
    with pytest.raises(UnknownName, match=r"no network 'fsat'. Did you mean 'fast'"):
        planned({option: "fsat"})


@pytest.mark.parametrize(
    ("name", "value"), [("kimg", -1.0), ("kimg", 0.0), ("gamma", -1.0), ("lr", 0.0), ("batch", 0), ("channels", 2)]
)
def test_a_value_out_of_range_is_refused_for_itself(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"^--{name} is {value}"):
        planned({name: value})
