import json
from typing import Any

import pytest

from ganvas.errors import UsageError
from ganvas.training.config import SETTINGS, DataOptions, NetworkOptions, TaskOptions, TrainConfig, TrainingOptions
from ganvas.training.options import options_of, parse
from tests.training.toys import options


def networks(**changes: Any) -> NetworkOptions:
    base = {"generator": "fast", "discriminator": "fast", "width": 8, "blocks": 1, "batchnorm": False}
    return NetworkOptions(**{**base, **changes})


def test_kimg_counts_real_images_shown_to_the_critics() -> None:
    settings = options(batch=8, critic_steps=5, kimg=4.0)
    assert settings.images_per_step == 40
    assert settings.total_steps == 100
    assert settings.steps_every(0.4) == 10


@pytest.mark.parametrize("kimg", [1e-9, 0.001])
def test_the_shortest_budget_and_interval_is_one_step(kimg: float) -> None:
    settings = options(batch=64, kimg=kimg)
    assert settings.total_steps == settings.steps_every(kimg) == 1


@pytest.mark.parametrize("channels", [0, 2, 5])
def test_channels_that_no_picture_has_are_refused(channels: int) -> None:
    with pytest.raises(UsageError, match=f"--channels is {channels}, but pictures have 1, 3 or 4"):
        DataOptions(size=(8, 8), channels=channels)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 0.0}, {"gamma": -1.0}, {"batch": 0}, {"micro_batch": 0}, {"kimg": 0.0}, {"critic_steps": 0},
        {"penalty_interval": 0}, {"beta1": 1.0}, {"beta2": 1.0}, {"beta2_final": 1.0}, {"augment_p": 1.1}, {"seed": -1},
        {"seed": 2**64}, {"tick_kimg": 0.0}, {"keep_last": 0}, {"preview_count": 0}, {"clip_limit": 0.0},
    ],
)  # fmt: skip
def test_values_that_cannot_be_trained_with_are_refused_by_flag(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    flag = next(opt.flag for opt in options_of(TrainingOptions) if opt.name == name)
    with pytest.raises(UsageError, match=f"^{flag} is {wrong[name]}, but "):
        options(**wrong)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"blocks": 0}, {"latent_dim": 0}])
def test_networks_of_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="must be at least 1"):
        networks(**wrong)


def test_only_the_adaptive_policy_is_bounded_where_augmentations_leak() -> None:
    options(augment_p=1.0, augment_policy="fixed")
    options(augment_p=0.8, augment_policy="adaptive")
    with pytest.raises(UsageError, match=r"--augment-p is 0\.9, but under --augment-policy adaptive.*at most 0\.8"):
        options(augment_p=0.9, augment_policy="adaptive")


def test_a_configuration_survives_json() -> None:
    config = TrainConfig(
        TaskOptions(), DataOptions(size=(8, 12), channels=3), networks(), options(augment=("flip", "shift"))
    )
    given = json.loads(json.dumps(config.flat()))
    back = parse(SETTINGS, given, "run.json")
    assert back == config.flat()
    assert set(back) == {opt.name for settings in SETTINGS for opt in options_of(settings)}
